"""The thresholds of ``version3.toml`` as typed values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class CommonRules:
    """What holds for every finding."""

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
class FallingRules:
    """Thresholds of the row ``falling``."""

    low: float
    high: float
    maximum_change: float
    planted: float


@dataclass(frozen=True)
class HeadlineRules:
    """Thresholds of ``distillation_inhibits``."""

    maximum_change: float
    minimum_gain: float
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
    """All thresholds of version 3 that version 2 does not have."""

    version: int
    common: CommonRules
    modes: ModeRules
    polarisation: PolarisationRules
    falling: FallingRules
    headline: HeadlineRules
    particular: ParticularRules
    trends: TrendRules


@cache
def load() -> Rules:
    """The rules shipped with this version of the package."""
    text = resources.files("memanalysis.findings").joinpath("version3.toml").read_text("utf-8")
    table = tomllib.loads(text)
    trends = table["proxies_miss_trends"]
    steps = trends.pop("alpha_by_n_out_of_half")
    return Rules(
        version=table["version"],
        common=CommonRules(**table["common"]),
        modes=ModeRules(**table["bimodality_grows"]),
        polarisation=PolarisationRules(**table["scores_polarise"]),
        falling=FallingRules(**table["falling"]),
        headline=HeadlineRules(**table["distillation_inhibits"]),
        particular=ParticularRules(**table["inhibits_particularly"]),
        trends=TrendRules(
            **trends | {"registered": tuple(trends["registered"])},
            alpha_by_n_out_of_half=tuple((int(n), float(alpha)) for n, alpha in steps),
        ),
    )
