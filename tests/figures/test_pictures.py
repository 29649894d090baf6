"""Charts of distributions, students and classes: what they draw is what the relations say."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import vl_convert
from altered import Altered

import memanalysis as ma
from memanalysis import charts, proxies
from memanalysis.figures import fragments, sizes, theme
from memanalysis.storage.store import Store
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def study(simulated_store: Store) -> Iterator[Study]:
    """The simulated study, opened."""
    opened = Study(simulated_store)
    yield opened
    opened.close()


def rows(chart: theme.AnyChart) -> pl.DataFrame:
    """The rows of a chart's largest data set."""
    found: list[dict[str, Any]] = max(chart.to_dict()["datasets"].values(), key=len)
    return pl.DataFrame(found, infer_schema_length=None)


def test_saturated_sizes_have_a_star_on_axes_and_panels(study: Study) -> None:
    """What Vega writes: * where all objectives are saturated, † where one is, else nothing."""
    table = study.table("accuracy").with_columns(
        saturated=(pl.col("size") == "s3")
        | ((pl.col("size") == "s2") & (pl.col("objective") == "one_hot"))
    )
    altered = Altered(study, accuracy=table)
    assert sizes.saturated(altered) == (["s3"], ["s2"])
    assert sizes.saturated(altered, "one_hot") == (["s2", "s3"], [])
    for draw in (charts.accuracy, charts.memorization_histogram):
        drawn = vl_convert.vegalite_to_svg(draw(altered).to_dict())
        assert ">s3*<" in drawn
        assert ">s2†<" in drawn
        assert ">s1<" in drawn


def test_hostile_names_of_sizes_stay_text(study: Study) -> None:
    """A size named like code is written as it is, with its star."""
    name = "a'] + alert(1) + ['\\"
    table = study.table("accuracy").with_columns(
        pl.lit(True).alias("saturated"), pl.col("size").replace({"s1": name})
    )
    drawn = vl_convert.vegalite_to_svg(charts.accuracy(Altered(study, accuracy=table)).to_dict())
    assert "a'] + alert(1) + ['\\*<" in drawn


def test_ranges_are_named_and_ordered(study: Study) -> None:
    """Ranges come by their lower ends, in words; shapes, which have none, keep their names."""
    names = pl.DataFrame(
        {"name": ["mem >= 0.9", "u", "0.1 <= mem < 0.25", "mem < 0.1", "0.25 <= mem < 0.5"]}
    )
    title, start = fragments.range_title("name"), fragments.range_start("name")
    named = study.sql(
        f"select {title} as title, {start} as start from names order by start", names=names
    )
    assert named.rows() == [
        ("below 0.1", -1), ("0.1 to 0.25", 0.1), ("0.25 to 0.5", 0.25), ("0.9 and more", 0.9),
        ("u", None),
    ]  # fmt: skip


def test_proxies_have_one_name_in_sql_and_in_text(study: Study) -> None:
    """Oracle: written out by hand, for names with and without a title of their own."""
    titles = {
        "aum": "AUM", "aum_clean": "AUM (clean)", "cumulative_accuracy": "cumulative accuracy",
        "vog_normalized": "VoG, normalised", "my_own_clean": "my own (clean)", "x": "x",
    }  # fmt: skip
    named = study.sql(
        f"select {fragments.proxy_title()} as title from given",
        given=pl.DataFrame({"proxy": list(titles)}),
    )
    assert named["title"].to_list() == list(titles.values())
    assert [proxies.label(name) for name in titles] == list(titles.values())


def test_heat_maps_show_shares_beside_noise(study: Study) -> None:
    """Cells are the relation's rows; their colour says on which side of noise the share lies."""
    table = study.table("distillation_transitions").filter(grouping="score")
    row = ["size", "category_one_hot"]
    table = table.filter(pl.col("n_examples").sum().over(row) >= 10)
    drawn = rows(charts.distillation_transitions(study))
    assert len(drawn) == len(table)
    assert drawn["share"].sum() == pytest.approx(table["share"].sum(), rel=1e-4)
    for cell in drawn.drop_nulls("share_unchanged").iter_rows(named=True):
        side = "more" if cell["share"] >= cell["share_unchanged"] else "less"
        assert cell["difference"] == f"{side} than by noise"


def test_group_bars_add_up_to_the_measured_change(study: Study) -> None:
    """Of each group the parts from p_in and p_out sum to the point that leaves a group out."""
    drawn = rows(charts.distillation_groups(study, "score"))
    measured = drawn.filter(pl.col("estimator") != "naive")
    keys = ["size", "category", "selected_on"]
    parts = measured.filter(pl.col("part") != "change").group_by(keys).agg(pl.col("value").sum())
    both = parts.join(measured.filter(pl.col("part") == "change"), on=keys)
    assert len(both) > 3
    assert both["value"].to_numpy() == pytest.approx(both["value_right"].to_numpy(), abs=1e-4)
    assert not drawn.filter(estimator="naive", part="change").is_empty()


def test_gaps_turn_the_part_of_p_out(study: Study) -> None:
    """A rise of p_out lowers the score: its part and its interval are the relation's, turned."""
    drawn = rows(charts.distillation_gap(study)).filter(quantity="all: part when held out")
    table = study.table("distillation_by_size").sort("size_rank")
    drawn = drawn.sort("size_rank")
    assert drawn["value"].to_numpy() == pytest.approx(-table["change_out"].to_numpy())
    assert drawn["low"].to_numpy() == pytest.approx(-table["change_out_high"].to_numpy())
    assert drawn["ratio"].to_numpy() == pytest.approx(table["gap"].exp().to_numpy())


def test_heights_are_shares_of_the_bin(study: Study) -> None:
    """Bars are as high as the share in their bin, narrower ones at the ends as the density there:
    heights times widths, in bins, sum to one in each panel.
    """
    drawn = rows(charts.memorization_histogram(study))
    width = pl.col("bin_high") - pl.col("bin_low")
    whole = drawn.filter(width > drawn.select(width.max()).item() - 1e-4)
    assert len(whole) > len(drawn) / 2
    assert whole["height"].to_numpy() == pytest.approx(whole["share"].to_numpy(), abs=1e-4)
    area = pl.col("height") * width / width.max()
    sums = drawn.group_by("objective", "size").agg(area.sum().alias("sum"))
    assert sums["sum"].to_numpy() == pytest.approx(1, abs=1e-3)


def test_noise_removed_shares_sum_to_one(study: Study) -> None:
    """The fitted distribution lies within its interval, sums to one, and has the fit's mean."""
    table = study.table("memorization_density")
    middle = (pl.col("bin_low") + pl.col("bin_high")) / 2
    sums = table.group_by("objective", "size").agg(
        pl.col("share").sum().alias("sum"), (pl.col("share") * middle).sum().alias("mean")
    )
    assert len(sums) == 6
    assert sums["sum"].to_numpy() == pytest.approx(1)
    means = sums.join(study.table("accuracy"), on=["objective", "size"])
    assert means["mean"].to_numpy() == pytest.approx(means["memorization"].to_numpy(), abs=0.03)
    assert (table["share_low"] <= table["share"] + 1e-12).all()
    assert (table["share"] <= table["share_high"] + 1e-12).all()


def test_trends_of_all_sizes_join_first_and_last(study: Study) -> None:
    """Over all sizes, the change is that of bimodality; saturated sizes are those of accuracy."""
    trends = study.table("bimodality_trends").filter(statistic="polarisation")
    sizes_of = study.table("bimodality").sort("size_rank")
    for row in trends.iter_rows(named=True):
        mine = sizes_of.filter(objective=row["objective"])
        if row["sizes"] == "saturated":
            full = study.table("accuracy").filter("saturated", objective=row["objective"])
            mine = mine.filter(pl.col("size").is_in(full["size"].to_list()))
        values = mine["polarisation"]
        assert row["n_sizes"] == len(values)
        assert row["change"] == pytest.approx(values[-1] - values[0])
    assert set(trends["sizes"]) >= {"all"}


def test_classes_show_their_strongest_examples(study: Study) -> None:
    """At most three of each class and shape that moves, by |change|, with all of their sizes."""
    table = study.table("strongest_examples_by_class").filter(objective="one_hot")
    moving = study.table("trajectories").filter(
        pl.col("shape").is_in(["increasing", "decreasing"]), objective="one_hot"
    )
    assert not moving.is_empty()
    for (label, shape), mine in moving.group_by("label", "shape"):
        best = mine.sort(pl.col("change").abs(), descending=True).head(3)["change"].abs()
        shown = table.filter(label=label, shape=shape).unique("example_id").join(
            moving, on="example_id"
        )  # fmt: skip
        assert sorted(shown["change"].abs()) == pytest.approx(sorted(best))
    assert table.group_by("example_id").len()["len"].unique().to_list() == [3]
    assert not {"fixed", "undetermined"} & set(table["shape"])


def test_the_embedded_study_has_trends_among_saturated_sizes() -> None:
    """Five of its sizes fit everything with labels, four with distillation: rows for both."""
    table = ma.open().table("bimodality_trends")
    trends = table.filter(statistic="polarisation", sizes="saturated")
    assert dict(trends.select("objective", "n_sizes").rows()) == {"one_hot": 5, "distilled": 4}


def test_variants_have_colours_of_their_own() -> None:
    """Further ways of teaching are not all drawn alike, nor like the main one."""
    titles = ["one-hot labels", "distilled", "distilled (cold)", "distilled (hot)"]
    colours = theme.objective_scale(titles).to_dict()["range"]
    assert len(set(colours)) == 4
