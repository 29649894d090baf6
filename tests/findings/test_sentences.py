"""What findings say in words: true whatever the verdict, and which effects would have shown."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from memanalysis.findings import FINDINGS
from memanalysis.findings.decisions import could_show, shown_from
from memanalysis.findings.reasons import UNDECIDED, words
from memanalysis.findings.rows import read
from memanalysis.findings.verdicts import SUPPORTED, UNDETERMINED, Bound, Check, Side
from memanalysis.storage.store import Store
from memanalysis.studies import Study

STUDIES = sorted(path.parent for path in (Path(__file__).parents[2] / "data").glob("*/derived"))
_UNSAID = UNDECIDED | {"too_few_saturated_sizes", "teacher_leaks", "contradicted"}


@pytest.mark.parametrize(("side", "bound"), [("lower", 0.002), ("upper", -0.01)])
@pytest.mark.parametrize("groups", [6, 20])
def test_four_of_five_studies_show_the_effect(side: Side, bound: float, groups: int) -> None:
    """Effects as large as said clear the bound in some 80 % of studies, half of them not."""
    rng = np.random.default_rng(groups)
    sd = 0.01
    values = rng.normal(0, sd, (20_000, groups))
    half = stats.t.ppf(0.975, groups - 1) * values.std(axis=1, ddof=1) / math.sqrt(groups)
    typical = float(half.mean())
    check = Check(row="r", verdict=UNDETERMINED, bound=Bound(side, bound), estimate=0,
                  low=-typical, high=typical)  # fmt: skip
    least = shown_from(check, groups)
    sign = 1 if side == "lower" else -1
    assert sign * (least - bound) > 0
    power = [
        np.mean(sign * (effect + values.mean(axis=1) - bound) > half)
        for effect in (least, bound + (least - bound) / 2)
    ]
    assert power[0] == pytest.approx(0.8, abs=0.06)  # at six groups .755: t, not noncentral t
    assert power[1] < 0.45


def test_without_bound_or_interval_nothing_is_named() -> None:
    """No number is made up, and no effects make no sentence."""
    bare = Check(row="r", verdict=UNDETERMINED, estimate=1, low=0, high=2)
    assert math.isnan(shown_from(bare, 10))
    assert math.isnan(shown_from(Check(row="r", verdict=UNDETERMINED, bound=Bound("lower", 0)), 10))
    assert could_show([], 10) == ""
    assert (
        could_show(["a", "b"], 1)
        == "four of five studies with 1 group of models would show a and b"
    )


@pytest.mark.parametrize("reason", ["too_few_increasing", "change_too_noisy"])
def test_a_reason_without_its_number_leaves_it_out(reason) -> None:
    """Rows that do not know how many examples are increasing do not say 'nan'."""
    known = words(reason, {"increasing": 9, "reliability": 0.31})
    assert "9" in known or "0.31" in known
    assert not set("0123456789{") & set(words(reason))
    assert "nan" not in words(reason)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_shipped_studies_explain_themselves(path: Path) -> None:
    """No sentence has a hole, none states a claim that failed, open ones name what would show."""
    with closing(Study(Store.open(path))) as study:
        findings = read(study.table("findings").to_dicts(), study.table("finding_facts").to_dicts())
    declared = {finding.name: finding for finding in FINDINGS}
    for finding in findings:
        outcome, of = finding.outcome, declared[finding.outcome.finding]
        if outcome.facts and outcome.reason not in UNDECIDED:
            said = of.explain(outcome)
            assert "nan" not in said.split()
            if (
                outcome.verdict == UNDETERMINED
                and outcome.reason not in _UNSAID
                and (of.name != "proxies_miss_trends")
            ):
                assert f"studies with {outcome.n_groups} groups of models would show" in said
        for check in outcome.checks:
            said = of.explain_check(check)
            assert "nan" not in said.split()
            if check.verdict != SUPPORTED:
                assert not said.startswith(of.criterion(check.row).claim), said


def test_studies_are_there() -> None:
    """The stores of the repository are what the test above reads."""
    assert {"depth", "distillation", "lenet"} <= {path.name for path in STUDIES}
