"""The arrays of a model file, declared once for writer, reader, check and costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ModelArray:
    """One array, or one for each name of a family of them.

    Attributes
    ----------
    name
        Of the tensor; where it ends in a dot, a name of the family follows.
    field
        Of ``store.ModelRecord``: the array, or a dictionary of the family's.
    dtypes
        What the file may hold; bits are ``uint8``, packed along the last axis.
    axes
        ``train``, ``examples`` (training, then kept test examples), ``classes``, ``epochs`` (all)
        and ``evaluations`` (the epochs of ``observe.eval_at``).
    bits
        Whether it is bool in memory.
    present
        ``always``, or when.
    """

    name: str
    field: str
    dtypes: tuple[str, ...]
    axes: tuple[str, ...]
    bits: bool = False
    present: str = "always"

    @property
    def many(self) -> bool:
        """True for a family of arrays."""
        return self.name.endswith(".")

    def of(self, tensors: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
        """Those of a file's tensors that are this array or of this family."""
        for name, tensor in tensors.items():
            if name == self.name or (self.many and name.startswith(self.name)):
                yield name, tensor


_EVALUATED: Final = "where observe.eval_at is given"
ARRAYS: Final = (
    ModelArray("in_train", "in_train", ("uint8",), ("train",), bits=True),
    ModelArray("correct", "correct", ("uint8",), ("examples",), bits=True),
    ModelArray(
        "signal.", "signals", ("float16",), ("examples",), present="where the source has outputs"
    ),
    ModelArray("proxy.", "proxies", ("float32",), ("train",), present="where observed"),
    ModelArray(
        "predicted",
        "predicted",
        ("uint8", "uint16"),
        ("examples",),
        present="where the source has outputs or predictions",
    ),
    ModelArray("evaluated", "evaluated", ("int32",), ("evaluations",), present=_EVALUATED),
    ModelArray(
        "epoch_correct",
        "epoch_correct",
        ("uint8",),
        ("evaluations", "train"),
        bits=True,
        present=_EVALUATED,
    ),
    ModelArray(
        "logits", "logits", ("float16",), ("examples", "classes"), present="observe.keep_logits"
    ),
    ModelArray(
        "epoch_logits",
        "epoch_logits",
        ("float16",),
        ("epochs", "examples", "classes"),
        present='observe.keep_logits = "all"',
    ),
)
MOST_CLASSES: Final = 1 << 16  # predicted classes take two bytes at most
LOGITS: Final = ("logits", "epoch_logits")


def class_dtype(n_classes: int) -> type[np.unsignedinteger[Any]]:
    """The type of predicted classes: one byte, two where one does not hold them.

    Raises
    ------
    ValueError
        If there are more than ``MOST_CLASSES``.
    """
    if n_classes > MOST_CLASSES:
        raise ValueError(f"{n_classes:,} classes; expected at most {MOST_CLASSES:,}")
    return np.uint8 if n_classes <= 1 << 8 else np.uint16


def to_tensors(record: object) -> Tensors:
    """The tensors of a ``store.ModelRecord``, as its file holds them."""
    tensors: Tensors = {}
    for array in ARRAYS:
        value = getattr(record, array.field)
        if array.many:
            tensors |= {array.name + name: values for name, values in value.items()}
        elif value is not None:
            tensors[array.name] = np.packbits(value, axis=-1) if array.bits else value
    return tensors


def from_tensors(
    tensors: Tensors, n_train: int, n_examples: int, *, with_logits: bool = False
) -> dict[str, Any]:
    """Fields of a ``store.ModelRecord``; logits only where asked for."""
    lengths = {"train": n_train, "examples": n_examples}
    fields: dict[str, Any] = {}
    for array in ARRAYS:
        values = {name.removeprefix(array.name): tensor for name, tensor in array.of(tensors)}
        if array.many:
            fields[array.field] = values
        elif values and (with_logits or array.name not in LOGITS):
            (tensor,) = values.values()
            if array.bits:
                count = lengths[array.axes[-1]]
                tensor = np.unpackbits(tensor, axis=-1, count=count).astype(np.bool_)
            fields[array.field] = tensor
    return fields


def faults(tensors: Tensors, n_train: int, n_examples: int) -> Iterator[str]:
    """Differences of a file's tensors from their declarations, one line each."""
    lengths = {"train": n_train, "examples": n_examples}
    for array in ARRAYS:
        present = list(array.of(tensors))
        if not present and array.present == "always":
            yield f"no array '{array.name}'"
        for name, tensor in present:
            if str(tensor.dtype) not in array.dtypes:
                yield f"'{name}' is {tensor.dtype}, expected {' or '.join(array.dtypes)}"
            if tensor.ndim != len(array.axes):
                yield f"'{name}' has {tensor.ndim} axes, expected [{', '.join(array.axes)}]"
                continue
            for axis, length in zip(array.axes, tensor.shape, strict=True):
                packed = array.bits and axis == array.axes[-1]
                expected = lengths.setdefault(axis, length)
                expected = -(-expected // 8) if packed else expected
                if length != expected:
                    unit = " bytes" if packed else ""
                    yield f"'{name}' has {length}{unit} along {axis}, expected {expected}"
