"""The file that each training leaves: the model's row, its outcomes, and one checksum of both."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
    with_config,
)
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from typing_extensions import TypedDict

from memanalysis.errors import StoreError
from memanalysis.storage import atomic
from memanalysis.storage.model_arrays import faults, from_tensors, to_tensors

_AGAIN: Final = "delete it and produce again."
_MOST: Final = 2**31 - 1


@dataclass(frozen=True)
class ModelInfo:
    """One row of ``models``, less what the store as a whole decides (ids, ranks, halves).

    What nobody knows of an imported model is None or NaN, and NULL in ``models``.
    """

    subset_id: int
    group_id: int
    family: str
    size: str
    parameters: int | None
    objective: str
    seed: int | None
    epochs: int | None
    accuracy_in: float
    accuracy_out: float
    accuracy_test: float
    train_seconds: float
    device: str
    evaluation_mode: str
    finished_at: str | None
    teacher_size: str | None = None
    teacher_scope: str | None = None
    temperature: float | None = None
    distillation_weight: float | None = None


@dataclass(frozen=True)
class ModelRecord:
    """Record of one training.

    Attributes
    ----------
    in_train
        bool [n_train], True where the example was in the training subset.
    correct
        bool [n_train + n_test], argmax equals label; the kept test examples follow the training
        examples, in ``example_id`` order.
    signals
        float16 [n_train + n_test] for each of ``schema.SIGNALS``.
    proxies
        float32 [n_train] by proxy name, NaN where the example was not observed.
    predicted
        uint8 or uint16 [n_train + n_test], the class that the finished model predicts, or None
        where the source says only whether it is right.
    evaluated
        int32 [evaluations], the epochs with a clean evaluation, from 1, or None.
    epoch_correct
        bool [evaluations, n_train], argmax equals label at each of them, or None.
    logits
        float16 [n_train + n_test, classes] of the finished model, or None where they are not kept.
    epoch_logits
        float16 [epochs, n_train + n_test, classes] after each epoch, or None.
    """

    info: ModelInfo
    in_train: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    signals: dict[str, NDArray[np.float16]]
    proxies: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    predicted: NDArray[Any] | None = None
    evaluated: NDArray[np.int32] | None = None
    epoch_correct: NDArray[np.bool_] | None = None
    logits: NDArray[np.float16] | None = None
    epoch_logits: NDArray[np.float16] | None = None


def _time(text: str) -> str:
    utc(text)
    return text


# NaN stands for what nobody knows, so these bounds let it through.
def _share(value: float) -> float:
    if not (value != value or 0 <= value <= 1):
        raise ValueError("a share from 0 to 1")
    return value


def _duration(value: float) -> float:
    if not (value != value or 0 <= value < float("inf")):
        raise ValueError("a time of at least 0 seconds")
    return value


_Text = Annotated[str, Strict()]
_Count = Annotated[int, Strict(), Field(ge=0, le=_MOST)]
_Whole = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
_Share = Annotated[float, Strict(), AfterValidator(_share)]
_Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]


@with_config(ConfigDict(extra="forbid"))
class _Info(TypedDict):
    """``ModelInfo`` as a file has to give it."""

    subset_id: _Count
    group_id: _Count
    family: _Text
    size: _Text
    parameters: _Whole | None
    objective: _Text
    seed: _Whole | None
    epochs: _Count | None
    accuracy_in: _Share
    accuracy_out: _Share
    accuracy_test: _Share
    train_seconds: Annotated[float, Strict(), AfterValidator(_duration)]
    device: _Text
    evaluation_mode: _Text
    finished_at: Annotated[str, Strict(), AfterValidator(_time)] | None


@with_config(ConfigDict(extra="forbid"))
class _Distilled(_Info, total=False):
    teacher_size: _Text | None
    teacher_scope: _Text | None
    temperature: _Number | None
    distillation_weight: _Number | None


_INFO: Final = TypeAdapter(_Distilled)


def write_model_file(record: ModelRecord, path: Path) -> None:
    """Write one training's file atomically; its checksum covers the model's row, too."""
    tensors = to_tensors(record)
    header = {
        "info": json.dumps(asdict(record.info)),
        "n_train": str(len(record.in_train)),
        "n_examples": str(len(record.correct)),
    }
    header["digest"] = _digest(header, tensors)
    with atomic.replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata=header)
        except SafetensorError as error:
            # safetensors hides what the system said; a full disk must look like one.
            if f"os error {errno.ENOSPC}" in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise


def read_model(path: Path, *, with_logits: bool = False) -> ModelRecord:
    """Read one training's file, verifying its checksum.

    Raises
    ------
    StoreError
        If the file is truncated, altered or no model file.
    """
    header, tensors = read_tensors(path, "model file")
    if not _is_intact(header, tensors):
        raise StoreError(f"'{path}' does not match its own checksum; {_AGAIN}")
    lengths = [header.get(name, "") for name in ("n_train", "n_examples")]
    if not all(text.isascii() and text.isdigit() and len(text) < 12 for text in lengths):
        raise StoreError(f"'{path}' is not a model file: n_train, n_examples = {lengths}; {_AGAIN}")
    n_train, n_examples = map(int, lengths)
    for fault in faults(tensors, n_train, n_examples):
        raise StoreError(f"'{path}' is not a model file: {fault}; {_AGAIN}")
    arrays = from_tensors(tensors, n_train, n_examples, with_logits=with_logits)
    return ModelRecord(info=_info(path, header), **arrays)


def read_model_info(path: Path) -> ModelInfo:
    """Read a model file's header alone, without its tensors and without verifying them."""
    header, _ = read_tensors(path, "model file", lambda _: False)
    return _info(path, header)


def read_tensors(
    path: Path, what: str, wanted: Callable[[str], bool] = lambda _: True
) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Header and wanted tensors of a safetensors file.

    Raises
    ------
    StoreError
        If it cannot be read; ``what`` names in the message what it was to be.
    """
    with open_safetensors(path, what) as file:
        names = [name for name in file.keys() if wanted(name)]  # noqa: SIM118
        return file.metadata() or {}, {name: file.get_tensor(name) for name in names}


@contextmanager
def open_safetensors(path: Path, what: str) -> Iterator[Any]:
    """Open a safetensors file, whatever is wrong with it as one message; as ``read_tensors``."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    # Beside its own errors the library raises what NumPy says of types that it does not know.
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"'{path}' is not a whole {what} ({error}); delete it.") from error


def utc(text: str | None) -> datetime | None:
    """The time that an ISO 8601 text names; None for none."""
    return None if text is None else datetime.fromisoformat(text)


def _info(path: Path, header: dict[str, str]) -> ModelInfo:
    if "info" not in header:
        raise StoreError(f"'{path}' is not a whole model file (its header has no info); delete it.")
    try:
        content = json.loads(header["info"])
        return ModelInfo(**_INFO.validate_python(content))
    except ValidationError as error:
        listed = "; ".join(
            f"{'.'.join(map(str, fault['loc'][:1])) or 'info'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
    except (ValueError, RecursionError) as error:
        listed = f"info is no JSON ({error})"
    raise StoreError(f"'{path}' is not a model file: its header is wrong: {listed}; {_AGAIN}")


def _is_intact(header: dict[str, str], tensors: dict[str, NDArray[Any]]) -> bool:
    """True if the checksum is right; files of earlier versions have one of their tensors alone."""
    if "digest" in header:
        return header["digest"] == _digest(header, tensors)
    return header.get("sha256") == _tensors_digest(tensors)


def _digest(header: dict[str, str], tensors: dict[str, NDArray[Any]]) -> str:
    """SHA-256 of every entry of the header but itself, and of the tensors."""
    said = {name: text for name, text in header.items() if name != "digest"}
    text = json.dumps([said, _tensors_digest(tensors)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _tensors_digest(tensors: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"{name}:{tensor.dtype}:{tensor.shape};".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
