"""The section [training]: one recipe for all sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from memanalysis.settings.section import Section

PRECISIONS: Final = ("float32", "bf16")
MOST: Final = 10**6  # epochs, and examples in a batch
KERNELS: Final = ("torch", "compiled", "numba")
SCHEDULES: Final = ("cosine", "linear")
REGISTER: Final = 16  # examples of a batch that Numba's kernels take at once


@dataclass(frozen=True)
class Training:
    """One recipe for all sizes: SGD with momentum.

    Attributes
    ----------
    learning_rate, schedule, warmup_epochs
        The peak of the learning rate, one of ``SCHEDULES`` by which it falls to zero, and how long
        it rises linearly first.
    nesterov
        Whether momentum is Nesterov's.
    augment_until
        The share of the epochs, from the first, in which images are augmented at all.
    precision
        Of the training pass, ``float32`` or ``bf16``; weights stay float32.
    kernels
        ``torch``'s own, ``compiled`` ones, or ``numba``'s, the fastest for residual networks on a
        processor. All change bits, hence they are here.
    """

    epochs: int
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    warmup_epochs: float = 0.0
    nesterov: bool = True
    augment_until: float = 1.0
    precision: str = "float32"
    kernels: str = "torch"

    @property
    def augmented_epochs(self) -> int:
        """The number of epochs, from the first, in which images are augmented."""
        return round(self.augment_until * self.epochs)


def read(section: Section) -> Training:
    """Validate [training]."""
    positive: dict[str, Any] = {"valid": lambda v: v > 0, "expected": "a positive number"}
    count: dict[str, Any] = {
        "valid": lambda v: 1 <= v <= MOST,
        "expected": f"a whole number from 1 to {MOST}",
    }
    unit: dict[str, Any] = {"valid": lambda v: 0 <= v < 1, "expected": "a number in [0, 1)"}
    training = Training(
        epochs=section.get("epochs", int, 1, required=True, **count),
        batch_size=section.get("batch_size", int, Training.batch_size, **count),
        learning_rate=section.get(
            "learning_rate", (float, int), Training.learning_rate, **positive
        ),
        momentum=section.get("momentum", (float, int), Training.momentum, **unit),
        weight_decay=section.get("weight_decay", (float, int), Training.weight_decay, **unit),
        schedule=_one_of(section, "schedule", SCHEDULES),
        warmup_epochs=section.get(
            "warmup_epochs",
            (float, int),
            Training.warmup_epochs,
            valid=lambda v: v >= 0,
            expected="a number of epochs from 0",
        ),
        nesterov=section.flag("nesterov", default=True),
        augment_until=section.get(
            "augment_until",
            (float, int),
            Training.augment_until,
            valid=lambda v: 0 < v <= 1,
            expected="the share of the epochs that are augmented, in (0, 1]",
        ),
        precision=_one_of(section, "precision", PRECISIONS),
        kernels=_one_of(section, "kernels", KERNELS),
    )
    section.finish()
    if training.warmup_epochs >= training.epochs:
        section.fault(
            f"{section.label('warmup_epochs')} = {training.warmup_epochs}: "
            f"expected fewer than the {training.epochs} epochs"
        )
    if training.kernels == "numba" and training.batch_size % REGISTER:
        section.fault(
            f"{section.label('batch_size')} = {training.batch_size}: kernels = 'numba' expects a "
            f"multiple of {REGISTER}; give one, or take kernels = 'torch'"
        )
    if training.kernels == "numba" and training.precision != PRECISIONS[0]:
        section.fault(
            f"{section.label('precision')} = '{training.precision}': kernels = 'numba' computes "
            "in float32; leave precision out, or take kernels = 'torch'"
        )
    return training


def _one_of(section: Section, key: str, names: tuple[str, ...]) -> str:
    expected = " or ".join(names)
    return str(section.get(key, str, names[0], valid=lambda v: v in names, expected=expected))
