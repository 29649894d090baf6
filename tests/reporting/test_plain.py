"""Plain words: what a finding means, what would settle it, terms that are explained, file names."""

from typing import Any

import pytest

from memanalysis.reporting import glossary, plain, wording

Row = dict[str, Any]


def row(name: str, verdict: str = "supported", estimate: float | None = 0.3, **more: Any) -> Row:
    """A row of the findings table with an interval of ±0.1."""
    low = None if estimate is None else estimate - 0.1
    high = None if estimate is None else estimate + 0.1
    return {
        "row": name, "verdict": verdict, "estimate": estimate, "ci_low": low, "ci_high": high,
        "claim": f"Claim of {name}", "bound": "lower limit > 0", "core": True, "n_groups": 6,
        "sentence": "Undetermined.", **more,
    }  # fmt: skip


def rows(*conditions: Row, **head: Any) -> dict[str, Row]:
    """A finding's rows: an undetermined headline and its conditions."""
    return {r["row"]: r for r in (row("headline", "undetermined", **head), *conditions)}


def test_an_interval_half_as_wide_takes_four_times_the_subsets() -> None:
    """Half-width .1 at distance .05 from the bound has to halve: 4 × 60 subsets."""
    assert plain.subsets_needed(row("a", estimate=0.05), 60) == 240
    mirrored = row("a", estimate=-0.07, bound="upper limit < -0.02")
    assert plain.subsets_needed(mirrored, 60) == 240


@pytest.mark.parametrize(
    "open_row",
    [
        row("a", estimate=-0.05),
        row("a", estimate=None),
        row("a", bound="both upper limits < 0 and their mean <= -0.02"),
    ],
    ids=["wrong side", "no estimate", "no single bound"],
)
def test_no_number_of_models_is_promised_where_the_data_say_none(open_row: Row) -> None:
    """An estimate on the wrong side of its bound, or without one, gives no number."""
    assert plain.subsets_needed(open_row, 60) is None


def test_what_would_settle_an_open_finding_depends_on_why_it_is_open() -> None:
    """More models, a check that was lost, a half that disagrees: each is said; else nothing."""
    hard, easy = (row(n, "undetermined", e) for n, e in (("hard", 0.01), ("easy", 0.08)))
    # (.1 / .08)² × 60 = 93.75; (.1 / .02)² × 60 = 1,500; 60 × 100 is beyond what is practical.
    assert "about 94 subsets instead of 60" in plain.settling(rows(easy), 60)
    both = plain.settling(rows(easy, row("middle", "undetermined", 0.02)), 60)
    assert "“Claim of middle”; about 1,500 subsets" in both
    assert plain.settling(rows(easy, hard), 60).startswith("Very many more models")
    wrong_side = row("against", "undetermined", -0.05)
    assert plain.settling(rows(easy, wrong_side), 60).startswith("Hardly more models")
    both_ways = row("two", "undetermined", bound="both upper limits < 0 and their mean <= -0.02")
    assert "cannot be told from its bounds" in plain.settling(rows(both_ways), 60)
    few = rows(row("a", "undetermined"), sentence="(3 groups of models, too few for a verdict)")
    assert plain.settling(few, 60).startswith("More models")
    lost = rows(row("a"), sentence="which this packed store keeps no longer per group")
    assert "label’s probability" in plain.settling(lost, 60)
    against = rows(row("a"), row("half_b", "not supported", core=False))
    assert "not in the other half" in plain.settling(against, 60)
    soft = rows(row("a"), row("probability", "not supported", core=False))
    assert plain.settling(soft, 60).startswith("Not more models")
    assert plain.settling({"headline": row("headline", "supported")}, 60) == ""


def test_meanings_hold_the_measured_values() -> None:
    """Shares become people's numbers, changes keep their sign, an unknown finding has no words."""
    found = rows(
        row("increasing", estimate=0.114), row("fixed", estimate=0.5),
        row("decreasing_or_cap", estimate=0.004),
    )  # fmt: skip
    said = plain.meaning("trajectories_diverse", found)
    assert "about 11 are memorised more" in said
    assert "about 50 equally" in said
    assert "fewer than 1 less" in said
    sure = {"ci_low": -0.03, "ci_high": -0.01}
    found = rows(
        row("inhibits", estimate=-0.0167, **sure), row("generalises", estimate=0.0116),
        row("most_where_memorised", estimate=-0.0209, **sure),
    )  # fmt: skip
    said = plain.meaning("distillation_inhibits", found)
    assert "lowers the mean memorisation score by 0.017" in said
    assert "+1.2 percentage points" in said
    assert "fall by 0.021 more" in said
    unsure = rows(
        row("inhibits", estimate=-0.0167), row("generalises", estimate=0.0116),
        row("most_where_memorised", estimate=-0.0209),
    )  # fmt: skip
    said = plain.meaning("distillation_inhibits", unsure)
    assert "lowers" not in said
    assert "fall" not in said
    refuted = {**found, "most_where_memorised": row("most_where_memorised", "not supported", 0.0)}
    said = plain.meaning("distillation_inhibits", refuted)
    assert "memorised examples change by +0.000 (−0.100 to 0.100) beyond those of others" in said
    both = (
        "by -0.017 (-0.032 to -0.002) if chosen with labels alone and by 0.018 (0.001 to 0.034) if"
    )
    apart = {"sentence": f"Scores from 0.5 change {both} chosen with distillation."}
    refuted["most_where_memorised"] |= apart
    said = plain.meaning("distillation_inhibits", refuted)
    assert "by −0.017 (−0.032 to −0.002) if they are chosen on models trained on labels" in said
    assert "by 0.018 (0.001 to 0.034) if on distilled ones" in said
    assert plain.meaning("someone_elses", found) == ""
    undecided = rows(sentence="Undetermined. Not decided: no proxies (6 groups of models; α).")
    assert plain.meaning("proxies_miss_trends", undecided).endswith("the question: no proxies.")


def test_why_scores_rise_stands_on_the_card() -> None:
    """The finding's own reason, and what is left where all is fitted."""
    because = "They increase because larger models fit them."
    found = rows(
        row("increasing", estimate=0.2, sentence=f"20 % of the examples. {because}"),
        row("fixed"), row("decreasing_or_cap"),
        row("saturated_sizes", "undetermined", 0.002, core=False),
    )  # fmt: skip
    said = plain.meaning("trajectories_diverse", found)
    reason = "Those memorised more are so because larger models fit them."
    assert f"yet. {reason} Among saturated sizes alone" in said
    assert said.endswith("they are 0.2\u202f%.")
    found["saturated_sizes"]["estimate"] = 0.2  # all sizes are saturated
    assert plain.meaning("trajectories_diverse", found).endswith(reason)


def test_proxies_on_the_card_have_their_numbers() -> None:
    """How well they rank, and how badly they tell trends, from smallest to largest."""
    level = "Its rank correlation with the score is"
    found = rows(
        row("proxy: aum", estimate=0.47, sentence=f"Misses. {level} 0.7624 (0.7558 to 0.7690)."),
        row("proxy: el2n", estimate=0.62, sentence=f"Misses. {level} 0.70 (0.65 to 0.75)."),
    )
    said = plain.meaning("proxies_miss_trends", found)
    assert "2 rank examples much as the score does (rank correlation 0.70 to 0.76, mean" in said
    assert "(AUC 0.47 to 0.62; 0.50 is guessing" in said


def test_what_decides_is_told() -> None:
    """Core conditions, then the checks that overrule them where they hold; one alone is no list."""
    a, b = row("a"), row("b")
    against = row("probability", "not supported", core=False)
    assert plain.deciding(rows(a)) == []
    assert plain.deciding(rows(a, b)) == [a, b]
    assert plain.deciding(rows(a, b, against)) == [a, b, against]
    refuted = row("a", "not supported")
    assert plain.deciding(rows(refuted, b, against)) == [refuted, b]
    lost = "not checked by the label's probability, which this store keeps no longer per group"
    unmade = row("probability", "undetermined", None, core=False)
    assert plain.deciding(rows(a, b, unmade, sentence=lost)) == [a, b, unmade]
    against["sentence"] = "X: not supported, contradicting the headline. It falls by -1."
    there = plain.settling(rows(a, b, against), 60)
    assert there.endswith("There: it falls by −1.")


def test_shares_stay_within_what_they_can_be() -> None:
    """Percentages of shares, whose jackknife intervals are cut at 0 and 100."""
    low, high = 0.01, 0.95
    diverse = "trajectories_diverse"
    assert plain.effect(diverse, row("increasing", estimate=low))[1].startswith("0.0")
    assert plain.effect(diverse, row("half_a", estimate=high))[1].endswith("100.0\u202f%")
    found = plain.effect("distillation_inhibits", row("inhibits", estimate=low))
    assert found == ("0.010", "−0.090 to 0.110")
    assert plain.effect("proxies_miss_trends", row("proxy: aum", estimate=0.5))[0] == "0.500"
    assert plain.effect("proxies_miss_trends", row("half_a", estimate=1.0))[0] == "100.0\u202f%"


def test_ends_that_go_different_ways_are_both_said() -> None:
    """A share that rises at one end and falls at the other is not one number."""
    core = (row("polarisation_rises", estimate=0.4), row("tails_grow", estimate=0.03))
    apart = (row("low_tail_grows", estimate=-0.075), row("high_tail_grows", estimate=0.108))
    said = plain.meaning("bimodality_grows", rows(*core, *apart))
    assert "+3.0 percentage points (−7.5 near 0, +10.8 near 1)." in said
    alike = (row("low_tail_grows", estimate=0.01), row("high_tail_grows", estimate=0.02))
    assert "near 1)" not in plain.meaning("bimodality_grows", rows(*core, *alike))


def test_rows_of_findings_have_names_that_read() -> None:
    """Checks and proxies are spelt out; a condition of a rule keeps its words."""
    assert plain.title("half_b") == "on the other half of the models"
    assert plain.title("proxy: aum") == "proxy: AUM"
    assert plain.title("most_where_memorised") == "most where memorised"


def test_terms_are_linked_once_and_markup_stays_text() -> None:
    """The first p_in is a link to its explanation, the second is not, and no tag gets through."""
    said = glossary.glossed("<b>p_in</b> and p_in, trajectories of α")
    assert said.count('href="#term-p-in"') == 1
    assert "&lt;b&gt;" in said
    assert 'href="#term-trajectory"' in said
    assert 'href="#term-alpha"' in said
    assert glossary.glossed("p_inner alphabets") == "p_inner alphabets"


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
