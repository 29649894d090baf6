"""Tallies as tables: the rows of ``outcomes``, ``proxies``, ``models`` and what was recorded."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis.building.aggregate import (
    MARGIN,
    SIDES,
    Condition,
    Tally,
    mean_of,
    proxy_columns,
    signal_columns,
)
from memanalysis.building.repeats import SecondModels
from memanalysis.storage import bits
from memanalysis.storage.model_files import ModelInfo, utc
from memanalysis.storage.schema import (
    EPOCH_OUTCOMES,
    HALVES,
    MARGINS,
    MODELS,
    OBJECTIVES,
    OUTCOMES,
    PROXIES,
    REPEATS,
    VOTES,
)
from memanalysis.storage.store import half_of_group

# Rows written at once: 100 MB of bits for 2,000 subsets. Smaller tables are written whole.
MOST_ROWS: Final = 131_072


def outcomes(condition: Condition, tally: Tally, examples: pa.Table) -> Iterator[pa.Table]:
    """The rows of one condition; ``examples`` has example_id, split and label in order.

    Some at a time, since all of them at once would take twice the memory of the tally.
    """
    for start in range(0, tally.n_examples, MOST_ROWS):
        rows = slice(start, min(start + MOST_ROWS, tally.n_examples))
        yield _outcomes(condition, tally, examples.slice(start, rows.stop - start), rows)


class RowGroups:
    """Writes tables as row groups of up to ``MOST_ROWS``.

    Subsets are the same at every size and objective, so conditions that share a row group share the
    dictionary of ``in_train``: a tenth of ``outcomes`` in a study of eight conditions.
    """

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._waiting: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Write what waits if ``table`` does not fit beside it; then ``table`` waits."""
        if sum(map(len, self._waiting)) + len(table) > MOST_ROWS:
            self.finish()
        self._waiting.append(table)

    def finish(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
        self._waiting = []


def _outcomes(condition: Condition, tally: Tally, examples: pa.Table, rows: slice) -> pa.Table:
    n = len(examples)
    signals = {
        column: _float32(tally.parts[part].signals[at][rows])
        for part, at, column in signal_columns()
    }
    data = {
        **_condition_columns(condition, n),
        **{name: examples[name] for name in ("example_id", "split", "label")},
        "n_models": np.full(n, bits.count(tally.trained), dtype=np.int32),
        "trained": _blobs(np.tile(tally.trained, (n, 1))),
        "in_train": _blobs(tally.in_train[:, rows].T),
        "correct": _blobs(tally.correct[:, rows].T),
        **signals,
    }
    return _table(data, OUTCOMES)


def proxies(
    condition: Condition, tally: Tally, without: Collection[str] = ()
) -> Iterator[pa.Table]:
    """The rows of one condition, proxy by proxy, since equal neighbours compress.

    Proxies in ``without`` have none: a packed store has dropped what other models said of them.

    All in one table where that is small, else a table each.
    """
    names = sorted(set(tally.parts[""].proxies) - {*without})
    tables = (_proxy(name, condition, tally) for name in names)
    if tally.n_train > MOST_ROWS:
        yield from tables
    else:
        yield pa.concat_tables([PROXIES.empty_table(), *tables]).combine_chunks()


def _proxy(name: str, condition: Condition, tally: Tally) -> pa.Table:
    data = {
        **_condition_columns(condition, tally.n_train),
        "example_id": np.arange(tally.n_train),
        "proxy": pa.array([name] * tally.n_train),
    }
    for part, part_sums in tally.parts.items():
        sums, counts = part_sums.proxy(name)
        for side, (value, count) in enumerate(proxy_columns(part)):
            data[value] = _float32(mean_of(sums[side], counts[side]))
            data[count] = counts[side]
    return _table(data, PROXIES)


def votes(condition: Condition, tally: Tally) -> pa.Table:
    """The rows of one condition, by example, then class; classes without a vote have none."""
    example, predicted, n_in, n_out = tally.recorded.votes.rows()
    data = {
        **_condition_columns(condition, len(example)),
        "example_id": example,
        "class": predicted,
        "n_in": n_in,
        "n_out": n_out,
    }
    return _table(data, VOTES)


def margins(condition: Condition, tally: Tally) -> pa.Table:
    """The rows of one condition, one for each training example; none where no margin is known."""
    total, n = tally.parts[""].signals[MARGIN, :, 1], tally.n_train
    if not n or np.isnan(total[:, :n]).all():
        return MARGINS.empty_table()
    half, kept = tally.parts[HALVES[0]].signals[MARGIN, :, 1, :n], tally.recorded.margins
    data = {
        **_condition_columns(condition, n),
        "example_id": np.arange(n),
        **{f"margin_{side}_sumsq_{HALVES[0]}": _float32(half[s]) for s, side in enumerate(SIDES)},
        "margins": pa.nulls(n, pa.binary()) if kept is None else _blobs(kept.T.view(np.uint8)),
    }
    return _table(data, MARGINS)


def epoch_outcomes(condition: Condition, tally: Tally) -> pa.Table:
    """The rows of one condition, epoch by epoch, one for each training example."""
    parts = [EPOCH_OUTCOMES.empty_table()]
    n = tally.n_train
    for epoch, found in sorted(tally.recorded.epochs.items()):
        data = {
            **_condition_columns(condition, n),
            "example_id": np.arange(n),
            "epoch": np.full(n, epoch, dtype=np.int32),
            "n_models": np.full(n, bits.count(found.trained), dtype=np.int32),
            "trained": _blobs(np.tile(found.trained, (n, 1))),
            "correct": _blobs(found.correct.T),
        }
        parts.append(_table(data, EPOCH_OUTCOMES))
    return pa.concat_tables(parts)


def repeats(found: Sequence[SecondModels]) -> pa.Table:
    """The rows of all sizes, one for each example of both splits."""
    parts = [REPEATS.empty_table()]
    for second in found:
        n = second.correct.shape[1]
        data = {
            **_condition_columns(second, n),
            "example_id": np.arange(n),
            "n_models": np.full(n, bits.count(second.trained), dtype=np.int32),
            "trained": _blobs(np.tile(second.trained, (n, 1))),
            "correct": _blobs(second.correct.T),
        }
        parts.append(_table(data, REPEATS))
    return pa.concat_tables(parts)


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


def _condition_columns(condition: Condition | SecondModels, n: int) -> dict[str, Any]:
    return {
        "objective": pa.array([condition.objective] * n),
        "size": pa.array([condition.size] * n),
        "size_rank": np.full(n, condition.size_rank, dtype=np.int32),
    }


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
