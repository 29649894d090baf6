"""The section [observe]: what is recorded on the way."""

from __future__ import annotations

from dataclasses import dataclass

from memanalysis.settings.section import Section


@dataclass(frozen=True)
class Observe:
    """What is recorded on the way; ``eval_at`` are epochs (from 1) with an extra clean pass."""

    dynamics: str = "train_pass"
    eval_at: tuple[int, ...] = ()


def read(section: Section, epochs: int) -> Observe:
    """Validate [observe] of a training of ``epochs``."""
    dynamics = section.get(
        "dynamics",
        str,
        "train_pass",
        valid=lambda v: v in ("train_pass", "none"),
        expected="train_pass or none",
    )
    eval_at = section.get("eval_at", list, [], expected="a list of epochs")
    for epoch in eval_at:
        if not isinstance(epoch, int) or isinstance(epoch, bool) or not 1 <= epoch <= epochs:
            section.fault(f"{section.label('eval_at')} has {epoch!r}: expected 1 to {epochs}")
            eval_at = []
            break
    section.finish()
    return Observe(dynamics=dynamics, eval_at=tuple(eval_at))
