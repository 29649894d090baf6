"""``membership_risk`` and its summary: how well membership in training can be told, per image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memanalysis.analysis.correlations import correlate, spearman_brown
from memanalysis.analysis.falling import TOLERANCE
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.membership_risk import (
    Margins,
    gaussian_area,
    gaussian_tpr,
    pairwise_area,
)
from memanalysis.analysis.outcomes import Counts
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import Study
from memanalysis.relations.tables import Columns, stack
from memanalysis.storage import bits
from memanalysis.storage.margins import NO_MARGIN
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.store import Store

Flags = NDArray[np.bool_]

RATES: Final = {"tpr_1": 0.01, "tpr_01": 0.001}
# An area of some hundred models is uncertain by .01 and more; further digits would only take space,
# 1.5 MB of the 10 that a shipped store may have.
DECIMALS: Final = 3
# Images of the summary by their score: low <= score < high.
SCORES: Final = ((-np.inf, np.inf), (-np.inf, 0.25), (0.25, 0.5), (0.5, np.inf))
# Examples that are ranked at a time: with 4,000 models, 32 MB each.
_AT_ONCE: Final = 1_000
_COLUMNS: Final = tuple(
    f"margin_{side}_{column}" for side in ("in", "out") for column in ("sum", "sumsq", "sum_a")
)


def membership_risk_tables(store: Store, study: Study) -> tuple[Columns, Columns]:
    """Columns of ``membership_risk`` and ``membership_risk_summary``; none without margins."""
    rows, summaries = [], []
    for objective, condition in study.conditions.items():
        for place, size in enumerate(condition.sizes):
            read = _read(store, objective, size, condition, place)
            if read is None:
                continue
            margins, halves = read
            common = {
                "objective": objective,
                "size": size,
                "size_rank": study.size_rank[size],
            }
            risk = _risk(margins, halves) | _pairwise(store, objective, size, condition, place)
            score = condition.counts[:, place].sum(0).memorization
            shown = {name: np.round(values, DECIMALS) for name, values in risk.items()}
            rows.append(common | {"example_id": condition.outcomes.example_id} | shown)
            summaries += [common | summary for summary in _summaries(risk, score)]
    return stack(rows), stack(summaries)


def _risk(margins: Margins, halves: list[tuple[Floats, Floats]]) -> dict[str, Floats]:
    """Columns of one condition, [n] each."""
    half_a, half_b = (gaussian_area(margins, means) for means in halves)
    return {
        "area": gaussian_area(margins),
        **{name: gaussian_tpr(margins, rate) for name, rate in RATES.items()},
        "area_a": half_a,
        "area_b": half_b,
        "n_in": margins.sums.n_in,
        "n_out": margins.sums.n_out,
    }


def _pairwise(
    store: Store, objective: str, size: str, condition: Condition, place: int
) -> dict[str, Floats]:
    """Areas of single models' margins; none unless the store keeps that of every model."""
    outcomes = condition.outcomes
    margins = kept_margins(store, objective, size, condition, place)
    if margins is None:
        return {}
    trained, *halves = (
        bits.unpack(mask & outcomes.trained[place], margins.shape[1])
        for mask in (outcomes.trained[place], *_half_masks(condition))
    )
    inside = outcomes.in_train[place]
    return {
        name: np.concatenate(
            [
                _area(margins[at : at + _AT_ONCE], inside[at : at + _AT_ONCE], models)
                for at in range(0, len(margins), _AT_ONCE)
            ]
        )
        for name, models in zip(("area", "area_a", "area_b"), (trained, *halves), strict=True)
    }


def kept_margins(
    store: Store, objective: str, size: str, condition: Condition, place: int
) -> NDArray[np.int8] | None:
    """Margins of every subset's model on the training images: int8 [n, S], in quarters of a logit.

    None unless every model's is kept; columns of subsets without a model mean nothing.
    """
    if not store.table_path("margins").exists():
        return None
    rows = store.read_table(
        "margins",
        ["example_id", "margins"],
        (pc.field("objective") == objective) & (pc.field("size") == size),
    ).sort_by("example_id")
    whole = np.array_equal(rows["example_id"].to_numpy(), condition.outcomes.example_id)
    if not len(rows) or not whole or rows["margins"].null_count:
        return None
    margins = blob_array(rows["margins"]).view(np.int8)
    trained = bits.unpack(condition.outcomes.trained[place], margins.shape[1])
    return None if (margins[:, trained] == NO_MARGIN).any() else margins


def _half_masks(condition: Condition) -> Iterator[NDArray[np.uint8]]:
    """The subsets of even and of odd groups, packed."""
    for half in (0, 1):
        masks = condition.outcomes.groups[condition.group_ids % 2 == half]
        yield np.bitwise_or.reduce(masks, axis=0, initial=0)


def _area(margins: NDArray[np.int8], in_train: NDArray[np.uint8], models: Flags) -> Floats:
    """Area over some models, [n]; NaN with fewer than two on a side, as by the normal law."""
    inside = bits.unpack(in_train, margins.shape[1])[:, models]
    n_in = inside.sum(axis=1)
    area = pairwise_area(margins[:, models].astype(np.float64), inside)
    return np.where((n_in >= 2) & (inside.shape[1] - n_in >= 2), area, np.nan)


def _summaries(risk: dict[str, Floats], score: Floats) -> Iterator[dict[str, Any]]:
    """Means over the images of each range of scores, and how well halves agree."""
    for low, high in SCORES:
        chosen = np.isfinite(risk["area"])
        chosen &= (score >= low - TOLERANCE) & (score < high - TOLERANCE)
        halves = risk["area_a"][chosen], risk["area_b"][chosen]
        between = correlate("spearman", halves[0][None], halves[1])
        yield {
            "score_low": low,
            "score_high": high,
            "n_examples": int(chosen.sum()),
            **{f"{name}_mean": _mean(risk[name][chosen]) for name in ("area", *RATES)},
            "area_a_mean": _mean(halves[0]),
            "area_b_mean": _mean(halves[1]),
            "reliability": float(spearman_brown(between)[0]),
        }


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _read(
    store: Store, objective: str, size: str, condition: Condition, place: int
) -> tuple[Margins, list[tuple[Floats, Floats]]] | None:
    """Margins of one condition and the means of both halves; None where margins are not kept."""
    chosen = (
        (pc.field("objective") == objective)
        & (pc.field("size") == size)
        & (pc.field("split") == "train")
    )
    table = store.read_table("outcomes", ["example_id", *_COLUMNS], chosen)
    if all(table[name].null_count == len(table) for name in _COLUMNS):
        return None
    at = np.searchsorted(condition.outcomes.example_id, table["example_id"].to_numpy())
    read = {name: _placed(table[name], at, condition.outcomes.n_examples) for name in _COLUMNS}
    total = condition.counts[:, place].sum(0)
    sums = Counts(read["margin_in_sum"], total.n_in, read["margin_out_sum"], total.n_out)
    margins = Margins(sums, read["margin_in_sumsq"], read["margin_out_sumsq"])
    return margins, list(_half_means(read, condition, place))


def _half_means(
    read: dict[str, Floats], condition: Condition, place: int
) -> Iterator[tuple[Floats, Floats]]:
    """Mean margins inside and outside of the models of even and of odd groups."""
    for half in (0, 1):
        counts = condition.counts[condition.group_ids % 2 == half][:, place].sum(0)
        first = read["margin_in_sum_a"], read["margin_out_sum_a"]
        whole = read["margin_in_sum"], read["margin_out_sum"]
        sums = first if half == 0 else (whole[0] - first[0], whole[1] - first[1])
        part = Counts(sums[0], counts.n_in, sums[1], counts.n_out)
        yield part.accuracy_in, part.accuracy_out


def _placed(column: pa.ChunkedArray, at: NDArray[np.intp], n: int) -> Floats:
    values = np.full(n, np.nan)
    values[at] = column.cast(pa.float64()).to_numpy()
    return values
