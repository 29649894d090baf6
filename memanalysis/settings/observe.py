"""The section [observe]: what is recorded on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from memanalysis.proxies import NEIGHBOURS, recordable
from memanalysis.settings.section import Section

LOGITS: Final = ("all", "final", "none")
_WORDS: Final = {1: "one epoch", 2: "two epochs", 3: "three epochs"}


@dataclass(frozen=True)
class Observe:
    """What is recorded on the way; the defaults are those of a study that asks for nothing.

    Attributes
    ----------
    dynamics
        ``train_pass``: proxies from the logits of the training itself; ``none``.
    eval_at
        Epochs (from 1) with an extra clean evaluation of all training examples: proxies and bits.
    keep_logits
        ``all``: of every epoch's clean evaluation; ``final``: of the finished model; ``none``.
    keep_margins
        Whether a built store has the margin of each model on each training example, in a byte.
    proxies
        Which of ``proxies.recordable`` are computed, in that order.
    at
        For each of them that needs epochs, those after which it looks at the network.
    neighbours
        k of the probes of prediction depth.
    objectives
        Whose models proxies are recorded of; empty for all.
    """

    dynamics: str = "train_pass"
    eval_at: tuple[int, ...] = ()
    keep_logits: str = "none"
    proxies: tuple[str, ...] = ()
    at: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    neighbours: int = NEIGHBOURS
    objectives: tuple[str, ...] = ()
    keep_margins: bool = False

    def of(self, objective: str) -> Observe:
        """What is recorded of models of one objective."""
        if not self.objectives or objective in self.objectives:
            return self
        return replace(self, dynamics="none", eval_at=(), proxies=(), at={})


def read(section: Section, epochs: int, objectives: Sequence[str]) -> Observe:
    """Validate [observe] of a training of ``epochs``, by these objectives."""
    dynamics = section.get(
        "dynamics",
        str,
        "train_pass",
        valid=lambda v: v in ("train_pass", "none"),
        expected="train_pass or none",
    )
    keep_logits = section.get(
        "keep_logits", str, "none", valid=lambda v: v in LOGITS, expected=f"one of {_list(LOGITS)}"
    )
    proxies = _proxies(section)
    at = _at(section.section("at"), proxies, epochs)
    neighbours = section.get(
        "neighbours", int, NEIGHBOURS, valid=lambda v: v >= 1, expected="a whole number from 1"
    )
    observe = Observe(
        dynamics=dynamics,
        eval_at=_epochs(section, "eval_at", [], epochs),
        keep_logits=keep_logits,
        proxies=proxies,
        at=at,
        neighbours=neighbours,
        objectives=_objectives(section, objectives),
        keep_margins=section.flag("keep_margins"),
    )
    section.finish()
    return observe


def _objectives(section: Section, trained: Sequence[str]) -> tuple[str, ...]:
    names = section.get("objectives", list, [], expected="a list of objectives")
    for name in names:
        if name not in trained:
            label = section.label("objectives")
            section.fault(f"{label} has {name!r}: this study trains by {', '.join(trained)}")
    return tuple(name for name in trained if name in names)


def _proxies(section: Section) -> tuple[str, ...]:
    """The proxies asked for, in the order of records; ``default`` stands for the usual ones."""
    names = section.get("proxies", list, ["default"], expected="a list of names")
    there = recordable()
    for name in names:
        if name not in ("default", *there):
            expected = _list(("default", *there))
            section.fault(f"{section.label('proxies')} has {name!r}: expected {expected}")
    return tuple(
        name
        for name, recording in there.items()
        if name in names or (recording.default and "default" in names)
    )


def _at(section: Section, proxies: tuple[str, ...], epochs: int) -> dict[str, tuple[int, ...]]:
    at = {}
    for name, recording in recordable().items():
        if recording.epochs is None:
            continue
        asked, label = name in proxies, section.label(name)
        if name in section.content and not asked:
            section.fault(f"{label} is given, but '{name}' is not in observe.proxies")
        if recording.not_untrained and 0 in _entries(section.content.get(name)):
            section.fault(
                f"{label} has 0: {recording.not_untrained}; expected an epoch from 1 to {epochs}"
            )
            section.known.append(name)
            continue
        times = _epochs(section, name, list(recording.epochs(epochs)), epochs)
        if asked:
            at[name] = times
        faulty = not times and section.content.get(name) != []
        if asked and not faulty and len(times) < recording.fewest:
            fewest = _WORDS.get(recording.fewest, f"{recording.fewest} epochs")
            section.fault(f"{label} = {list(times)}: {name} takes at least {fewest}")
    section.finish()
    return at


def _epochs(section: Section, key: str, default: list[int], epochs: int) -> tuple[int, ...]:
    """A list of epochs, ascending and distinct, or a single epoch."""
    value = section.get(key, (list, int), default, expected="a list of epochs")
    entries = _entries(value)
    for epoch in entries:
        if not isinstance(epoch, int) or isinstance(epoch, bool) or not 1 <= epoch <= epochs:
            section.fault(f"{section.label(key)} has {epoch!r}: expected 1 to {epochs}")
            return ()
    return tuple(sorted(set(entries)))


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)
