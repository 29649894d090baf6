"""The section [training]: one recipe for all sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from memanalysis.settings.keys import CLOSED, TRUTH, Faults, Flag, Int, Key, Number, Text, one_of

PRECISIONS: Final = ("float32", "bf16")
MOST: Final = 10**6  # epochs, and examples in a batch
KERNELS: Final = ("torch", "compiled", "numba")
SCHEDULES: Final = ("cosine", "linear")
REGISTER: Final = 16  # examples of a batch that Numba's kernels take at once


_COUNT: Final = Key(f"a whole number from 1 to {MOST}", lambda value: 1 <= value <= MOST)
_POSITIVE: Final = Key("a positive number", lambda value: value > 0)
_BELOW_ONE: Final = Key("a number in [0, 1)", lambda value: 0 <= value < 1)


@dataclass(frozen=True)
class Training:
    """One recipe for all sizes: SGD with momentum."""

    __pydantic_config__: ClassVar = CLOSED

    epochs: Annotated[Int, _COUNT]
    """Passes over a model's training subset."""
    batch_size: Annotated[Int, _COUNT] = 64
    """Examples in a batch."""
    learning_rate: Annotated[Number, _POSITIVE] = 0.1
    """Peak of the learning rate."""
    momentum: Annotated[Number, _BELOW_ONE] = 0.9
    """Momentum of SGD."""
    weight_decay: Annotated[Number, _BELOW_ONE] = 0.0005
    """Weight decay of SGD."""
    schedule: Annotated[Text, one_of(SCHEDULES)] = "cosine"
    """Shape of the learning rate's fall to zero."""
    warmup_epochs: Annotated[Number, Key("a number of epochs from 0", lambda value: value >= 0)] = (
        0.0
    )
    """Epochs of linear rise before it."""
    nesterov: Annotated[Flag, TRUTH] = True
    """Nesterov's momentum."""
    augment_until: Annotated[
        Number,
        Key("the share of the epochs that are augmented, in (0, 1]", lambda value: 0 < value <= 1),
    ] = 1.0
    """Share of the epochs, from the first, in which images are augmented."""
    precision: Annotated[Text, one_of(PRECISIONS)] = "float32"
    """Number format of the training pass; weights stay float32."""
    # All kernels change bits, hence they are here.
    kernels: Annotated[Text, one_of(KERNELS)] = "torch"
    """torch's own kernels, compiled ones, or Numba's, the fastest for residual networks on a
    processor; each gives other bits."""

    @property
    def augmented_epochs(self) -> int:
        """The number of epochs, from the first, in which images are augmented."""
        return round(self.augment_until * self.epochs)

    def check(self, family: str | None, faults: Faults) -> None:
        """Note settings that exclude each other, or the family, None where it is unknown."""
        if self.warmup_epochs >= self.epochs:
            expected = f"fewer than the {self.epochs} epochs"
            faults.unexpected("training.warmup_epochs", self.warmup_epochs, expected)
        if self.kernels != "numba":
            return
        if self.batch_size % REGISTER:
            faults.add(
                f"training.batch_size = {self.batch_size}: kernels = 'numba' expects a multiple of "
                f"{REGISTER}; give one, or take kernels = 'torch'"
            )
        if self.precision != PRECISIONS[0]:
            faults.add(
                f"training.precision = '{self.precision}': kernels = 'numba' computes in float32; "
                "leave precision out, or take kernels = 'torch'"
            )
        if family not in (None, "resnet"):
            faults.add(
                f"training.kernels = 'numba': sizes.family = '{family}' has no such kernels, "
                "expected 'resnet'; take kernels = 'torch'"
            )
