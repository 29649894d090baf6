"""Attacks on the rules by somebody who made none of them: worlds to break them, as ``worlds``.

Three or more for every rule; they print a table of their own (``--attacks``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from memanalysis.analysis.intervals import Floats
from memanalysis.experiments.controls import truths
from memanalysis.experiments.controls.drawing import Truth
from memanalysis.experiments.controls.truths import Family, Generator, Rates
from memanalysis.experiments.controls.worlds import Claim, Kind, Proxies, World
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, Verdict

_Make = Callable[[Generator, Rates, int], Truth]
_FITTED: Final = 0.9999  # models that fail on what they were trained on only if broken


# --- trouble without an effect --------------------------------------------------------------------


def broken(rng: Generator, given: Rates, n: int, family: Family, size: int) -> Truth:
    """One group's models of one size are worse at everything; nothing else differs."""
    truth = truths.same(rng, given, n, family, broken=size)
    return replace(truth, inside=np.full_like(truth.inside, _FITTED))


def unequal_classes(make: _Make, rng: Generator, given: Rates, n: int) -> Truth:
    """A world whose images share shocks by class; classes hold 1/2, 1/4, ... of the images."""
    classes = np.minimum(rng.geometric(0.5, n) - 1, 7)
    return replace(make(rng, given, n), classes=classes)


# --- two sizes ------------------------------------------------------------------------------------


def mode_at_85(rng: Generator, given: Rates, n: int) -> Truth:
    """5 % of the images gather at a score of .85 at the last size, and none above .9."""
    p = np.maximum(given.draw(rng, n), 0.12)
    moved = rng.random(n) < 0.05
    first = np.where(moved, rng.uniform(0.4, 0.7, n), p)
    return truths.two_sizes(first, np.where(moved, 0.15, p))


def top_falls(rng: Generator, given: Rates, n: int) -> Truth:
    """Scores above .7 fall by .15; middling ones stay."""
    p = given.draw(rng, n)
    return truths.two_sizes(p, p + 0.15 * (p < 0.3))


def half_mode_gains(rng: Generator, given: Rates, n: int) -> Truth:
    """Half of the planted share of images moves above .9."""
    return truths.mode_gains(rng, replace(given, mode_gains=given.mode_gains / 2), n)


# --- students -------------------------------------------------------------------------------------


def log_log_gain(p: Floats, gain: float) -> Floats:
    """Held-out rates plus a gain in complementary log-log units, a link that is not symmetric."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(-np.expm1(-np.exp(np.log(-np.log1p(-p)) + gain)))


def worse_on_test(rng: Generator, given: Rates, n: int) -> Truth:
    """Students gain .3 logits on held-out training images, and lose .1 on test images."""
    truth = truths.same(rng, given, n, "students")
    assert truth.test is not None
    truth.outside[1] = truths.logit_gain(truth.outside[1], 0.3)
    truth.test[1] = truths.logit_gain(truth.test[1], -0.1)
    return truth


def one_student_gains(rng: Generator, given: Rates, n: int) -> Truth:
    """The smallest student gains .3 logits, both others lose .3."""
    gains = np.array([0.3, -0.3, -0.3])[:, None]
    return truths.taught(rng, given, n, lambda p: truths.logit_gain(p, gains))


def rare_class_gains(rng: Generator, given: Rates, n: int) -> Truth:
    """A hard class of 15 % gains .8 logits, all others .05: a gain of a class and not of a score.

    Beyond an equal gain memorised images gain .028 by the one-hot score (fm), and nothing by the
    distilled one, which the class has left: particular by both is what the row claims.
    """
    rare = rng.random(n) < 0.15
    truth = truths.same(rng, given, n, "students")
    truth.outside[..., rare] = rng.uniform(0.1, 0.7, rare.sum())
    gain = np.where(rare, 0.8, 0.05)
    truth.outside[1] = truths.logit_gain(truth.outside[1], gain)
    return truth


# --- four sizes -----------------------------------------------------------------------------------


def noise_grows(rng: Generator, given: Rates, n: int) -> Truth:
    """5 % wrong labels, which larger nets believe ever less: they rise from .5 to .97."""
    p = given.draw(rng, n)
    wrong = rng.random(n) < 0.05
    return truths.fitted(truths.ramp(np.where(wrong, 0.5, p), np.where(wrong, 0.03, p)))


def rise_below_alpha(rng: Generator, given: Rates, n: int) -> Truth:
    """20 % of the images rise by .08, less than a rise must have."""
    p = given.draw(rng, n)
    rises = (rng.random(n) < 0.2) & (p > 0.2)
    return truths.fitted(truths.ramp(p, np.where(rises, p - 0.08, p)))


def rises_and_top_falls(rng: Generator, given: Rates, n: int) -> Truth:
    """10 % rise from 0 to .75; scores above .7 fall by .15, and middling ones stay."""
    p = given.draw(rng, n)
    rises = rng.random(n) < 0.10
    p = np.where(rises, 1.0, p)
    return truths.fitted(truths.ramp(p, np.where(rises, 0.25, p + 0.15 * (p < 0.3))))


def everyone_falls(rng: Generator, _: Rates, n: int) -> Truth:
    """Every score falls by .3."""
    p = rng.uniform(0.2, 0.6, n)
    return truths.fitted(truths.ramp(p, p + 0.3))


def rise_or_fall(rng: Generator, _: Rates, n: int) -> Truth:
    """Half of the images rise by .3, half fall by .3: the mean stays."""
    p = rng.uniform(0.35, 0.65, n)
    return truths.fitted(truths.ramp(p, p + 0.3 * rng.choice([-1, 1], n)))


def everyone_bends(rng: Generator, _: Rates, n: int) -> Truth:
    """Every score is higher by .3 at both middle sizes, and ends where it began."""
    p = rng.uniform(0.5, 0.9, n)
    return truths.fitted(np.stack([p, p - 0.3, p - 0.3, p])[None])


# --- proxies --------------------------------------------------------------------------------------


def wild_follower(rng: Generator, score: Floats) -> Floats:
    """The true score and noise with the tails of Student's t with two degrees."""
    return score + 0.05 * rng.standard_t(2, (2, truths.N_PROXIES, *score.shape))


def bursting_level(rng: Generator, score: Floats) -> Floats:
    """A level; 1 % of the images, whichever, get twentyfold values at the last size."""
    values = truths.level(rng, score)
    values[:, :, -1] *= np.where(rng.random(score.shape[1]) < 0.01, 20.0, 1.0)
    return values


def floor_level(rng: Generator, score: Floats) -> Floats:
    """A level that is cut off below, ever higher as size grows."""
    cut = np.linspace(0, 0.5, len(score))[:, None]
    return np.asarray(np.maximum(truths.level(rng, score), cut))


def coarse_level(rng: Generator, score: Floats) -> Floats:
    """A level in whole steps, ever fewer as size grows: 20, 10, 5 and 3, as events are counted."""
    steps = np.array([20, 10, 5, 3])[:, None]
    return np.asarray(np.round(truths.level(rng, score) * steps) / steps)


# --- the list -------------------------------------------------------------------------------------


def _world(
    name: str,
    family: Family,
    make: _Make,
    *rules: str,
    planted: bool = False,
    verdict: Verdict = SUPPORTED,
    **more: Any,
) -> World:
    kind: Kind = "planted" if planted else "absent"
    claims = tuple(Claim(rule, kind, verdict) for rule in rules)
    return World(name, family, make, claims, attack=True, **more)


def _proxies(name: str, proxies: Proxies, verdict: Verdict) -> World:
    return _world(
        name, "proxies", truths.risers, "proxies_miss_trends", verdict=verdict, proxies=proxies
    )


def _troubled(family: Family, size: int, *rules: str) -> list[World]:
    """One group of broken models, and shocks of models with heavy tails."""
    return [
        _world(
            "one broken group of models", family, partial(broken, family=family, size=size), *rules
        ),
        _world(
            "heavy-tailed shocks of models",
            family,
            partial(truths.same, family=family, wild=True),
            *rules,
        ),
    ]


_F1, _F3, _MEAN = "bimodality_grows", "inhibits_particularly", "distillation_inhibits"
ATTACKS: Final = (
    *_troubled("ends", 0, _F1, "falling"),
    _world("a mode grows at .85", "ends", mode_at_85, _F1),
    _world("only scores above .7 fall", "ends", top_falls, "falling"),
    _world(
        "nothing changes, shocks by class",
        "ends",
        partial(unequal_classes, partial(truths.same, family="ends")),
        _F1,
        "falling",
    ),
    _world("half of the planted images move above .9", "ends", half_mode_gains, _F1, planted=True),
    _world(
        "40 % fall by .10, shocks by class",
        "ends",
        partial(unequal_classes, truths.many_fall),
        "falling",
        planted=True,
    ),
    *_troubled("students", 0, _F3, _MEAN),
    _world(
        "equal gain of .3 in log-log units",
        "students",
        partial(truths.taught, gain=partial(log_log_gain, gain=0.3)),
        _F3,
    ),
    _world("students gain, but not on test images", "students", worse_on_test, _MEAN),
    _world("one student gains, two lose", "students", one_student_gains, _MEAN),
    _world("a rare hard class gains", "students", rare_class_gains, _F3),
    *_troubled("sizes", 0, "trajectories_diverse", "increasing"),
    _world("wrong labels rise with size", "sizes", noise_grows, "trajectories_diverse"),
    _world("10 % rise, only scores above .7 fall", "sizes", rises_and_top_falls,
           "trajectories_diverse"),
    _world("20 % rise by .08", "sizes", rise_below_alpha, "increasing"),
    _world("every image falls by .3", "sizes", everyone_falls, "fixed"),
    _world("every image rises or falls by .3", "sizes", rise_or_fall, "fixed"),
    _world("every image rises by .3 and falls again", "sizes", everyone_bends, "fixed"),
    _proxies("followers with heavy-tailed noise", wild_follower, SUPPORTED),
    _proxies("levels, 1 % burst at the last size", bursting_level, REFUTED),
    _proxies("levels over a rising floor", floor_level, REFUTED),
    _proxies("levels in ever fewer steps", coarse_level, REFUTED),
)  # fmt: skip
