"""Findings in readers' words: what one means, what decides, what would settle it; the glossary."""

import math
from dataclasses import replace
from typing import Any

import pytest

import memanalysis as ma
from memanalysis import wording
from memanalysis.findings import FINDINGS
from memanalysis.findings.declaration import Finding
from memanalysis.findings.rows import Told, read
from memanalysis.findings.verdicts import Bound, Check, Fact, Outcome, Verdict
from memanalysis.reporting import glossary, verdicts
from memanalysis.storage.store import Store

LEAST = Bound("lower", 0.0)
NAME = "distillation_inhibits"


def check(
    row: str, verdict: Verdict = "supported", estimate: float = 0.3, bound: Bound | None = LEAST
) -> Check:
    """A core condition with an interval of ±0.1."""
    return Check(
        row=row, verdict=verdict, estimate=estimate, low=estimate - 0.1, high=estimate + 0.1,
        bound=bound, core=True,
    )  # fmt: skip


def told(*checks: Check, others: dict[str, Verdict] | None = None, **more: Any) -> Told:
    """An undetermined headline with its conditions, and checks on other evidence."""
    given = {"finding": NAME, "verdict": "undetermined", "n_groups": 6, **more}
    checked = {n: Outcome(finding=NAME, verdict=v) for n, v in (others or {}).items()}
    return Told(Outcome(checks=checks, **given), checked, post_hoc=False, version=3)


def rows(finding: Told) -> dict[str, dict[str, Any]]:
    """Rows of the relation, as far as the report looks at them."""
    said = {c.row: c.verdict for c in finding.outcome.checks}
    said |= {name: other.verdict for name, other in finding.checked.items()}
    return {name: {"row": name, "verdict": verdict} for name, verdict in said.items()}


def test_an_interval_half_as_wide_takes_four_times_the_subsets() -> None:
    """Half-width .1 at distance .05 from the bound has to halve: 4 × 60 subsets."""
    assert verdicts.subsets_needed(check("a", estimate=0.05), 60) == 240
    mirrored = check("a", estimate=-0.07, bound=Bound("upper", -0.02))
    assert verdicts.subsets_needed(mirrored, 60) == 240


@pytest.mark.parametrize(
    "left_open",
    [check("a", estimate=-0.05), check("a", estimate=math.nan), check("a", bound=None)],
    ids=["wrong side", "no estimate", "no single bound"],
)
def test_no_number_of_models_is_promised_where_the_data_say_none(left_open: Check) -> None:
    """An estimate on the wrong side of its bound, or without one, gives no number."""
    assert verdicts.subsets_needed(left_open, 60) is None


def _settled(*checks: Check, **others: Verdict) -> str:
    return verdicts.settling(told(*checks, others=others), 60)


def test_what_would_settle_an_open_finding_depends_on_why_it_is_open() -> None:
    """More models, a half or a signal that disagrees: each is said; else nothing."""
    hard, easy = (check(n, "undetermined", e) for n, e in (("generalises", 0.01), ("easy", 0.08)))
    # (.1 / .08)² × 60 = 93.75; (.1 / .02)² × 60 = 1,500; 60 × 100 is beyond what is practical.
    assert "about 94 subsets instead of 60" in _settled(easy)
    both = _settled(easy, check("middle", "undetermined", 0.02))
    assert "“middle”; about 1,500 subsets" in both
    assert _settled(easy, hard).startswith("Very many more models")
    assert "“Distillation changes test accuracy, averaged over student sizes”" in _settled(hard)
    assert _settled(easy, check("b", "undetermined", -0.05)).startswith("Hardly more models")
    assert "cannot be told from its bounds" in _settled(check("b", "undetermined", bound=None))
    few = told(check("a", "undetermined"), n_groups=3)
    assert verdicts.settling(few, 60) == "More models: 3 groups of them are too few."
    assert "not by the odd groups" in _settled(check("a"), half_b="not supported")
    assert _settled(check("a"), probability="not supported").startswith("Not more models")
    assert _settled(check("a"), saturated_sizes="not supported") == ""
    assert verdicts.settling(told(check("a"), verdict="supported"), 60) == ""
    no_size = told(check("falling", "undetermined"), reason="too_few_saturated_sizes")
    assert verdicts.settling(no_size, 60) == ""


def test_a_question_that_cannot_be_answered_says_why() -> None:
    """A reason in words, with the numbers it names; nothing would settle it by more models."""
    facts = (Fact("increasing", 12), Fact("reliability", 0.8))
    finding = told(finding="proxies_miss_trends", reason="too_few_increasing", facts=facts)
    said = verdicts.meaning(finding, "as stored")
    assert said.startswith("This study cannot answer the question: in one half of the models")
    assert said.endswith("only 12 examples are increasing.")
    assert verdicts.settling(finding, 60) == ""


def test_a_store_without_facts_says_what_it_says_itself() -> None:
    """Rows of an earlier version have no facts: the stored sentence stands, once and whole."""
    assert verdicts.meaning(told(check("a")), "As it was stored.") == "As it was stored."
    assert verdicts.conditions(told(check("a"))) == ""
    unknown = told(finding="someone_elses", facts=(Fact("x", 1),))
    assert verdicts.meaning(unknown, "Theirs.") == "Theirs."


def test_what_is_read_from_the_relations_explains_itself_alike(simulated_store: Store) -> None:
    """Outcomes rebuilt from `findings` and `finding_facts` give the stored sentences again."""
    study = ma.open(simulated_store.path)
    table = study.table("findings")
    findings = read(table.to_dicts(), study.table("finding_facts").to_dicts())
    sentences = dict(table.filter(row="headline").select("finding", "sentence").rows())
    assert [f.outcome.finding for f in findings] == list(sentences) == [f.name for f in FINDINGS]
    by_row = {(r["finding"], r["row"]): r["sentence"] for r in table.to_dicts()}
    explained = 0
    for finding in findings:
        name, said = finding.outcome.finding, verdicts.meaning(finding, "nothing")
        reason = said.partition("the question: ")[2]
        assert (reason or said).rstrip(".") in sentences[name]
        conditions = verdicts.conditions(finding).rstrip(".")
        assert conditions in sentences[name]
        for part in finding.outcome.checks:
            assert verdicts.DECLARED[name].explain_check(part) in by_row[name, part.row]
            explained += 1
    assert explained > 10


def test_what_decides_is_told() -> None:
    """Core conditions, then the checks that overrule them where they hold; one alone is no list."""
    alone = told(check("a"))
    assert verdicts.deciding(alone, rows(alone)) == []
    both = (check("a"), check("b"))
    assert _deciding(told(*both)) == ["a", "b"]
    against: dict[str, Verdict] = {"probability": "not supported"}
    assert _deciding(told(*both, others=against)) == ["a", "b", "probability"]
    refuted = told(check("a", "not supported"), both[1], others=against)
    assert _deciding(refuted) == ["a", "b"]


def _deciding(finding: Told) -> list[str]:
    return [row["row"] for row in verdicts.deciding(finding, rows(finding))]


def _row(finding: str, row: str, estimate: float = 0.5, version: int | None = 3) -> dict[str, Any]:
    ends = {"estimate": estimate, "ci_low": estimate - 0.1, "ci_high": estimate + 0.1}
    return {"finding": finding, "row": row, "version": version, **ends}


def test_estimates_are_told_in_their_units() -> None:
    """Shares in per cent, cut at 0 and 100, their changes with a sign; others as numbers."""
    diverse = "trajectories_diverse"
    assert verdicts.effect(_row(diverse, "increasing", 0.01))[1].startswith("0.0")
    assert verdicts.effect(_row(diverse, "half_a", 0.95))[1].endswith("100.0\u202f%")
    assert verdicts.effect(_row(NAME, "inhibits", 0.01)) == ("0.010", "−0.090 to 0.110")
    assert verdicts.effect(_row(NAME, "generalises", 0.01))[1] == "−9.0\u202f% to +11.0\u202f%"
    assert verdicts.effect(_row("proxies_miss_trends", "proxy: aum"))[0] == "0.500"
    assert verdicts.effect(_row("proxies_miss_trends", "half_a", 1.0))[0] == "100.0\u202f%"


def test_rows_of_other_rules_are_not_told_in_the_words_of_these() -> None:
    """The same row of an earlier version measured something else: its number, without a unit."""
    old = _row("bimodality_grows", "headline", 0.389, version=2)
    assert verdicts.effect(old)[0] == "0.389"
    assert verdicts.quantity(old) == ""
    assert verdicts.effect(old | {"version": 3})[0] == "+38.9\u202f%"
    facts = (Fact("rise", 0.1),)
    of_old = replace(told(finding="bimodality_grows", facts=facts), version=2)
    assert verdicts.meaning(of_old, "As it was stored.") == "As it was stored."


def test_rows_of_findings_have_names_that_read() -> None:
    """Checks and proxies are spelt out; a condition has its own title; what is unknown its name."""
    assert verdicts.row_title(_row(NAME, "half_b")) == "on the other half of the models"
    proxy = _row("proxies_miss_trends", "proxy: aum")
    assert verdicts.row_title(proxy) == "proxy: area under the margin"
    assert verdicts.row_title(_row(NAME, "generalises")) == "generalises"
    assert verdicts.row_title(_row("someone_elses", "a_row")) == "a row"
    assert verdicts.title("someone_elses") == "someone elses"
    assert verdicts.quantity(_row(NAME, "generalises")) == "change of test accuracy"


def test_terms_are_linked_once_and_markup_stays_text() -> None:
    """The first p_in of a section is a link to its explanation, later ones are not, and no tag gets
    through.
    """
    glossed = glossary.Glossary()
    said = glossed("<b>p_in</b> and p_in, trajectories of α")
    assert said.count('href="#term-p-in"') == 1
    assert "&lt;b&gt;" in said
    assert 'href="#term-trajectory"' in said
    assert 'href="#term-alpha"' in said
    assert glossed("p_in again") == "p_in again"
    assert glossed("p_inner alphabets") == "p_inner alphabets"


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_each_verdict_has_a_headline_of_its_own(finding: Finding) -> None:
    """Supported, not supported, undetermined and cannot be asked: four texts, none of them long."""
    facts = tuple(
        Fact(name, 0.3)
        for name in ("top_share", "rise", "share_increasing", "share_fixed", "falling_by_first",
                     "falling_by_last", "change", "missing", "proxies", "following")
    )  # fmt: skip
    texts = []
    for verdict in ("supported", "not supported", "undetermined"):
        checks = tuple(
            Check(row=criterion.row, verdict=verdict, core=True) for criterion in finding.criteria
        )
        outcome = Outcome(finding=finding.name, verdict=verdict, facts=facts, checks=checks)
        texts.append(verdicts.headline(Told(outcome, {}, post_hoc=False, version=3), "as claimed"))
    cannot = Outcome(finding=finding.name, verdict="undetermined", reason="too_few_sizes")
    texts.append(verdicts.headline(Told(cannot, {}, post_hoc=False, version=3), "as claimed"))
    assert len(set(texts)) == 4
    assert all(10 < len(text) < 140 and not text.endswith(".") for text in texts)
    assert "cannot be asked here: it takes at least two sizes" in texts[-1]
    other = Told(cannot, {}, post_hoc=False, version=2)
    assert verdicts.headline(other, "as claimed") == "as claimed: undetermined"


@pytest.mark.parametrize(
    ("share", "said"), [(0.244, "24 % of the examples rise (26 % with false alarms)"),
                        (0.117, "12 % of the examples rise,")],
)  # fmt: skip
def test_a_share_without_false_alarms_says_what_was_counted(share: float, said: str) -> None:
    """Figures show counts: where the finding's share reads differently, it tells both."""
    facts = (Fact("share_increasing", share), Fact("share_fixed", 0.1))
    outcome = Outcome(finding="trajectories_diverse", verdict="supported", facts=facts)
    told = Told(outcome, {}, post_hoc=False, version=3)
    assert verdicts.headline(told, "as claimed").startswith(said)


def test_every_term_has_a_place_of_its_own() -> None:
    """Anchors are unique and each meaning is a sentence."""
    anchors = [term.anchor for term in glossary.TERMS]
    assert len(set(anchors)) == len(anchors)
    assert all(term.meaning.endswith(".") for term in glossary.TERMS)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("Fashion MNIST", "accuracy"), "fashion-mnist-accuracy"),
        (("../../etc/passwd", "é"), "etc-passwd-e"),
        (("🦊", "<b>"), "b"),
        (("", "…"), "figure"),
    ],
)
def test_file_names_are_safe_whatever_the_study_is_called(
    parts: tuple[str, str], name: str
) -> None:
    """Only small letters, digits and hyphens are left, and never nothing."""
    assert wording.file_name(*parts) == name
    assert len(wording.file_name("x" * 500)) <= 100
