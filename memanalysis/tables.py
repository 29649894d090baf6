"""Tallies as tables: the rows of ``outcomes``, ``proxies`` and ``models``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import save_file

from memanalysis import atomic, bits
from memanalysis.schema import MODELS, OBJECTIVES, OUTCOMES, PROXIES
from memanalysis.store import ModelInfo, half_of_group, utc
from memanalysis.tally import SIDES, Condition, Tally, proxy_columns, signal_columns


def outcomes(condition: Condition, tally: Tally, examples: pa.Table) -> pa.Table:
    """The rows of one condition; ``examples`` has example_id, split and label in order."""
    n = tally.n_examples
    signals = {
        column: _float32(sums.signals[at])
        for part, sums in tally.parts.items()
        for at, column in signal_columns(part)
    }
    data = {
        **_condition_columns(condition, n),
        **{name: examples[name] for name in ("example_id", "split", "label")},
        "n_models": np.full(n, bits.count(tally.trained), dtype=np.int32),
        "trained": _blobs(np.tile(tally.trained, (n, 1))),
        "in_train": _blobs(tally.in_train.T),
        "correct": _blobs(tally.correct.T),
        **signals,
    }
    return _table(data, OUTCOMES)


def proxies(condition: Condition, tally: Tally) -> pa.Table:
    """The rows of one condition, proxy by proxy, since equal neighbours compress."""
    tables = [_proxy(name, condition, tally) for name in sorted(tally.parts[""].proxies)]
    return pa.concat_tables([PROXIES.empty_table(), *tables]).combine_chunks()


def _proxy(name: str, condition: Condition, tally: Tally) -> pa.Table:
    data = {
        **_condition_columns(condition, tally.n_train),
        "example_id": np.arange(tally.n_train),
        "proxy": pa.array([name] * tally.n_train),
    }
    for part, part_sums in tally.parts.items():
        sums, counts = part_sums.proxy(name)
        for side, (value, count) in enumerate(proxy_columns(part)):
            data[value] = _float32(_mean(sums[side], counts[side]))
            data[count] = counts[side]
    return _table(data, PROXIES)


def models(infos: Sequence[tuple[Condition, ModelInfo]]) -> pa.Table:
    """All models, numbered in the order given: objective, size_rank, subset_id."""
    ids = {(c.objective, c.size, info.subset_id): i for i, (c, info) in enumerate(infos)}
    rows = []
    for model_id, (condition, info) in enumerate(infos):
        teacher = None
        if info.teacher_size and info.teacher_scope == "same_subset":
            teacher = ids.get((OBJECTIVES[0], info.teacher_size, info.subset_id))
        rows.append(
            {
                **{name: _known(value) for name, value in vars(info).items()},
                "model_id": model_id,
                "half": half_of_group(info.group_id),
                "size_rank": condition.size_rank,
                "teacher_model_id": teacher,
                "finished_at": utc(info.finished_at),
            }
        )
    return pa.Table.from_pylist(rows, schema=MODELS)


def _known(value: Any) -> Any:
    """Return None for a NaN, such as the accuracy of a model on no examples."""
    return None if isinstance(value, float) and math.isnan(value) else value


def write_groups(path: Path, tally: Tally) -> None:
    """Write the detail per group, for resampling continuous quantities; nothing if there is none.

    safetensors of G groups and P proxies: ``group_ids`` int32 [G]; ``proxy_in``, ``proxy_out``
    float32 [G, P, n_train], means, NaN where nothing was observed; ``proxy_n_in``, ``proxy_n_out``
    uint16 [G, P, n_train]; ``signal_in``, ``signal_out`` float32 [G, signals, n_train], sums. The
    header's ``proxy_names`` is a JSON list.
    """
    if not tally.groups:
        return
    ids = sorted(tally.groups)
    names = sorted(tally.parts[""].proxies)
    means = np.full((len(SIDES), len(ids), len(names), tally.n_train), np.nan, dtype=np.float32)
    counts = np.zeros(means.shape, dtype=np.uint16)
    for g, group in enumerate(ids):
        for p, name in enumerate(names):
            sums, n = tally.groups[group].proxy(name)
            means[:, g, p] = _mean(sums, n)
            counts[:, g, p] = n
    sums_of_groups = np.stack([tally.groups[g].signals[:, :, 0, : tally.n_train] for g in ids])
    tensors: dict[str, NDArray[Any]] = {"group_ids": np.array(ids, dtype=np.int32)}
    for i, side in enumerate(SIDES):
        tensors[f"proxy_{side}"] = means[i]
        tensors[f"proxy_n_{side}"] = counts[i]
        tensors[f"signal_{side}"] = np.ascontiguousarray(sums_of_groups[:, :, i], dtype=np.float32)
    with atomic.replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"proxy_names": json.dumps(names)})


def _condition_columns(condition: Condition, n: int) -> dict[str, Any]:
    return {
        "objective": pa.array([condition.objective] * n),
        "size": pa.array([condition.size] * n),
        "size_rank": np.full(n, condition.size_rank, dtype=np.int32),
    }


def _mean(sums: NDArray[np.float64], counts: NDArray[np.int32]) -> NDArray[np.float64]:
    out = np.full(sums.shape, np.nan)
    return np.asarray(np.divide(sums, counts, out=out, where=counts > 0))


def _float32(values: NDArray[np.float64]) -> pa.Array:
    """float32 with its last byte zero, NULL where it is not finite.

    What is summed came as float16, good to 2^-12; sums good to 2^-17 lose nothing of it and take a
    quarter less space.
    """
    finite = np.isfinite(values)
    whole = np.where(finite, values, 0.0).astype(np.float32).view(np.uint32)
    rounded = (whole + np.uint32(0x80)) & np.uint32(0xFFFFFF00)
    return pa.array(rounded.view(np.float32), mask=~finite)


def _blobs(packed: NDArray[np.uint8]) -> pa.Array:
    """uint8 [rows, bytes] as one BLOB a row."""
    flat = pa.py_buffer(np.ascontiguousarray(packed).tobytes())
    kind = pa.binary(packed.shape[1])
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(packed), [None, flat]).cast(pa.binary())


def _table(data: dict[str, Any], schema: pa.Schema) -> pa.Table:
    return pa.table({name: data[name] for name in schema.names}).cast(schema)
