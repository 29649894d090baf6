"""The thresholds of ``findings.toml`` as typed values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from memanalysis.analysis.trajectories import RuleSettings


@dataclass(frozen=True)
class Common:
    """What holds for every finding."""

    level: float
    minimum_groups: int
    provisional_below: int
    saturated_accuracy_in: float


@dataclass(frozen=True)
class BimodalityRules:
    """Thresholds of ``bimodality_grows``."""

    minimum_mean: float
    minimum_rise: float
    minimum_slope: float
    minimum_tail_rise: float
    second_mode: float


@dataclass(frozen=True)
class DiversityRules:
    """Thresholds of ``trajectories_diverse``."""

    minimum_share: float
    alpha_share: float


@dataclass(frozen=True)
class InhibitionRules:
    """Thresholds of ``distillation_inhibits``."""

    minimum_correlation: float
    maximum_change: float
    maximum_difference: float
    memorised: float
    not_memorised: float
    minimum_selected: int
    minimum_gain: float


@dataclass(frozen=True)
class ProxyRules:
    """Thresholds of ``proxies_miss_trends``."""

    registered: tuple[str, ...]
    minimum_proxies: int
    minimum_level: float
    follows_auc: float
    minimum_reliability: float
    minimum_increasing: int


@dataclass(frozen=True)
class Rules:
    """All thresholds of one version, and the data sets that had been seen when it was made."""

    version: int
    common: Common
    trajectories: RuleSettings
    alpha_factors: tuple[float, ...]
    threshold_alphas: tuple[float, ...]
    bimodality: BimodalityRules
    diversity: DiversityRules
    inhibition: InhibitionRules
    proxies: ProxyRules
    made_after: tuple[str, ...]


@cache
def load() -> Rules:
    """The rules shipped with this version of the package."""
    text = resources.files("memanalysis.findings").joinpath("findings.toml").read_text("utf-8")
    table = tomllib.loads(text)
    shapes = table["trajectories"]
    factors, alphas = shapes.pop("alpha_factors"), shapes.pop("threshold_alphas")
    steps = tuple((int(least), float(alpha)) for least, alpha in shapes.pop("alpha_by_n_out"))
    proxies = table["proxies_miss_trends"]
    registered = tuple(proxies.pop("registered"))
    return Rules(
        version=table["version"],
        common=Common(**table["common"]),
        trajectories=RuleSettings(**shapes, alpha_by_n_out=steps),
        alpha_factors=tuple(factors),
        threshold_alphas=tuple(alphas),
        bimodality=BimodalityRules(**table["bimodality_grows"]),
        diversity=DiversityRules(**table["trajectories_diverse"]),
        inhibition=InhibitionRules(**table["distillation_inhibits"]),
        proxies=ProxyRules(**proxies, registered=registered),
        made_after=tuple(table["made_after"]),
    )
