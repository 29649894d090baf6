"""The section [training]: one recipe for all sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memanalysis.settings.section import Section


@dataclass(frozen=True)
class Training:
    """One recipe for all sizes: SGD with Nesterov momentum and a cosine schedule."""

    epochs: int
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: float = 0.0


def read(section: Section) -> Training:
    """Validate [training]."""
    positive: dict[str, Any] = {"valid": lambda v: v > 0, "expected": "a positive number"}
    unit: dict[str, Any] = {"valid": lambda v: 0 <= v < 1, "expected": "a number in [0, 1)"}
    training = Training(
        epochs=section.get("epochs", int, 1, required=True, **positive),
        batch_size=section.get("batch_size", int, Training.batch_size, **positive),
        learning_rate=section.get(
            "learning_rate", (float, int), Training.learning_rate, **positive
        ),
        momentum=section.get("momentum", (float, int), Training.momentum, **unit),
        weight_decay=section.get("weight_decay", (float, int), Training.weight_decay, **unit),
        warmup_epochs=section.get(
            "warmup_epochs",
            (float, int),
            Training.warmup_epochs,
            valid=lambda v: v >= 0,
            expected="a number of epochs from 0",
        ),
    )
    section.finish()
    if training.warmup_epochs >= training.epochs:
        section.fault(
            f"{section.label('warmup_epochs')} = {training.warmup_epochs}: "
            f"expected fewer than the {training.epochs} epochs"
        )
    return training
