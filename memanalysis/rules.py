"""The thresholds of ``findings.toml`` as typed values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from memanalysis.analysis.trajectories import RuleSettings


@dataclass(frozen=True)
class CommonRules:
    """Rules of every finding."""

    level: float
    minimum_groups: int
    provisional_below: int
    saturated_accuracy_in: float
    tolerance: float
    join_above: int
    blocks: int
    minimum_folds: int
    minimum_selected: int
    power: float


@dataclass(frozen=True)
class ModeRules:
    """Thresholds of ``bimodality_grows``."""

    minimum_ratio: float
    minimum_share: float
    minimum_rise: float
    minimum_held_out_rise: float
    planted: float


@dataclass(frozen=True)
class PolarisationRules:
    """Thresholds of the row ``scores_polarise``."""

    minimum_rise: float
    minimum_mean: float


@dataclass(frozen=True)
class DiversityRules:
    """Thresholds of ``trajectories_diverse``: its rows ``increasing`` and ``fixed``."""

    minimum_share: float
    alpha_share: float
    minimum_mean: float


@dataclass(frozen=True)
class FallingRules:
    """Thresholds of the row ``falling``."""

    low: float
    high: float
    maximum_change: float
    planted: float


@dataclass(frozen=True)
class HeadlineRules:
    """Thresholds of ``distillation_inhibits`` and of its rows on agreement and gap."""

    maximum_change: float
    minimum_gain: float
    minimum_correlation: float
    planted: float


@dataclass(frozen=True)
class ParticularRules:
    """Thresholds of the row ``inhibits_particularly``."""

    memorised: float
    not_memorised: float
    maximum_excess: float
    maximum_fit: float
    reversed_excess: float
    planted: float


@dataclass(frozen=True)
class TrendRules:
    """Thresholds of ``proxies_miss_trends``."""

    registered: tuple[str, ...]
    minimum_proxies: int
    alpha_by_n_out_of_half: tuple[tuple[int, float], ...]
    minimum_level: float
    follows_area: float
    minimum_reliability: float
    minimum_increasing: int
    planted: float


@dataclass(frozen=True)
class Rules:
    """All thresholds of one version, and the data sets that had been seen when it was made."""

    version: int
    made_after: tuple[str, ...]
    common: CommonRules
    trajectories: RuleSettings
    alpha_factors: tuple[float, ...]
    threshold_alphas: tuple[float, ...]
    modes: ModeRules
    polarisation: PolarisationRules
    diversity: DiversityRules
    falling: FallingRules
    headline: HeadlineRules
    particular: ParticularRules
    trends: TrendRules


@cache
def load() -> Rules:
    """The rules shipped with this version of the package."""
    text = resources.files("memanalysis").joinpath("findings.toml").read_text("utf-8")
    table = tomllib.loads(text)
    shapes, trends = table["trajectories"], table["proxies_miss_trends"]
    factors, alphas = shapes.pop("alpha_factors"), shapes.pop("threshold_alphas")
    steps = tuple((int(least), float(alpha)) for least, alpha in shapes.pop("alpha_by_n_out"))
    of_half = tuple((int(n), float(alpha)) for n, alpha in trends.pop("alpha_by_n_out_of_half"))
    return Rules(
        version=table["version"],
        made_after=tuple(table["made_after"]),
        common=CommonRules(**table["common"]),
        trajectories=RuleSettings(**shapes, alpha_by_n_out=steps),
        alpha_factors=tuple(factors),
        threshold_alphas=tuple(alphas),
        modes=ModeRules(**table["bimodality_grows"]),
        polarisation=PolarisationRules(**table["scores_polarise"]),
        diversity=DiversityRules(**table["trajectories_diverse"]),
        falling=FallingRules(**table["falling"]),
        headline=HeadlineRules(**table["distillation_inhibits"]),
        particular=ParticularRules(**table["inhibits_particularly"]),
        trends=TrendRules(
            **trends | {"registered": tuple(trends["registered"])}, alpha_by_n_out_of_half=of_half
        ),
    )
