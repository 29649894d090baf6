"""Sentences on what a number of models can answer: for ``memanalysis plan``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from memanalysis.settings import Study

_ERRORS: Final = (0.05, 0.10)
_RELIABLE: Final = 0.8  # a correlation with such a score keeps nine tenths of its size


def precision(study: Study) -> str:
    """Standard errors that the planned subsets buy."""
    from memanalysis.analysis.planning import std_error

    k, r = study.n_subsets, study.subsets.ratio
    worst, usual = (std_error(p, k, r) for p in (0.5, 0.9))
    return (
        f"Standard error of a score: {worst:.3f} at worst, {usual:.3f} where models hit 90 % of "
        f"the images they never saw; of a change between sizes {math.sqrt(2) * worst:.3f} and "
        f"{math.sqrt(2) * usual:.3f}."
    )


def needed(study: Study) -> str:
    """Subsets that other standard errors would take."""
    from memanalysis.analysis.planning import subsets_for

    k, r = study.n_subsets, study.subsets.ratio
    takes = [
        f"{error:g} takes {subsets_for(error, r)} subsets for a score and "
        f"{subsets_for(error, r, change=True)} for a change between two sizes or objectives"
        for error in _ERRORS
    ]
    return (
        f"Each example is out of about {k * (1 - r):.0f} models. Where models fit their subset, a "
        f"standard error at worst of {'; of '.join(takes)}."
    )


def shapes(study: Study) -> str:
    """At which alpha trajectories can be told apart."""
    if len(study.sizes) < 2:
        return "Trajectories: none, they take at least two sizes."
    alpha = _alpha(study)
    if alpha is None:
        return "Trajectories: directions and aggregates, no shapes."
    return f"Trajectories: shapes can be told at alpha = {alpha:g}."


def _alpha(study: Study) -> float | None:
    from memanalysis.analysis.planning import alpha_for
    from memanalysis.rules import load

    held_out = study.n_subsets * (1 - study.subsets.ratio)
    return alpha_for(round(held_out, 6), load().trajectories)


def finer_shapes(study: Study) -> list[str]:
    """Subsets that a finer alpha takes, and how many shapes would be found at the present one."""
    from memanalysis.analysis.planning import subsets_for_alpha
    from memanalysis.rules import load

    if len(study.sizes) < 2:
        return []
    settings, lines = load().trajectories, []
    k, r, alpha = study.n_subsets, study.subsets.ratio, _alpha(study)
    for _, finer in sorted(settings.alpha_by_n_out, key=lambda step: step[1]):
        needed = subsets_for_alpha(finer, r, settings)
        if needed is not None and (alpha is None or finer < alpha):
            lines.append(
                f"Your {k} subsets cannot tell shapes at alpha = {finer:g}; "
                f"{_whole_groups(needed, study.subsets.group_size)} subsets can."
            )
    return [*lines, _simulated(study, alpha)]


def verdicts(study: Study) -> str:
    """Say whether there are enough groups for the findings."""
    from memanalysis.rules import load

    common, groups = load().common, study.subsets.groups
    size = study.subsets.group_size
    if groups < common.minimum_groups:
        return (
            f"Findings: every verdict will be undetermined, for want of groups ({groups}; "
            f"{common.minimum_groups}, that is {common.minimum_groups * size} subsets, give "
            f"provisional verdicts and {common.provisional_below} full ones)."
        )
    if groups < common.provisional_below:
        return (
            f"Findings: verdicts will be provisional ({groups} groups; "
            f"{common.provisional_below}, that is {common.provisional_below * size} subsets, give "
            "full ones)."
        )
    return f"Findings: {groups} groups are enough for verdicts."


def measured(path: Path) -> list[str]:
    """Errors and reliabilities that the store of earlier models reports."""
    from memanalysis.storage.store import Store

    store = Store.open(path)
    if not store.table_path("reliability").exists():
        return []
    rows = [
        row
        for row in store.read_table("reliability").to_pylist()
        if row["signal"] == "correctness" and row["std_error"] is not None
    ]
    lines = []
    for quantity, name in _QUANTITIES.items():
        of_quantity = [row for row in rows if row["quantity"] == quantity]
        most = max((row["n_groups"] for row in of_quantity), default=0)
        lines += _measured(name, [row for row in of_quantity if row["n_groups"] == most])
    return lines


_QUANTITIES: Final = {
    "level": "a score",
    "change": "its change from the first to the last size",
    "distillation": "its change by distillation",
}


def _measured(name: str, rows: list[dict[str, Any]]) -> list[str]:
    """One sentence on the worst of the rows: error, and the models that a reliability takes."""
    if not rows:
        return []
    worst = max(rows, key=lambda row: row["std_error"])
    n_models, error = worst["n_models"], worst["std_error"]
    # Errors fall like 1 / sqrt(models).
    needed = [f"{math.ceil(n_models * (error / e) ** 2)} for {e:g}" for e in _ERRORS]
    known = [row for row in rows if row["reliability"] is not None]
    text = (
        f"Measured: the mean standard error of {name} is {error:.3f} with {n_models} models a "
        f"size; models needed: {', '.join(needed)}."
    )
    if len(known) < len(rows):
        return [f"{text} At some size it is all noise: halves of the models do not agree."]
    least = min(known, key=lambda row: row["reliability"])
    r, n = least["reliability"], least["n_models"]
    text += f" Its reliability is {r:.2f}"
    if r >= _RELIABLE:
        return [f"{text}."]
    # Spearman and Brown's formula solved for the number of models.
    lengthened = _RELIABLE * (1 - r) / (r * (1 - _RELIABLE))
    return [f"{text}; {_RELIABLE:g} takes about {math.ceil(n * lengthened)} models a size."]


def _simulated(study: Study, alpha: float | None) -> str:
    import numpy as np

    from memanalysis.analysis.planning import power, sample_size
    from memanalysis.experiments.simulate import cifar100_scores
    from memanalysis.rules import load

    n_sizes, k = len(study.sizes), study.n_subsets
    n = sample_size(study.data.train_examples or 10**9, n_sizes, k)
    masks = np.concatenate(
        [study.subsets.masks(n, group, study.seed) for group in range(study.subsets.groups)]
    )
    scores = cifar100_scores(n, np.random.default_rng(study.seed))
    shares = power(masks.T, scores, n_sizes, alpha, load().trajectories, study.seed)
    unchanged = (
        f"of examples that do not change, {shares.undetermined:.0%} stay undetermined, "
        f"{shares.fixed:.0%} are called fixed and {shares.wrong:.1%} something else; "
        if alpha is not None
        else ""
    )
    return (
        f"Simulated ({n} examples with scores as in CIFAR-100, models that fit everything): "
        f"{unchanged}of examples whose memorisation rises by {shares.rise:g}, {shares.found:.0%} "
        "are found increasing."
    )


def _whole_groups(subsets: int, group_size: int) -> int:
    return math.ceil(subsets / group_size) * group_size
