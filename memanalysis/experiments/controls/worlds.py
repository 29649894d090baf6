"""The worlds: where a claim is false (absent), true by a known amount (planted), or under attack.

Every world is a function of a generator, the rates of a study and the number of images. It is
registered for the rules that it says something about, with the verdict that is counted: one that
must be rare where the claim is absent, or common where it is planted. Worlds marked ``attack`` were
made up after the rules, to break them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from memanalysis.analysis.intervals import Floats
from memanalysis.experiments.controls import truths
from memanalysis.experiments.controls.drawing import Truth
from memanalysis.experiments.controls.truths import Family, Generator, Rates
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, Verdict

Kind = Literal["absent", "planted"]
# Quantities that know something of the scores: [2, P, L, n], one per half of the models.
Proxies = Callable[[Generator, Floats], Floats]


@dataclass(frozen=True)
class Claim:
    """A rule's claim in a world: absent or planted there, and the verdict that is counted."""

    rule: str
    kind: Kind
    verdict: Verdict = SUPPORTED


@dataclass(frozen=True)
class World:
    """One world. ``proxies`` only where the family is ``proxies``."""

    name: str
    family: Family
    make: Callable[[Generator, Rates, int], Truth]
    claims: tuple[Claim, ...]
    attack: bool = False
    proxies: Proxies | None = field(default=None)


_RULES: Final[dict[Family, tuple[str, ...]]] = {
    "ends": ("bimodality_grows", "falling"),
    "students": ("inhibits_particularly", "distillation_inhibits"),
    "sizes": ("trajectories_diverse",),
    "proxies": ("proxies_miss_trends",),
}


def _absent(*rules: str) -> tuple[Claim, ...]:
    return tuple(Claim(rule, "absent") for rule in rules)


def _planted(*rules: str) -> tuple[Claim, ...]:
    return tuple(Claim(rule, "planted") for rule in rules)


def _nothing(family: Family) -> list[World]:
    """Worlds in which no claim of a family holds."""
    claims = _absent(*_RULES[family])
    steady = claims
    if family == "sizes":
        # Where every image differs by .1 or .2, some do rise: absent for the conjunction alone.
        steady = (*claims, *_absent("increasing"))
    same = (*steady, *_planted("fixed")) if family == "sizes" else steady
    world = partial(World, family=family, proxies=truths.follower if family == "proxies" else None)
    return [
        world("same size twice", make=partial(truths.same, family=family), claims=same),
        world(
            "permuted membership",
            make=partial(truths.same, family=family, permuted=True),
            claims=steady,
        ),
        *(
            world(
                f"exchangeable heterogeneity, SD {sd:g}",
                make=partial(truths.heterogeneous, family=family, sd=sd),
                claims=claims,
            )
            for sd in (0.1, 0.2)
        ),
    ]


def _attacks_without_effect(family: Family) -> list[World]:
    """Trouble that every study may have, and no effect."""
    claims = _absent(*_RULES[family])
    world = partial(World, family=family, claims=claims, attack=True)
    return [
        world("heavy-tailed heterogeneity", make=partial(truths.heavy_tailed, family=family)),
        world("groups drift by .2 SD", make=partial(truths.same, family=family, drift=0.2)),
        world(
            "last size with half of the models",
            make=partial(truths.same, family=family, halved=True),
        ),
        world("5 % wrong labels, no change", make=partial(truths.wrong_labels, family=family)),
    ]


def _students(name: str, gain: Callable[[Floats], Floats], *claims: Claim) -> World:
    return World(name, "students", partial(truths.taught, gain=gain), claims)


def _proxy_world(
    name: str, proxies: Proxies, kind: Kind, verdict: Verdict, *, attack: bool = False
) -> World:
    claim = Claim("proxies_miss_trends", kind, verdict)
    return World(name, "proxies", truths.risers, (claim,), attack, proxies)


_F1, _F3 = "bimodality_grows", "inhibits_particularly"
WORLDS: Final[tuple[World, ...]] = (
    *_nothing("ends"),
    World("unimodal around .5, spreads", "ends", truths.unimodal_spread, _absent(_F1)),
    World("J-shape steepens", "ends", truths.steeper_j, _absent(_F1)),
    World("flat tail grows to 1", "ends", truths.flat_tail, _absent(_F1)),
    World(
        "fitting alone", "ends", partial(truths.fitting, saturated=False), _absent(_F1, "falling")
    ),
    World(
        "fitting alone, both sizes >= .99",
        "ends",
        partial(truths.fitting, saturated=True),
        _absent(_F1, "falling"),
    ),
    World("1.6 % (cf: 3 %) move above .9", "ends", truths.mode_gains, _planted(_F1)),
    World("last size fits less", "ends", truths.fits_less, _absent("falling", _F1)),
    World("all fall by .01", "ends", truths.all_fall, _absent("falling")),
    World("40 % of scores > .08 fall by .10", "ends", truths.many_fall, _planted("falling")),
    *_attacks_without_effect("ends"),
    World(
        "5 % wrong labels rise to .97", "ends", truths.noisy_rise, _absent("falling"), attack=True
    ),
    *_nothing("students"),
    _students(
        "equal gain of .3 logit",
        partial(truths.logit_gain, gain=0.3),
        *_absent(_F3),
        *_planted("distillation_inhibits"),
    ),
    _students("equal gain of .2 probit", partial(truths.probit_gain, gain=0.2), *_absent(_F3)),
    World(
        "students fit memorised images less",
        "students",
        truths.student_fits_less,
        _absent(_F3, "distillation_inhibits"),
    ),
    _students(".1 logit for all, .05 more for scores >= .5", truths.particular, *_planted(_F3)),
    *_attacks_without_effect("students"),
    World(
        "heavy-tailed gains around .3 logit",
        "students",
        truths.uneven_gain,
        _absent(_F3),
        attack=True,
    ),
    World(
        "5 % wrong labels, equal gain of .3 logit",
        "students",
        truths.noisy_gain,
        _absent(_F3),
        attack=True,
    ),
    *_nothing("sizes"),
    World(
        "16 % rise by .36 by fitting",
        "sizes",
        truths.risers,
        (*_planted("increasing"), *_absent("trajectories_diverse")),
    ),
    World("every image rises by .3", "sizes", truths.everyone_rises, _absent("fixed")),
    World("10 % rise, 40 % fall by .10", "sizes", truths.diverse, _planted("trajectories_diverse")),
    *_attacks_without_effect("sizes"),
    *_nothing("proxies"),
    _proxy_world(
        "follower, last size x .2", partial(truths.follower, factor=0.2), "absent", SUPPORTED
    ),
    _proxy_world("level, last size x 3", partial(truths.level, factor=3.0), "absent", REFUTED),
    _proxy_world("six followers", truths.follower, "planted", REFUTED),
    _proxy_world("six levels", truths.level, "planted", SUPPORTED),
    _proxy_world(
        "follower, noise triples", truths.blurring_follower, "absent", SUPPORTED, attack=True
    ),
    _proxy_world("follower, one size late", truths.late_follower, "absent", SUPPORTED, attack=True),
    _proxy_world(
        "level under a falling ceiling", truths.ceiling_level, "absent", REFUTED, attack=True
    ),
    _proxy_world("level, log-normal", truths.skewed_level, "absent", REFUTED, attack=True),
)
