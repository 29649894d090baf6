"""Charts: marks, encodings and row counts of what they hand to Vega-Lite."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest
from altered import Altered

from memanalysis import charts
from memanalysis.figures import theme
from memanalysis.storage.store import Store
from memanalysis.studies import Study

Chart = Callable[[theme.Tables], theme.AnyChart]

MARKS = {
    "accuracy": {"line", "rule", "point"},
    "accuracy_spread": {"rule", "tick", "point"},
    "bimodality": {"line", "rule", "point"},
    "bimodality_trends": {"rule", "point"},
    "distillation_change": {"bar", "rule", "point"},
    "distillation_density": {"rect", "rule"},
    "distillation_gap": {"line", "rule", "point"},
    "distillation_groups": {"bar", "rule", "point"},
    "distillation_halves": {"rect", "rule", "line"},
    "distillation_settings": {"rule", "point"},
    "distillation_transitions": {"rect", "text"},
    "example_curves": {"line"},
    "example_curves_by_class": {"line"},
    "example_scores": {"rule", "point"},
    "held_out_errors": {"bar", "line"},
    "kind_distillation": {"rule", "point"},
    "kind_retrieval": {"rule", "point"},
    "kind_scores": {"line", "rule", "point"},
    "kind_shapes": {"bar", "rule"},
    "memorization_by_class": {"rule", "point"},
    "memorization_density": {"bar", "area", "line"},
    "memorization_histogram": {"rect", "text"},
    "memorized_partners": {"line", "rule", "point"},
    "proxy_correlations": {"rule", "point"},
    "proxy_correlations_by": {"point"},
    "proxy_retrieval": {"rule", "point"},
    "proxy_trajectories": {"line", "point"},
    "proxy_trends": {"rule", "point", "text"},
    "proxy_values": {"bar"},
    "reliability": {"rule", "point"},
    "reliability_growth": {"rule", "line", "point"},
    "trajectories": {"line", "point"},
    "trajectories_by_class": {"trail"},
    "trajectory_shares": {"bar", "rule", "tick"},
    "trajectory_sweep": {"line", "rule", "point"},
}


@pytest.fixture(scope="module")
def study(kinds_store: Store) -> Iterator[Study]:
    """The simulated study with kinds of example, opened."""
    opened = Study(kinds_store)
    yield opened
    opened.close()


def layers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Every unit of a specification, out of its facet and layers; not the headings of panels."""
    inner = spec.get("spec", spec)
    units = inner.get("layer", [inner])
    return [u for u in units if u["encoding"].get("text", {}).get("field") != "heading"]


def marks(spec: dict[str, Any]) -> set[str]:
    """The types of all marks of a specification."""
    return {layer["mark"]["type"] for layer in layers(spec)}


def rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the largest data set of a specification."""
    return max(spec["datasets"].values(), key=len)


def test_all_charts_are_covered_here() -> None:
    """Every public chart has its marks listed above."""
    assert {*MARKS, "theme"} == set(charts.__all__)


@pytest.mark.parametrize("name", sorted(MARKS))
def test_each_chart_draws_its_marks_from_few_rows(study: Study, name: str) -> None:
    """Each chart has the marks it is made of, a title, the common look and at most 5,000 rows."""
    spec = getattr(charts, name)(study).to_dict()
    assert marks(spec) == MARKS[name]
    assert spec["title"]
    assert spec["config"] == theme.config()
    assert 0 < len(rows(spec)) <= 5000


@pytest.fixture(scope="module")
def emptied(study: Study) -> Iterator[Altered]:
    """The same study, its relations with their columns and without rows."""
    views = study.sql("select view_name from duckdb_views() where not internal")
    altered = Altered(study, **{name: study.table(name).clear() for name in views["view_name"]})
    yield altered
    altered.close()


@pytest.mark.parametrize("name", sorted(MARKS))
def test_each_chart_says_why_it_is_empty(emptied: Altered, name: str) -> None:
    """Without rows a chart is one line of text that says why, and no error."""
    spec = getattr(charts, name)(emptied).to_dict()
    assert marks(spec) == {"text"}
    assert rows(spec)[0]["why"].endswith(".")


@pytest.mark.parametrize("name", sorted(MARKS))
def test_axes_have_titles(study: Study, name: str) -> None:
    """Every quantitative axis that is drawn says what it shows, in words and not in columns."""
    for layer in layers(getattr(charts, name)(study).to_dict()):
        for channel in ("x", "y"):
            encoding = layer.get("encoding", {}).get(channel, {})
            if encoding.get("type") == "quantitative" and "title" in encoding:
                assert "_" not in encoding["title"].replace("p_in", "").replace("p_out", "")


def test_accuracy_has_four_panels_of_every_size_and_objective(study: Study) -> None:
    """Accuracy has a row per quantity, size and objective, sizes in the study's order."""
    spec = charts.accuracy(study).to_dict()
    assert len(rows(spec)) == 4 * 3 * 2
    assert spec["facet"]["sort"][0].startswith("memorisation")
    x = layers(spec)[0]["encoding"]["x"]
    assert (x["field"], x["sort"]) == ("size", ["s1", "s2", "s3"])


def test_accuracy_values_are_the_tables(study: Study) -> None:
    """What the chart draws as memorisation is the accuracy relation's column."""
    drawn = {
        (row["objective"], row["size"]): row["value"]
        for row in rows(charts.accuracy(study).to_dict())
        if row["quantity"].startswith("memorisation")
    }
    for row in study.table("accuracy").iter_rows(named=True):
        title = theme.OBJECTIVE_TITLES[row["objective"]]
        assert drawn[title, row["size"]] == pytest.approx(row["memorization"])


def test_the_histogram_is_a_heat_map_with_the_share_above_nine_tenths(study: Study) -> None:
    """Size is an axis: a row of cells for each, and the share of scores above 0.9 at its end."""
    spec = charts.memorization_histogram(study).to_dict()
    cells, above = layers(spec)
    assert cells["encoding"]["y"]["field"] == above["encoding"]["y"]["field"] == "size"
    assert cells["encoding"]["opacity"]["field"] == "height"
    truth = study.sql(
        "select objective, size, avg((memorization > 0.9)::int) as above from memorization "
        "where split = 'train' and memorization is not null group by all"
    )
    drawn = {(row["objective"], row["size"]): row["above"] for row in rows(spec)}
    assert len(drawn) == truth.height
    for row in truth.iter_rows(named=True):
        title = {"one_hot": "one-hot labels"}.get(row["objective"], row["objective"])
        assert drawn[title, row["size"]] == pytest.approx(row["above"], abs=1e-6)


def test_titles_say_what_the_numbers_show(study: Study) -> None:
    """Where a figure has a result, it is the title and the descriptive one stands below it."""
    title = charts.memorization_histogram(study).to_dict()["title"]
    assert title["subtitle"] == "Memorisation scores by model size"
    assert " of the examples score above 0.9" in " ".join(title["text"])
    assert charts.proxy_values(study).to_dict()["title"].startswith("Distribution of ")


def test_shares_show_the_study_alpha_unless_another_is_asked_for(study: Study) -> None:
    """trajectory_shares draws one alpha: the study's, or the one that is given."""
    table = study.table("trajectory_shares").filter(pl.col("rule") == "threshold")
    used = study.table("trajectory_tests")["alpha"][0]
    drawn = rows(charts.trajectory_shares(study).to_dict())
    assert {row["alpha"] for row in drawn} == {used}
    other = table["alpha"].max()
    drawn = rows(charts.trajectory_shares(study, "threshold", other).to_dict())
    assert {row["alpha"] for row in drawn} == {other}


def test_changes_split_exactly_into_their_parts(study: Study) -> None:
    """The two bars of a size add up to its point."""
    drawn = pl.DataFrame(rows(charts.distillation_change(study).to_dict()))
    parts = drawn.filter(pl.col("part") != "change").group_by("size").agg(pl.col("value").sum())
    both = parts.join(drawn.filter(pl.col("part") == "change"), on="size")
    assert len(both) == 3
    assert both["value"].to_numpy() == pytest.approx(both["value_right"].to_numpy())


def test_negative_proxies_are_turned_and_marked(study: Study) -> None:
    """A proxy that is low where scores are high is drawn with its sign turned, and says so."""
    row: dict[str, Any] = {
        "objective": "one_hot", "size": "s", "size_rank": 0, "quantity": "level",
        "stratum": "all", "proxy": "aum", "method": "spearman", "estimate": -0.5,
        "ci_low": -0.6, "ci_high": -0.4, "reliability": 0.9, "corrected_estimate": -0.55,
        "n_examples": 10, "n_groups": 5,
    }  # fmt: skip
    altered = Altered(study, proxy_correlations=pl.DataFrame([row]))
    (drawn,) = rows(charts.proxy_correlations(altered).to_dict())
    assert drawn["proxy"] == "AUM (−)"
    values = [drawn[name] for name in ("ci_low", "estimate", "ci_high", "corrected_estimate")]
    assert values == [0.4, 0.5, 0.6, 0.55]


def test_labels_without_a_class_name_stay_visible(study: Study) -> None:
    """Charts by class name the class, fall back to the label, and say where there is none."""
    classes = pl.DataFrame(
        {"label": [0], "class_name": ["cat"]}, schema_overrides={"label": pl.Int32}
    )
    curves = study.table("trajectory_curves_by_class").filter(pl.col("label") < 3)
    curves = curves.with_columns(pl.col("label").replace({2: None}))
    altered = Altered(study, classes=classes, trajectory_curves_by_class=curves)
    spec = charts.trajectories_by_class(altered).to_dict()
    assert spec["facet"]["sort"] == ["cat", "1", "no label"]


def test_sizes_come_in_the_order_of_their_rank() -> None:
    """The order of sizes is size_rank, not the alphabet."""
    frame = pl.DataFrame({"size": ["w16", "w2", "w16"], "size_rank": [1, 0, 1]})
    assert theme.in_order(frame) == ["w2", "w16"]


def test_colours_run_from_the_smallest_to_the_largest_size() -> None:
    """Any number of sizes spreads over the whole ramp."""
    assert theme.size_colours(2) == [theme.LIGHT["size-0"], theme.LIGHT["size-8"]]
    assert len(set(theme.size_colours(9))) == 9
    assert len(theme.size_colours(1)) == 1


def test_the_dark_palette_covers_the_light_one() -> None:
    """Each colour has one name, so the report can exchange it; both themes know every name."""
    assert theme.LIGHT.keys() == theme.DARK.keys()
    assert len(set(theme.LIGHT.values())) == len(theme.LIGHT)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_and_categories_stand_out_from_the_page(palette: dict[str, str]) -> None:
    """Text reaches contrast 4.5 and every category about 3 against the page (WCAG 2.1)."""
    page = _luminance(palette["paper"])
    for name, least in [("ink", 4.5), ("muted", 4.5), *((shape, 2.6) for shape in theme.SHAPES)]:
        high, low = sorted((_luminance(palette[name]), page), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= least, name


def test_a_thousand_classes_are_not_a_thousand_rows(study: Study) -> None:
    """Of many classes the chart draws the 40 with the highest means, and its title says so."""
    frame = pl.DataFrame(
        {"label": range(1000), "class_name": [f"class {i}" for i in range(1000)]}
    ).with_columns(
        objective=pl.lit("one_hot"), size=pl.lit("s"), size_rank=0, n_examples=5,
        memorization=pl.col("label") / 1000, accuracy_in=1.0, accuracy_out=0.5,
    )  # fmt: skip
    spec = charts.memorization_by_class(Altered(study, memorization_by_class=frame)).to_dict()
    drawn = rows(spec)
    assert {row["class_name"] for row in drawn} == {f"class {i}" for i in range(960, 1000)}
    assert "40 classes" in spec["title"]


def test_the_scores_of_one_example_are_the_relations(study: Study) -> None:
    """The chart of example 7 draws its score and limits at every size and objective."""
    drawn = {
        (row["objective"], row["size"]): (row["memorization"], row["ci_low"], row["ci_high"])
        for row in rows(charts.example_scores(study, 7).to_dict())
    }
    truth = study.sql("from memorization where example_id = 7")
    assert len(drawn) == truth.height == 6
    for row in truth.iter_rows(named=True):
        wanted = (row["memorization"], row["ci_low"], row["ci_high"])
        assert drawn[theme.OBJECTIVE_TITLES[row["objective"]], row["size"]] == wanted


def test_many_ways_of_teaching_have_a_chart_of_their_own(study: Study) -> None:
    """With more variants than colours, charts of all objectives keep the two that all studies have;
    side by side each way is a row with its settings in words.
    """
    ways = ["distilled", *(f"distilled_t{t}" for t in (1, 2, 10)), "distilled_full"]
    by_size = study.table("distillation_by_size")
    taught = [
        by_size.with_columns(
            objective=pl.lit(way),
            temperature=pl.lit(float(way[11:]) if way[10:11] == "t" else 3.0),
            teacher_scope=pl.lit("full_data" if way.endswith("full") else "same_subset"),
            distillation_weight=pl.lit(0.5),
        )
        for way in ways
    ]
    accuracy = study.table("accuracy")
    several = pl.concat(
        [accuracy, *(accuracy.with_columns(objective=pl.lit(way)) for way in ways[1:])]
    )
    many = Altered(study, accuracy=several, distillation_by_size=pl.concat(taught))
    drawn = {row["objective"] for row in rows(charts.accuracy(many).to_dict())}
    assert drawn == {"one-hot labels", "distilled"}
    side_by_side = charts.distillation_settings(many).to_dict()
    assert layers(side_by_side)[1]["encoding"]["y"]["sort"] == [
        "t1: T 1, weight 0.5",
        "t2: T 2, weight 0.5",
        "distilled: T 3, weight 0.5",
        "t10: T 10, weight 0.5",
        "full: T 3, weight 0.5, full data",
    ]


def test_a_paper_gets_white_columns_with_counts(study: Study) -> None:
    """Narrow and white, with n below the title; the screen's look comes back when asked for."""
    screen = charts.accuracy(study).to_dict()
    try:
        charts.theme("paper")
        paper = charts.accuracy(study)
        single = charts.trajectory_shares(study).to_dict()
    finally:
        charts.theme("screen")
    drawn = paper.to_dict()
    assert drawn["config"]["background"] == "#ffffff"
    assert drawn["columns"] <= 2
    assert drawn["spec"]["width"] < screen["spec"]["width"]
    assert any(line.startswith("n = ") for line in drawn["title"]["subtitle"])
    assert single.get("width", single.get("spec", {}).get("width")) <= 320
    svg = convert(paper)
    assert int(re.search(r'width="(\d+)', svg)[1]) <= 400
    assert charts.accuracy(study).to_dict()["config"] == screen["config"]
    with pytest.raises(ValueError, match="screen, paper"):
        charts.theme("poster")


def convert(chart: Any) -> str:
    """The chart as SVG."""
    import vl_convert

    return vl_convert.vegalite_to_svg(chart.to_dict())
