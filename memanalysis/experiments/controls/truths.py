"""True rates of the worlds, and quantities that know something of their scores."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import numpy as np
from scipy import special, stats

from memanalysis.analysis.intervals import Floats
from memanalysis.experiments.controls.drawing import Truth

Family = Literal["ends", "students", "sizes", "proxies"]
Generator = np.random.Generator

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


# --- rates ----------------------------------------------------------------------------------------


def _everywhere(values: Floats, family: Family) -> Floats:
    """The same rates [n] at every objective and size."""
    return np.broadcast_to(values, (*SHAPES[family], len(values))).copy()


def fitted(outside: Floats, **more: Any) -> Truth:
    """Held-out rates [C, L, n] of models that fit everything."""
    return Truth(np.ones_like(outside), outside, **more)


def same(rng: Generator, given: Rates, n: int, family: Family, **more: Any) -> Truth:
    """The same rates at every condition; students get test images."""
    test = None
    if family == "students":
        test = _everywhere(given.draw(rng, _N_TEST), family)
    return fitted(_everywhere(given.draw(rng, n), family), test=test, **more)


def heterogeneous(rng: Generator, given: Rates, n: int, family: Family, sd: float) -> Truth:
    """Every image differs between conditions, by independent draws of one law: exchangeable."""
    truth = same(rng, given, n, family)
    return _moved(truth, rng.normal(0, sd, truth.outside.shape))


def _moved(truth: Truth, change: Floats) -> Truth:
    """Held-out rates changed and cut to [0, 1]."""
    return Truth(truth.inside, np.clip(truth.outside + change, 0, 1), truth.test)


def heavy_tailed(rng: Generator, given: Rates, n: int, family: Family) -> Truth:
    """Exchangeable differences in logits with the tails of Student's t with two degrees."""
    truth = same(rng, given, n, family)
    logit = special.logit(np.clip(truth.outside, 1e-3, 1 - 1e-3))
    noise = 0.3 * rng.standard_t(2, truth.outside.shape)
    return Truth(truth.inside, special.expit(logit + noise), truth.test)


def wrong_labels(rng: Generator, given: Rates, n: int, family: Family) -> Truth:
    """5 % wrong labels that held-out models hardly ever get right, the same at every condition."""
    truth = same(rng, given, n, family)
    wrong = rng.random(n) < 0.05
    truth.outside[..., wrong] = rng.uniform(0, 0.06, wrong.sum())
    return truth


# --- two sizes ------------------------------------------------------------------------------------


def two_sizes(first: Floats, last: Floats, inside: Floats | None = None) -> Truth:
    """Held-out rates [n] of both sizes; ``inside`` [2, n], if not everything is fitted."""
    outside = np.stack([first, last])[None]
    return Truth(np.ones_like(outside) if inside is None else inside[None], outside)


def unimodal_spread(rng: Generator, _: Rates, n: int) -> Truth:
    """Scores around .5 spread from SD .05 to .18 and stay unimodal."""
    z = rng.standard_normal(n)
    return two_sizes(*(np.clip(0.5 + sd * z, 0, 1) for sd in (0.05, 0.18)))


def steeper_j(rng: Generator, _: Rates, n: int) -> Truth:
    """Scores by Beta(1, 3) become scores by Beta(.5, 1.5): more at 0, none at 1."""
    u = rng.random(n)
    return two_sizes(*(1 - stats.beta.ppf(u, a, 3 * a) for a in (1.0, 0.5)))


def flat_tail(rng: Generator, _: Rates, n: int) -> Truth:
    """60 % of the scores are 0, the others lie flat up to .6, then up to 1: no mode."""
    u = np.where(rng.random(n) < 0.6, 0.0, rng.random(n))
    return two_sizes(1 - 0.6 * u, 1 - u)


def fitting(rng: Generator, given: Rates, n: int, saturated: bool) -> Truth:
    """Hard images are fitted at the last size; held-out rates stay."""
    p = given.draw(rng, n)
    hard = p < 0.3
    first = np.where(hard, 1 - min(0.008 / max(hard.mean(), 0.01), 0.4) if saturated else 0.6, 1.0)
    return two_sizes(p, p, np.stack([first, np.ones(n)]))


def mode_gains(rng: Generator, given: Rates, n: int) -> Truth:
    """Some images move from the middle of the scores above .9."""
    last = given.draw(rng, n)
    moved = rng.permutation(n)[: round(given.mode_gains * n)]
    last[moved] = rng.uniform(0, 0.08, len(moved))
    first = last.copy()
    first[moved] = rng.uniform(0.4, 0.7, len(moved))
    return two_sizes(first, last)


def fits_less(rng: Generator, given: Rates, n: int) -> Truth:
    """The last size fits memorised images less often, within the bound of saturation."""
    p = given.draw(rng, n)
    memorised = p < 0.9
    last = np.where(memorised, 1 - 0.008 / memorised.mean(), 1.0)
    return two_sizes(p, p, np.stack([np.ones(n), last]))


def all_fall(rng: Generator, given: Rates, n: int) -> Truth:
    """Every score falls by .01."""
    p = given.draw(rng, n)
    return two_sizes(p, np.minimum(p + 0.01, 1))


def many_fall(rng: Generator, given: Rates, n: int) -> Truth:
    """40 % of the images with scores above .08 fall by .10."""
    p = given.draw(rng, n)
    falls = (p < 0.92) & (rng.random(n) < 0.4)
    return two_sizes(p, np.minimum(p + 0.10 * falls, 1))


def noisy_rise(rng: Generator, given: Rates, n: int) -> Truth:
    """5 % wrong labels rise from .5 to .97; nothing else changes."""
    p = given.draw(rng, n)
    wrong = rng.random(n) < 0.05
    return two_sizes(np.where(wrong, 0.5, p), np.where(wrong, 0.03, p))


# --- students -------------------------------------------------------------------------------------


def taught(rng: Generator, given: Rates, n: int, gain: Callable[[Floats], Floats]) -> Truth:
    """Distilled held-out rates are ``gain`` of the one-hot ones; test images gain alike."""
    truth = same(rng, given, n, "students")
    assert truth.test is not None
    for rates_ in (truth.outside, truth.test):
        rates_[1] = gain(rates_[1])
    return truth


def logit_gain(p: Floats, gain: float | Floats) -> Floats:
    """Held-out rates plus a gain in logits."""
    with np.errstate(divide="ignore"):
        return np.asarray(special.expit(special.logit(p) + gain))


def probit_gain(p: Floats, gain: float) -> Floats:
    """Held-out rates plus a gain in normal quantiles."""
    return np.asarray(special.ndtr(special.ndtri(p) + gain))


def particular(p: Floats) -> Floats:
    """A gain of .1 logit for all, and of .05 on top of it for scores from .5."""
    return np.asarray(np.minimum(logit_gain(p, 0.1) + 0.05 * (p <= 0.5), 1))


def student_fits_less(rng: Generator, given: Rates, n: int) -> Truth:
    """Students fit images with scores from .5 less often, by .06."""
    truth = same(rng, given, n, "students")
    truth.inside[1] -= 0.06 * (truth.outside[1] <= 0.5)
    return truth


def uneven_gain(rng: Generator, given: Rates, n: int) -> Truth:
    """Gains in logits with heavy tails around .3, whatever the score."""
    return taught(rng, given, n, lambda p: logit_gain(p, 0.3 + 0.3 * rng.standard_t(2, p.shape)))


def noisy_gain(rng: Generator, given: Rates, n: int) -> Truth:
    """5 % wrong labels, and an equal gain of .3 logits for everybody."""
    truth = wrong_labels(rng, given, n, "students")
    truth.outside[1] = logit_gain(truth.outside[1], 0.3)
    return truth


# --- four sizes -----------------------------------------------------------------------------------


def ramp(first: Floats, last: Floats) -> Floats:
    """Linear over four sizes: [1, 4, n]."""
    return np.asarray(first + np.linspace(0, 1, 4)[:, None] * (last - first))[None]


def risers(rng: Generator, given: Rates, n: int) -> Truth:
    """16 % of the images rise by .36 because larger nets fit them, 4 % fall by .3."""
    p = given.draw(rng, n)
    kind = rng.random(n)
    rises, falls = kind < 0.16, kind > 0.96
    p = np.where(rises, 0.4, np.where(falls, 0.4, p))
    outside = ramp(p, np.where(falls, 0.7, p))
    return Truth(ramp(np.where(rises, 0.64, 1.0), np.ones(n)), outside)


def everyone_rises(rng: Generator, _: Rates, n: int) -> Truth:
    """Every score rises by .3."""
    p = rng.uniform(0.5, 0.9, n)
    return fitted(ramp(p, p - 0.3))


def diverse(rng: Generator, given: Rates, n: int) -> Truth:
    """10 % rise from 0 to .75, 40 % of the others above .08 fall by .10; all sizes fit.

    What rises starts below and ends above the scores that ``falling`` selects.
    """
    p = given.draw(rng, n)
    rises = rng.random(n) < 0.10
    falls = (p < 0.92) & (rng.random(n) < 0.4)
    p = np.where(rises, 1.0, p)
    return fitted(ramp(p, np.where(rises, 0.25, np.minimum(p + 0.10 * falls, 1))))


# --- proxies: of the true scores [L, n], six alike for each half ----------------------------------


def _noise(rng: Generator, score: Floats, sd: float) -> Floats:
    return rng.normal(0, sd, (2, N_PROXIES, *score.shape))


def follower(rng: Generator, score: Floats, factor: float = 1.0) -> Floats:
    """The true score and N(0, .05), in units that change at the last size."""
    values = score + _noise(rng, score, 0.05)
    values[:, :, -1] *= factor
    return values


def level(rng: Generator, score: Floats, factor: float = 1.0) -> Floats:
    """The true score averaged over sizes and N(0, .02): no trend."""
    values: Floats = score.mean(axis=0) + _noise(rng, score, 0.02)
    values[:, :, -1] *= factor
    return values


def blurring_follower(rng: Generator, score: Floats) -> Floats:
    """A follower whose noise triples with size."""
    return score + _noise(rng, score, 1.0) * np.linspace(0.05, 0.15, len(score))[:, None]


def late_follower(rng: Generator, score: Floats) -> Floats:
    """A follower that shows at each size the score of the size before."""
    return follower(rng, score[[0, *range(len(score) - 1)]])


def ceiling_level(rng: Generator, score: Floats) -> Floats:
    """A level that is cut off ever lower as size grows."""
    cut = np.linspace(1, 0.3, len(score))[:, None]
    return np.asarray(np.minimum(level(rng, score), cut))


def skewed_level(rng: Generator, score: Floats) -> Floats:
    """A level with multiplicative, log-normal noise and tails that lengthen with size."""
    values = np.exp(3 * score.mean(axis=0) + _noise(rng, score, 0.05))
    return np.asarray(values ** np.linspace(1, 2, len(score))[:, None])
