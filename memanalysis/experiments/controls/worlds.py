"""The worlds: where a claim is false (absent), true by a known amount (planted), or under attack.

Every world is a function of a generator, the rates of a study and the number of images. It is
registered for the rules that it says something about, with the verdict that is counted: one that
must be rare where the claim is absent, or common where it is planted. Worlds marked ``attack`` were
made up after the rules, to break them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import resources
from typing import Any, Final, Literal

import numpy as np
from scipy import special, stats

from memanalysis.analysis.intervals import Floats
from memanalysis.experiments.controls.drawing import Truth
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, Verdict

Kind = Literal["absent", "planted"]
Family = Literal["ends", "students", "sizes", "proxies"]
Generator = np.random.Generator
# Quantities that know something of the scores: [2, P, L, n], one per half of the models.
Proxies = Callable[[Generator, Floats], Floats]

# Objectives and sizes of each family: rules that read the ends of the sizes alone need two.
SHAPES: Final[dict[Family, tuple[int, int]]] = {
    "ends": (1, 2), "students": (2, 3), "sizes": (1, 4), "proxies": (1, 4),
}  # fmt: skip
N_PROXIES: Final = 6
_N_TEST: Final = 1_000


@dataclass(frozen=True)
class Rates:
    """Held-out rates of one study's images."""

    name: str
    weights: tuple[float, ...] = ()
    beta: tuple[float, float] = (1.0, 1.0)
    mode_gains: float = 0.016

    def draw(self, rng: Generator, n: int) -> Floats:
        """Rates of ``n`` images, float64 [n]."""
        if not self.weights:
            return rng.beta(*self.beta, n)
        weights = np.asarray(self.weights) / np.sum(self.weights)
        cell = rng.choice(len(weights), n, p=weights)
        inner = (cell - 1 + rng.random(n)) / (len(weights) - 2)
        return np.where(cell == 0, 0.0, np.where(cell == len(weights) - 1, 1.0, inner))


@cache
def rates(name: str) -> Rates:
    """The rates called ``fm``, ``pl`` or ``cf``: see ``rates.toml``."""
    text = resources.files(__package__).joinpath("rates.toml").read_text("utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    if name not in table:
        raise ValueError(f"there are no rates called '{name}'; give one of {', '.join(table)}")
    given = table[name]
    weights, beta = tuple(given.get("weights", ())), tuple(given.get("beta", (1.0, 1.0)))
    return Rates(name, weights, (beta[0], beta[1]), given["mode_gains"])


@dataclass(frozen=True)
class Claim:
    """What a world says to a rule: the claim's kind there, and the verdict that is counted."""

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


# --- rates ----------------------------------------------------------------------------------------


def _everywhere(values: Floats, family: Family) -> Floats:
    """The same rates [n] at every objective and size."""
    return np.broadcast_to(values, (*SHAPES[family], len(values))).copy()


def _fitted(outside: Floats, **more: Any) -> Truth:
    return Truth(np.ones_like(outside), outside, **more)


def _same(rng: Generator, given: Rates, n: int, family: Family, **more: Any) -> Truth:
    test = None
    if family == "students":
        test = _everywhere(given.draw(rng, _N_TEST), family)
    return _fitted(_everywhere(given.draw(rng, n), family), test=test, **more)


def _heterogeneous(rng: Generator, given: Rates, n: int, family: Family, sd: float) -> Truth:
    """Every image differs between conditions, by independent draws of one law: exchangeable."""
    truth = _same(rng, given, n, family)
    return _moved(truth, rng.normal(0, sd, truth.outside.shape))


def _moved(truth: Truth, change: Floats) -> Truth:
    """Held-out rates changed and cut to [0, 1]."""
    return Truth(truth.inside, np.clip(truth.outside + change, 0, 1), truth.test)


def _heavy_tailed(rng: Generator, given: Rates, n: int, family: Family) -> Truth:
    """Exchangeable differences in logits with the tails of Student's t with two degrees."""
    truth = _same(rng, given, n, family)
    logit = special.logit(np.clip(truth.outside, 1e-3, 1 - 1e-3))
    noise = 0.3 * rng.standard_t(2, truth.outside.shape)
    return Truth(truth.inside, special.expit(logit + noise), truth.test)


def _wrong_labels(rng: Generator, given: Rates, n: int, family: Family) -> Truth:
    """5 % wrong labels that held-out models hardly ever get right, the same at every condition."""
    truth = _same(rng, given, n, family)
    wrong = rng.random(n) < 0.05
    truth.outside[..., wrong] = rng.uniform(0, 0.06, wrong.sum())
    return truth


# --- two sizes ------------------------------------------------------------------------------------


def _two(first: Floats, last: Floats, inside: Floats | None = None) -> Truth:
    outside = np.stack([first, last])[None]
    return Truth(np.ones_like(outside) if inside is None else inside[None], outside)


def _unimodal_spread(rng: Generator, _: Rates, n: int) -> Truth:
    z = rng.standard_normal(n)
    return _two(*(np.clip(0.5 + sd * z, 0, 1) for sd in (0.05, 0.18)))


def _steeper_j(rng: Generator, _: Rates, n: int) -> Truth:
    u = rng.random(n)
    return _two(*(1 - stats.beta.ppf(u, a, 3 * a) for a in (1.0, 0.5)))


def _flat_tail(rng: Generator, _: Rates, n: int) -> Truth:
    u = np.where(rng.random(n) < 0.6, 0.0, rng.random(n))
    return _two(1 - 0.6 * u, 1 - u)


def _fitting(rng: Generator, given: Rates, n: int, saturated: bool) -> Truth:
    """Hard images are fitted at the last size; held-out rates stay."""
    p = given.draw(rng, n)
    hard = p < 0.3
    first = np.where(hard, 1 - min(0.008 / max(hard.mean(), 0.01), 0.4) if saturated else 0.6, 1.0)
    return _two(p, p, np.stack([first, np.ones(n)]))


def _mode_gains(rng: Generator, given: Rates, n: int) -> Truth:
    """Some images move from the middle of the scores above .9."""
    last = given.draw(rng, n)
    moved = rng.permutation(n)[: round(given.mode_gains * n)]
    last[moved] = rng.uniform(0, 0.08, len(moved))
    first = last.copy()
    first[moved] = rng.uniform(0.4, 0.7, len(moved))
    return _two(first, last)


def _fits_less(rng: Generator, given: Rates, n: int) -> Truth:
    """The last size fits memorised images less often, within the bound of saturation."""
    p = given.draw(rng, n)
    memorised = p < 0.9
    last = np.where(memorised, 1 - 0.008 / memorised.mean(), 1.0)
    return _two(p, p, np.stack([np.ones(n), last]))


def _all_fall(rng: Generator, given: Rates, n: int) -> Truth:
    p = given.draw(rng, n)
    return _two(p, np.minimum(p + 0.01, 1))


def _many_fall(rng: Generator, given: Rates, n: int) -> Truth:
    """40 % of the images with scores above .08 fall by .10."""
    p = given.draw(rng, n)
    falls = (p < 0.92) & (rng.random(n) < 0.4)
    return _two(p, np.minimum(p + 0.10 * falls, 1))


def _noisy_rise(rng: Generator, given: Rates, n: int) -> Truth:
    """5 % wrong labels rise from .5 to .97; nothing else changes."""
    p = given.draw(rng, n)
    wrong = rng.random(n) < 0.05
    return _two(np.where(wrong, 0.5, p), np.where(wrong, 0.03, p))


# --- students -------------------------------------------------------------------------------------


def _taught(rng: Generator, given: Rates, n: int, gain: Callable[[Floats], Floats]) -> Truth:
    """Distilled held-out rates are ``gain`` of the one-hot ones; test images gain alike."""
    truth = _same(rng, given, n, "students")
    assert truth.test is not None
    for rates_ in (truth.outside, truth.test):
        rates_[1] = gain(rates_[1])
    return truth


def _logit_gain(p: Floats, gain: float | Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(special.expit(special.logit(p) + gain))


def _probit_gain(p: Floats, gain: float) -> Floats:
    return np.asarray(special.ndtr(special.ndtri(p) + gain))


def _particular(p: Floats) -> Floats:
    return np.asarray(np.minimum(_logit_gain(p, 0.1) + 0.05 * (p <= 0.5), 1))


def _student_fits_less(rng: Generator, given: Rates, n: int) -> Truth:
    truth = _same(rng, given, n, "students")
    truth.inside[1] -= 0.06 * (truth.outside[1] <= 0.5)
    return truth


def _uneven_gain(rng: Generator, given: Rates, n: int) -> Truth:
    """Gains in logits with heavy tails around .3, whatever the score."""
    return _taught(rng, given, n, lambda p: _logit_gain(p, 0.3 + 0.3 * rng.standard_t(2, p.shape)))


def _noisy_gain(rng: Generator, given: Rates, n: int) -> Truth:
    """5 % wrong labels, and an equal gain of .3 logits for everybody."""
    truth = _wrong_labels(rng, given, n, "students")
    truth.outside[1] = _logit_gain(truth.outside[1], 0.3)
    return truth


# --- four sizes -----------------------------------------------------------------------------------


def _ramp(first: Floats, last: Floats) -> Floats:
    """Linear over four sizes: [1, 4, n]."""
    return np.asarray(first + np.linspace(0, 1, 4)[:, None] * (last - first))[None]


def _risers(rng: Generator, given: Rates, n: int) -> Truth:
    """16 % of the images rise by .36 because larger nets fit them, 4 % fall by .3."""
    p = given.draw(rng, n)
    kind = rng.random(n)
    rises, falls = kind < 0.16, kind > 0.96
    p = np.where(rises, 0.4, np.where(falls, 0.4, p))
    outside = _ramp(p, np.where(falls, 0.7, p))
    return Truth(_ramp(np.where(rises, 0.64, 1.0), np.ones(n)), outside)


def _everyone_rises(rng: Generator, _: Rates, n: int) -> Truth:
    p = rng.uniform(0.5, 0.9, n)
    return _fitted(_ramp(p, p - 0.3))


def _diverse(rng: Generator, given: Rates, n: int) -> Truth:
    """10 % rise from 0 to .75, 40 % of the others above .08 fall by .10; all sizes fit.

    What rises starts below and ends above the scores that ``falling`` selects.
    """
    p = given.draw(rng, n)
    rises = rng.random(n) < 0.10
    falls = (p < 0.92) & (rng.random(n) < 0.4)
    p = np.where(rises, 1.0, p)
    return _fitted(_ramp(p, np.where(rises, 0.25, np.minimum(p + 0.10 * falls, 1))))


# --- proxies: of the true scores [L, n], six alike for each half ----------------------------------


def _noise(rng: Generator, score: Floats, sd: float) -> Floats:
    return rng.normal(0, sd, (2, N_PROXIES, *score.shape))


def _follower(rng: Generator, score: Floats, factor: float = 1.0) -> Floats:
    """The true score and N(0, .05), in units that change at the last size."""
    values = score + _noise(rng, score, 0.05)
    values[:, :, -1] *= factor
    return values


def _level(rng: Generator, score: Floats, factor: float = 1.0) -> Floats:
    """The true score averaged over sizes and N(0, .02): no trend."""
    values: Floats = score.mean(axis=0) + _noise(rng, score, 0.02)
    values[:, :, -1] *= factor
    return values


def _blurring_follower(rng: Generator, score: Floats) -> Floats:
    """A follower whose noise triples with size."""
    return score + _noise(rng, score, 1.0) * np.linspace(0.05, 0.15, len(score))[:, None]


def _late_follower(rng: Generator, score: Floats) -> Floats:
    """A follower that shows at each size the score of the size before."""
    return _follower(rng, score[[0, *range(len(score) - 1)]])


def _ceiling_level(rng: Generator, score: Floats) -> Floats:
    """A level that is cut off ever lower as size grows."""
    cut = np.linspace(1, 0.3, len(score))[:, None]
    return np.asarray(np.minimum(_level(rng, score), cut))


def _skewed_level(rng: Generator, score: Floats) -> Floats:
    """A level with multiplicative, log-normal noise and tails that lengthen with size."""
    values = np.exp(3 * score.mean(axis=0) + _noise(rng, score, 0.05))
    return np.asarray(values ** np.linspace(1, 2, len(score))[:, None])


# --- the list -------------------------------------------------------------------------------------

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
    world = partial(World, family=family, proxies=_follower if family == "proxies" else None)
    return [
        world("same size twice", make=partial(_same, family=family), claims=same),
        world(
            "permuted membership", make=partial(_same, family=family, permuted=True), claims=steady
        ),
        *(
            world(
                f"exchangeable heterogeneity, SD {sd:g}",
                make=partial(_heterogeneous, family=family, sd=sd), claims=claims,
            )
            for sd in (0.1, 0.2)
        ),
    ]  # fmt: skip


def _attacks_without_effect(family: Family) -> list[World]:
    """Trouble that every study may have, and no effect."""
    claims = _absent(*_RULES[family])
    world = partial(World, family=family, claims=claims, attack=True)
    return [
        world("heavy-tailed heterogeneity", make=partial(_heavy_tailed, family=family)),
        world("groups drift by .2 SD", make=partial(_same, family=family, drift=0.2)),
        world("last size with half of the models", make=partial(_same, family=family, halved=True)),
        world("5 % wrong labels, no change", make=partial(_wrong_labels, family=family)),
    ]


def _students(name: str, gain: Callable[[Floats], Floats], *claims: Claim) -> World:
    return World(name, "students", partial(_taught, gain=gain), claims)


def _proxy_world(
    name: str, proxies: Proxies, kind: Kind, verdict: Verdict, *, attack: bool = False
) -> World:
    claim = Claim("proxies_miss_trends", kind, verdict)
    return World(name, "proxies", _risers, (claim,), attack, proxies)


_F1, _F3 = "bimodality_grows", "inhibits_particularly"
WORLDS: Final[tuple[World, ...]] = (
    *_nothing("ends"),
    World("unimodal around .5, spreads", "ends", _unimodal_spread, _absent(_F1)),
    World("J-shape steepens", "ends", _steeper_j, _absent(_F1)),
    World("flat tail grows to 1", "ends", _flat_tail, _absent(_F1)),
    World("fitting alone", "ends", partial(_fitting, saturated=False), _absent(_F1, "falling")),
    World(
        "fitting alone, both sizes >= .99", "ends", partial(_fitting, saturated=True),
        _absent(_F1, "falling"),
    ),
    World("1.6 % (cf: 3 %) move above .9", "ends", _mode_gains, _planted(_F1)),
    World("last size fits less", "ends", _fits_less, _absent("falling", _F1)),
    World("all fall by .01", "ends", _all_fall, _absent("falling")),
    World("40 % of scores > .08 fall by .10", "ends", _many_fall, _planted("falling")),
    *_attacks_without_effect("ends"),
    World("5 % wrong labels rise to .97", "ends", _noisy_rise, _absent("falling"), attack=True),
    *_nothing("students"),
    _students(
        "equal gain of .3 logit", partial(_logit_gain, gain=0.3),
        *_absent(_F3), *_planted("distillation_inhibits"),
    ),
    _students("equal gain of .2 probit", partial(_probit_gain, gain=0.2), *_absent(_F3)),
    World("students fit memorised images less", "students", _student_fits_less,
          _absent(_F3, "distillation_inhibits")),
    _students(".1 logit for all, .05 more for scores >= .5", _particular, *_planted(_F3)),
    *_attacks_without_effect("students"),
    World("heavy-tailed gains around .3 logit", "students", _uneven_gain, _absent(_F3),
          attack=True),
    World("5 % wrong labels, equal gain of .3 logit", "students", _noisy_gain, _absent(_F3),
          attack=True),
    *_nothing("sizes"),
    World("16 % rise by .36 by fitting", "sizes", _risers,
          (*_planted("increasing"), *_absent("trajectories_diverse"))),
    World("every image rises by .3", "sizes", _everyone_rises, _absent("fixed")),
    World("10 % rise, 40 % fall by .10", "sizes", _diverse, _planted("trajectories_diverse")),
    *_attacks_without_effect("sizes"),
    *_nothing("proxies"),
    _proxy_world("follower, last size x .2", partial(_follower, factor=0.2), "absent", SUPPORTED),
    _proxy_world("level, last size x 3", partial(_level, factor=3.0), "absent", REFUTED),
    _proxy_world("six followers", _follower, "planted", REFUTED),
    _proxy_world("six levels", _level, "planted", SUPPORTED),
    _proxy_world("follower, noise triples", _blurring_follower, "absent", SUPPORTED, attack=True),
    _proxy_world("follower, one size late", _late_follower, "absent", SUPPORTED, attack=True),
    _proxy_world("level under a falling ceiling", _ceiling_level, "absent", REFUTED, attack=True),
    _proxy_world("level, log-normal", _skewed_level, "absent", REFUTED, attack=True),
)  # fmt: skip
