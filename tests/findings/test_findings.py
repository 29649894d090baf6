from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import worlds

from memanalysis.findings import (
    FINDINGS,
    Evidence,
    Row,
    bimodality,
    diversity,
    evaluate,
    inhibition,
    proxy_trends,
)
from memanalysis.findings.robustness import headline, variants
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, UNDETERMINED, Fact, Outcome

GROUPS = 12
NAMES = ("aum", "cumulative_accuracy", "cumulative_loss")


def _scores() -> np.ndarray:
    """100 examples rise from 0 to .95, 60 fall from .45 to .2, 240 stay: [3, 400].

    Those that stay are distributed like CIFAR-100's.
    """
    scores = np.tile(worlds.feldman_zhang(400, np.random.default_rng(0)), (3, 1))
    steps = np.array([0.0, 0.5, 1.0])[:, None]
    scores[:, :100] = 0.95 * steps
    scores[:, 100:160] = 0.45 - 0.25 * steps
    return scores


@cache
def planted(follow: bool = False) -> Evidence:
    """One-hot and distilled models, distillation removes a fifth of every score."""
    scores = _scores()
    one_hot = worlds.condition(worlds.memorising(scores, GROUPS))
    one_hot = replace(one_hot, probability=worlds.probability(one_hot))
    distilled = worlds.condition(worlds.memorising(0.75 * scores, GROUPS), np.full(3, 0.82), seed=1)
    distilled = replace(distilled, probability=worlds.probability(distilled, 1))
    known = scores if follow else np.tile(scores.mean(axis=0), (3, 1))
    proxy = worlds.proxies(NAMES, np.stack([known] * 3), GROUPS)
    return worlds.evidence(one_hot, distilled, proxy)


@cache
def rows() -> dict[tuple[str, str], Row]:
    """Every row of the planted study."""
    return {(row.finding, row.row): row for row in evaluate(planted())}


def polarising() -> Evidence:
    """All scores near .35 at the smallest size, like CIFAR-100's at the largest."""
    rng = np.random.default_rng(0)
    last = worlds.feldman_zhang(300, rng)
    first = rng.uniform(0.2, 0.5, 300)
    scores = np.stack([first, (first + last) / 2, last])
    return worlds.evidence(worlds.condition(worlds.memorising(scores, GROUPS)))


def test_bimodality() -> None:
    """Supported where scores polarise, refuted in the reverse order of sizes."""
    grows = polarising()
    found = bimodality.decide(grows)
    assert found.verdict == SUPPORTED
    assert found.low > 0.02
    assert grows.one_hot is not None
    backwards = replace(grows, one_hot=grows.one_hot.select(list(grows.one_hot.sizes)[::-1]))
    assert bimodality.decide(backwards).verdict == REFUTED


def test_diversity_rows() -> None:
    """A quarter increases, some are fixed, and of 130 with a middling score 60 fall by .25."""
    headline_row = rows()["trajectories_diverse", "headline"]
    assert headline_row.verdict == SUPPORTED
    increasing = rows()["trajectories_diverse", "increasing"]
    assert increasing.estimate == pytest.approx(0.95 * 0.25, abs=0.02)
    falling = rows()["trajectories_diverse", "falling"]
    assert falling.verdict == SUPPORTED
    middling = ((_scores()[0] >= 0.1) & (_scores()[0] < 0.5)).sum()
    assert falling.estimate == pytest.approx(-0.25 * 60 / middling, abs=0.03)
    assert (falling.bound_side, falling.bound_value) == ("upper", -0.01)
    # Model-based, and so rough: 80 of 300 rise by .3 and 60 fall by .25 (some are below .02).
    facts = {fact.name: fact.estimate for fact in falling.facts}
    assert 0.1 < facts["share_truly_falling"] < 0.5
    assert 0.1 < facts["share_truly_rising"] < 0.6
    assert "model-based, no interval" in headline_row.sentence
    # Scores rise because held-out accuracy falls, not because larger models fit better.
    assert "fit them" not in increasing.sentence


def test_rise_by_fitting_is_said() -> None:
    """Examples that only larger models fit: the row says that they increase because of it."""
    p_in = np.ones((2, 200))
    p_in[0, :80] = 0.2
    p_out = np.full((2, 200), 0.15)
    p_out[:, 80:] = 0.95
    evidence = worlds.evidence(worlds.condition(worlds.outcomes(p_in, p_out, 10)))
    row = diversity.decide(evidence).checks[0]
    assert row.verdict == SUPPORTED
    said = diversity.explain_check(row)
    assert said.endswith("They increase because larger models fit them")


def test_middling_scores_that_rise_refute_diversity() -> None:
    """The other conditions hold, one refutes; the facts tell both ways to choose the examples."""
    scores = _scores()
    scores[:, 100:160] = 0.3 + 0.4 * np.array([0.0, 0.5, 1.0])[:, None]
    evidence = worlds.evidence(worlds.condition(worlds.memorising(scores, GROUPS)))
    found = diversity.decide(evidence)
    assert found.verdict == REFUTED
    assert [c.row for c in found.checks if c.verdict != SUPPORTED] == ["falling"]
    assert found.fact("falling_by_first").low > -0.01 or found.fact("falling_by_last").low > -0.01
    assert "scores of 0.1 to 0.5 change by" in diversity.explain(found)


def test_one_size_that_fits_cannot_tell_fitting_from_generalising() -> None:
    """Where smaller models do not fit, falls stay open, and the reason is a code."""
    p_in = np.ones((3, 300))
    p_in[:2, :60] = 0.5
    p_out = np.tile(np.linspace(0, 1, 300), (3, 1))
    evidence = worlds.evidence(worlds.condition(worlds.outcomes(p_in, p_out, GROUPS)))
    found = diversity.decide(evidence)
    assert found.reason == "too_few_saturated_sizes"
    assert found.checks[-1].verdict == UNDETERMINED
    assert "fitting and generalising cannot be told apart" in diversity.explain(found)
    grown = bimodality.decide(evidence)
    held_out = {c.row: c for c in grown.checks}["held_out_rise"]
    assert (held_out.verdict, held_out.reason) == (UNDETERMINED, "too_few_saturated_sizes")


def test_inhibition() -> None:
    """Mean change, change of the memorised, gain and preservation all hold and are reported."""
    found = rows()["distillation_inhibits", "headline"]
    assert found.verdict == SUPPORTED
    assert found.estimate == pytest.approx(-0.25 * _scores().mean(), abs=0.01)
    assert "students generalise better" in found.sentence
    assert rows()["distillation_inhibits", "preserves"].verdict == SUPPORTED
    assert rows()["distillation_inhibits", "generalises"].estimate == pytest.approx(0.02, abs=0.005)
    # A quarter is lost whatever the gap: the slope is about 0.
    gap = rows()["distillation_inhibits", "inhibition_grows_with_gap"]
    assert gap.verdict != SUPPORTED
    assert gap.estimate == pytest.approx(0, abs=0.06)


def test_a_teacher_that_saw_everything_decides_nothing() -> None:
    """teacher_scope full_data leaks held-out labels: undetermined, and the sentence says why."""
    evidence = planted()
    assert evidence.teacher is not None
    leaking = replace(evidence, teacher=replace(evidence.teacher, scope="full_data"))
    found = inhibition.decide(leaking)
    assert found.verdict == UNDETERMINED
    assert found.reason == "teacher_leaks"
    assert "labels of held-out ones leak" in inhibition.explain(found)


@pytest.mark.parametrize(
    ("inside", "outside", "why"),
    [
        (-0.03, 0.01, "students fit less"),
        (0.03, 0.01, "students fit more"),
        (-0.01, 0.03, "students generalise better"),
        (0.01, -0.03, "students generalise worse"),
        (0.045, 0.052, "students generalise better"),
        (-0.045, -0.052, "students generalise worse"),
    ],
)
def test_the_reason_of_a_change_has_its_direction(inside: float, outside: float, why: str) -> None:
    """A score falls as well by less fitting as by generalising; it rises by their opposites."""
    parts = {
        "change": inside - outside, "change_in": inside, "change_out": outside,
    }  # fmt: skip
    facts = (
        Fact("teacher_parameters", 1e6, size="wide"),
        *(Fact(name, at, at - 0.001, at + 0.001) for name, at in parts.items()),
    )
    outcome = Outcome(finding=inhibition.NAME, verdict=UNDETERMINED, facts=facts)
    said = inhibition.explain(outcome)
    soft = inhibition.explain(replace(outcome, signal="probability"))
    assert ": accuracy by" in said
    assert ": the label's probability by" in soft
    assert "a gain in test accuracy" not in soft
    assert f"mostly because {why}" in said


def test_no_inhibition_is_refuted() -> None:
    """Distilled models that memorise more refute the finding."""
    evidence = planted()
    turned = replace(evidence, one_hot=evidence.distilled, distilled=evidence.one_hot)
    assert inhibition.decide(turned).verdict == REFUTED


def test_students_are_smaller_than_their_teacher() -> None:
    """A teacher of the middle size teaches the smallest one only."""
    evidence = planted()
    assert evidence.one_hot is not None
    assert evidence.teacher is not None
    middle = evidence.one_hot.sizes[1]
    parameters = float(evidence.one_hot.parameters[1])
    teacher = replace(evidence.teacher, size=middle, parameters=parameters)
    assert inhibition.student_sizes(replace(evidence, teacher=teacher)) == [
        evidence.one_hot.sizes[0]
    ]


def test_proxies() -> None:
    """Proxies that know the mean level only miss the trend; the score itself follows it."""
    assert rows()["proxies_miss_trends", "headline"].verdict == SUPPORTED
    assert rows()["proxies_miss_trends", "proxy: aum"].verdict == SUPPORTED
    assert proxy_trends.decide(planted(follow=True)).verdict == REFUTED


def test_few_proxies_decide_nothing() -> None:
    """Two registered proxies are too few, and so are fifty increasing examples less one."""
    evidence = planted()
    assert evidence.proxies is not None
    two = replace(evidence, proxies=proxy_trends.only_rows(evidence.proxies, [0, 1]))
    assert proxy_trends.decide(two).verdict == UNDETERMINED
    strict = replace(evidence.rules.trends, minimum_increasing=1000)
    found = proxy_trends.decide(replace(evidence, rules=replace(evidence.rules, trends=strict)))
    assert found.verdict == UNDETERMINED
    assert found.reason == "too_few_increasing"
    assert "examples are increasing" in found.why()


def test_sentences_carry_everything() -> None:
    """Every headline names its verdict, groups, alpha if used and the verdict where all fit."""
    headlines = [row for row in rows().values() if row.row == "headline"]
    assert len(headlines) == len(FINDINGS)
    for row in headlines:
        assert row.sentence.startswith(row.verdict.capitalize())
        assert "12 groups of models" in row.sentence
        uses_alpha = row.finding in ("trajectories_diverse", "proxies_miss_trends")
        assert ("alpha 0.20, the least change" in row.sentence) == uses_alpha
        assert "among sizes that fit everything:" in row.sentence
        assert row.query.startswith("select ")
        assert not row.provisional


def test_robustness_rows() -> None:
    """Each finding is checked on both halves, another signal, saturated sizes and two alphas."""
    checks = {"half_a", "half_b", "probability", "saturated_sizes", "alpha_half", "alpha_double"}
    for finding in {row.finding for row in rows().values()}:
        assert checks <= {row.row for row in rows().values() if row.finding == finding}
    assert rows()["trajectories_diverse", "probability"].verdict == SUPPORTED
    assert rows()["distillation_inhibits", "half_a"].n_groups == GROUPS // 2
    assert rows()["distillation_inhibits", "half_a"].provisional


def test_a_contradicting_half_overrules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supported headline that one half contradicts becomes undetermined, and says so."""
    from memanalysis.findings import robustness

    evidence = polarising()
    assert evidence.one_hot is not None
    backwards = replace(evidence, one_hot=evidence.one_hot.select(
        list(evidence.one_hot.sizes)[::-1]))  # fmt: skip
    monkeypatch.setattr(robustness, "variants", lambda e: variants(e) | {"half_b": backwards})
    row = evaluate(evidence)[0]
    assert row.verdict == UNDETERMINED
    assert "contradicted by the odd groups of models" in row.sentence
    saturated = {"saturated_sizes": backwards}
    monkeypatch.setattr(robustness, "variants", lambda e: variants(e) | saturated)
    row = evaluate(evidence)[0]
    assert row.verdict == SUPPORTED
    assert "contradicted among sizes that fit everything" in row.sentence


@pytest.mark.parametrize(("groups", "verdict"), [(4, UNDETERMINED), (6, SUPPORTED)])
def test_few_groups(groups: int, verdict: str) -> None:
    """Under five groups nothing is decided; under ten a verdict is provisional."""
    evidence = polarising()
    assert evidence.one_hot is not None
    few = replace(evidence, one_hot=evidence.one_hot.keep_groups(np.arange(GROUPS) < groups))
    assert headline(bimodality.FINDING, few).verdict == verdict
    row = evaluate(few)[0]
    assert row.provisional == (groups == 6)
    assert ("too few for a verdict" in row.sentence) == (groups == 4)
    assert ("provisional" in row.sentence) == (groups == 6)


def test_nothing_to_decide_on() -> None:
    """No models, one size or one objective: every headline is there, undetermined."""
    one_size = worlds.evidence(worlds.condition(worlds.memorising(np.full((1, 50), 0.5), 6)))
    for evidence in (Evidence(None), one_size):
        headlines = [row for row in evaluate(evidence) if row.row == "headline"]
        assert len(headlines) == len(FINDINGS)
        assert {row.verdict for row in headlines} == {UNDETERMINED}


def test_what_was_not_recorded_is_not_checked() -> None:
    """Without probabilities, recorded or kept, a verdict stands, and its sentence says so."""
    never = polarising()
    lost = replace(never, probability_lost=True)
    assert _headline_row(never).verdict == _headline_row(lost).verdict == SUPPORTED
    assert "the label's probability was not recorded" in _headline_row(never).sentence
    assert "probability is no longer kept for each group" in _headline_row(lost).sentence
    unchecked = {row.row: row for row in evaluate(never) if row.finding == "bimodality_grows"}
    assert unchecked["probability"].reason == "not_recorded"
    assert unchecked["probability"].verdict == UNDETERMINED
    assert unchecked["probability"].bound == "consistent"


def _headline_row(evidence: Evidence) -> Row:
    found = {(row.finding, row.row): row for row in evaluate(evidence)}
    return found["bimodality_grows", "headline"]
