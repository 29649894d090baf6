"""The detail per group of models, for resampling what is continuous; dropped by packing.

One safetensors file per objective and size, over G groups and P proxies: ``group_ids`` int32 [G];
``proxy_in``, ``proxy_out`` float32 [G, P, n_train], means, NaN where nothing was observed;
``proxy_n_in``, ``proxy_n_out`` uint16 [G, P, n_train]; ``signal_in``, ``signal_out`` float32
[G, signals, n_train], sums. The header's ``proxy_names`` is a JSON list.

The file of a large study is larger than memory, so each group is written to its place as soon as
its last model is added. The safetensors library writes whole tensors only; the format is a length,
a JSON header with the place of each tensor, and the tensors (github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.building.aggregate import SIDES, Condition, Sums, mean_of
from memanalysis.storage import atomic
from memanalysis.storage.model_files import open_safetensors, read_model_info
from memanalysis.storage.schema import SIGNALS

_NAMES: Final = {np.dtype(np.float32): "F32", np.dtype(np.uint16): "U16", np.dtype(np.int32): "I32"}


@contextmanager
def writing(
    path: Path, condition: Condition, n_train: int
) -> Iterator[Callable[[int, Sums], None] | None]:
    """Yield what takes the sums of each group, or None where some have no model files.

    Details of some groups would pass for those of all.
    """
    if not condition.files or condition.placed.keys() - condition.files.keys():
        yield None
        return
    infos = [read_model_info(file) for file in condition.files.values()]
    ids = sorted({info.group_id for info in infos})
    names = sorted({name for file in condition.files.values() for name in _proxy_names(file)})
    with atomic.replacing(path) as temporary, temporary.open("wb") as file:
        layout = _Layout(file, _shapes(len(ids), len(names), n_train), names)
        layout.put("group_ids", 0, np.array(ids, dtype=np.int32))
        yield lambda group, sums: _put_group(layout, ids.index(group), names, sums)


def _put_group(layout: _Layout, place: int, names: list[str], sums: Sums) -> None:
    for i, side in enumerate(SIDES):
        for p, name in enumerate(names):
            total, n = (array[i] for array in sums.proxy(name))
            row = place * len(names) + p
            layout.put(f"proxy_{side}", row, mean_of(total, n).astype(np.float32))
            layout.put(f"proxy_n_{side}", row, n.astype(np.uint16))
        signals = sums.signals[:, i, 0, : sums.n_train]
        layout.put(f"signal_{side}", place, np.ascontiguousarray(signals, dtype=np.float32))


def _proxy_names(path: Path) -> list[str]:
    with open_safetensors(path, "model file") as file:
        return [key.removeprefix("proxy.") for key in file.keys() if key.startswith("proxy.")]  # noqa: SIM118


def _shapes(
    n_groups: int, n_proxies: int, n_train: int
) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
    """Type and shape of every tensor; the widest types first, so that all are aligned."""
    floats, counts = np.dtype(np.float32), np.dtype(np.uint16)
    return {
        "group_ids": (np.dtype(np.int32), (n_groups,)),
        **{f"proxy_{side}": (floats, (n_groups, n_proxies, n_train)) for side in SIDES},
        **{f"signal_{side}": (floats, (n_groups, len(SIGNALS), n_train)) for side in SIDES},
        **{f"proxy_n_{side}": (counts, (n_groups, n_proxies, n_train)) for side in SIDES},
    }


class _Layout:
    """A safetensors file whose tensors are written piece by piece."""

    def __init__(
        self,
        file: BinaryIO,
        shapes: dict[str, tuple[np.dtype[Any], tuple[int, ...]]],
        proxy_names: list[str],
    ) -> None:
        self.file = file
        header: dict[str, Any] = {"__metadata__": {"proxy_names": json.dumps(proxy_names)}}
        offset, begins = 0, {}
        for name, (kind, shape) in shapes.items():
            begins[name] = offset
            offset += kind.itemsize * math.prod(shape)
            header[name] = {
                "dtype": _NAMES[kind],
                "shape": list(shape),
                "data_offsets": [begins[name], offset],
            }
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)  # aligned for readers that map the file
        file.write(len(text).to_bytes(8, "little") + text)
        self.begins = {name: 8 + len(text) + begin for name, begin in begins.items()}
        file.truncate(8 + len(text) + offset)

    def put(self, name: str, place: int, values: NDArray[Any]) -> None:
        """Write the ``place``-th piece of a tensor, all of whose pieces are as long as this one."""
        self.file.seek(self.begins[name] + place * values.nbytes)
        self.file.write(values.tobytes())
