"""The section [observe]: what is recorded on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Final

from memanalysis.proxies import NEIGHBOURS, Recording, recordable
from memanalysis.settings.keys import (
    CLOSED,
    FROM_ONE,
    TRUTH,
    Faults,
    Flag,
    Int,
    Key,
    Read,
    Text,
    listed,
    one_of,
)

DYNAMICS: Final = ("train_pass", "none")
LOGITS: Final = ("all", "final", "none")
DEFAULT: Final = "default"  # stands for the proxies that a study records if it does not say
_WORDS: Final = {1: "one epoch", 2: "two epochs", 3: "three epochs"}
_Epochs = Annotated[
    tuple[int, ...],
    Read(
        list[Annotated[Int, Key("an epoch, a whole number")]],
        lambda epochs: tuple(sorted({*epochs})),
        listed,
    ),
]
_Names = Annotated[tuple[str, ...], Read(list[Annotated[Text, Key("a name")]], tuple)]


@dataclass(frozen=True)
class Observe:
    """Records made on the way; the defaults are those of a study that asks for nothing."""

    __pydantic_config__: ClassVar = CLOSED

    dynamics: Annotated[Text, one_of(DYNAMICS)] = "train_pass"
    """Proxies from the logits of the training pass itself."""
    eval_at: Annotated[_Epochs, Key("a list of epochs", parts=True)] = ()
    """Epochs, from 1, with an extra clean evaluation of all training examples: proxies and bits."""
    keep_logits: Annotated[Text, one_of(LOGITS)] = "none"
    """Logits to keep: of every epoch's clean evaluation, of the finished model, or none."""
    proxies: Annotated[_Names, Key("a list of names", parts=True, default=f'["{DEFAULT}"]')] = ()
    """Proxies of the network to compute; `default` stands for the usual ones."""
    at: Annotated[
        Mapping[str, tuple[int, ...]], Read(dict[str, _Epochs], dict), Key(parts=True)
    ] = field(default_factory=dict)
    """Epochs after which a proxy looks at the network, by proxy."""
    neighbours: Annotated[Int, FROM_ONE] = NEIGHBOURS
    """Neighbours (k) of the probes of `prediction_depth`."""
    objectives: Annotated[_Names, Key("a list of objectives", parts=True)] = ()
    """Objectives whose models give proxies; all by default."""
    keep_margins: Annotated[Flag, TRUTH] = False
    """Keep the margin of each model on each training example, in a byte, in the built store."""

    def of(self, objective: str) -> Observe:
        """Records made of models of one objective."""
        if not self.objectives or objective in self.objectives:
            return self
        return replace(self, dynamics="none", eval_at=(), proxies=(), at={})

    def completed(self, epochs: int, objectives: Sequence[str] | None, faults: Faults) -> Observe:
        """With names in their order and epochs to look at; what a training has not is noted.

        The training has so many ``epochs``, and these ``objectives``, None where the distillation
        has faults itself.
        """
        _require_within("observe.eval_at", self.eval_at, epochs, faults)
        for name in self.objectives:
            if objectives is not None and name not in objectives:
                faults.add(
                    f"observe.objectives has {name!r}: this study trains by {', '.join(objectives)}"
                )
        there = recordable()
        known = (DEFAULT, *there)
        for name in self.proxies:
            if name not in known:
                faults.add(f"observe.proxies has {name!r}: expected {', '.join(known)}")
        proxies = tuple(
            name
            for name, recording in there.items()
            if name in self.proxies or (recording.default and DEFAULT in self.proxies)
        )
        return replace(
            self,
            proxies=proxies,
            at=self._looks(proxies, epochs, faults),
            objectives=tuple(name for name in objectives or () if name in self.objectives),
        )

    def _looks(
        self, proxies: tuple[str, ...], epochs: int, faults: Faults
    ) -> dict[str, tuple[int, ...]]:
        """The epochs of each proxy that needs some: as asked, or its own."""
        timed = {name: r for name, r in recordable().items() if r.epochs is not None}
        for name in self.at:
            if name not in timed:
                faults.unknown("observe.at", name, list(timed))
            elif name not in proxies:
                faults.add(f"observe.at.{name} is given, but '{name}' is not in observe.proxies")
        looks = {}
        for name, recording in timed.items():
            if name in proxies and recording.epochs is not None:
                looks[name] = self.at.get(name, recording.epochs(epochs))
            if name in looks and name in self.at:
                _require_looks(name, self.at[name], recording, epochs, faults)
        return looks


def _require_looks(
    name: str, looks: tuple[int, ...], recording: Recording, epochs: int, faults: Faults
) -> None:
    """Note epochs that a proxy cannot look at, or too few of them."""
    label = f"observe.at.{name}"
    if recording.not_untrained and 0 in looks:
        faults.add(
            f"{label} has 0: {recording.not_untrained}; expected an epoch from 1 to {epochs}"
        )
    elif _require_within(label, looks, epochs, faults) and len(looks) < recording.fewest:
        fewest = _WORDS.get(recording.fewest, f"{recording.fewest} epochs")
        faults.add(f"{label} = {list(looks)}: {name} takes at least {fewest}")


def _require_within(label: str, looks: tuple[int, ...], epochs: int, faults: Faults) -> bool:
    """True if all are epochs of the training; the first that is not is noted."""
    outside = next((epoch for epoch in looks if not 1 <= epoch <= epochs), None)
    if outside is not None:
        faults.add(f"{label} has {outside}: expected 1 to {epochs}")
    return outside is None
