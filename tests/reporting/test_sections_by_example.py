"""Sections on kinds, influence, proxies, reliability and controls: what they show, against SQL."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import kinds_and_partners
import mislabelled
import polars as pl
import pytest

from memanalysis import figures
from memanalysis.reporting import blocks, verdicts
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections import (
    controls,
    examples,
    first_picture,
    influence,
    kinds,
    proxies,
    reliability,
)
from memanalysis.reporting.sections.tiles import Tiles
from memanalysis.storage.store import Store
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def reading(kinds_store: Store) -> Iterator[Reading]:
    """The store with kinds and partners, read for a report."""
    study = Study(kinds_store)
    yield Reading(study)
    study.close()


def _of(section: blocks.Section, kind: str) -> dict[str, blocks.Block]:
    """Blocks of one kind by their titles."""
    return {block.title: block for block in section.every if block.kind == kind}


@pytest.mark.parametrize(
    ("targets", "weight", "taught"),
    [
        ("hard", 0.5, "taught by its decisions as hard targets (weight 0.5) and the labels (0.5)"),
        ("hard", 1.0, "taught by its decisions as hard targets alone"),
        ("soft", 0.9, "taught by its outputs at temperature 4 (weight 0.9) and the labels (0.1)"),
        ("soft", 0.0, "taught by the labels alone (weight 0)"),
    ],
)
def test_captions_say_what_students_learn_from(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, targets: str, weight: float, taught: str
) -> None:
    """Both terms of the loss with their weights, where there are several ways of teaching."""
    row = {"objective": "distilled", "teacher_size": "wide", "teacher_scope": "same_subset",
           "temperature": 4.0, "distillation_weight": weight}  # fmt: skip
    other = {**row, "objective": "distilled_other"}
    monkeypatch.setitem(reading.manifest.settings, "distillation", {"targets": targets})
    monkeypatch.setattr(reading, "table", {"models": pl.DataFrame([row, other])}.__getitem__)
    alone = "teacher wide, trained on the same subset as its student"
    assert reading.teacher_of("distilled", short=True) == f"{alone}; {taught}"
    monkeypatch.setattr(reading, "table", {"models": pl.DataFrame([row])}.__getitem__)
    assert reading.teacher_of("distilled", short=True) == alone
    assert taught.removeprefix("taught by ") in reading.teacher_of("distilled")


def test_kinds_show_the_highest_with_the_label_before(reading: Reading, kinds_store: Store) -> None:
    """The highest scores of every kind that was changed; flipped ones say the label they had."""
    section = kinds.section(reading)
    assert len(_of(section, "figure")) == 4
    (gallery,) = _of(section, "gallery").values()
    assert isinstance(gallery, blocks.Gallery)
    kind_of = kinds_and_partners.kind_of(kinds_store)
    titles = {"wrong label": "flipped"}
    for row in gallery.rows:
        kind = titles.get(row.title, row.title)
        assert {kind_of[tile.linked or 0] for tile in row.tiles} == {kind}
        assert all(tile.note.startswith("was class") == (kind == "flipped") for tile in row.tiles)
        scores = [float(tile.figures.replace("−", "-")) for tile in row.tiles]
        assert scores == sorted(scores, reverse=True)
    assert {row.title for row in gallery.rows} == {"wrong label", "blended", "rotated"}


def test_a_blend_shows_two_classes(reading: Reading) -> None:
    """The clean label of a blend is not what it was: both are in the image."""
    tiles = Tiles(reading)
    row = {"label": 1, "clean_label": 2, "image": None, "source_id": None}
    other = reading.class_name(2)
    for kind, said in (
        ("blended", f"with {other}"),
        ("flipped", f"was {other}"),
        (None, f"was {other}"),
    ):
        tiles._examples[0] = {**row, "kind": kind}
        assert tiles.was(0) == said
    tiles._examples[0] = {**row, "kind": "blended", "clean_label": 1}
    assert tiles.was(0) == ""


def test_a_judge_is_introduced(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the manifest says of the judge: its family, its images, and how often it is right."""
    said = {"size": {"family": "lenet"}, "folds": 5, "n_images": 56000, "accuracy": 0.884}
    monkeypatch.setitem(reading.manifest.dataset, "judged", said)
    (first, *_) = kinds.section(reading).blocks
    assert isinstance(first, blocks.Text)
    assert "5 models of another family (lenet), trained on 56,000 images" in first.text
    assert "right on 88\u202f% of images" in first.text


def test_precision_stands_beside_chance(reading: Reading) -> None:
    """The table by kind has the relation's numbers, and its last row the kinds' shares."""
    (table,) = _of(kinds.section(reading), "table").values()
    assert isinstance(table, blocks.Table)
    found = reading.sql(
        "from kind_retrieval where objective = 'one_hot' and size = 's3' and kind = 'flipped'"
    )
    column = table.columns.index("wrong label")
    score = found.filter(proxy="memorization").row(0, named=True)
    assert table.rows[0][column].startswith(f"{100 * score['precision']:.0f}")
    assert table.rows[-1][column] == f"{100 * score['share']:.0f}\u202f%"


def test_partners_stand_behind_their_helper(reading: Reading) -> None:
    """Each planted pair is a row: the training example first, then the test example it helps."""
    (gallery,) = _of(influence.section(reading), "gallery").values()
    assert isinstance(gallery, blocks.Gallery)
    assert len(gallery.rows) == min(kinds_and_partners.N_PARTNERS, 6)
    pairs = reading.sql(
        "from influence where objective = 'one_hot' and size = 's3' and split = 'test'"
    )
    for row in gallery.rows:
        helper, *partners = row.tiles
        mine = pairs.filter(train_id=helper.linked)
        assert [tile.example for tile in partners] == [str(i) for i in mine["test_id"]]
        for tile, pair in zip(partners, mine.iter_rows(named=True), strict=True):
            assert tile.figures == f"{pair['influence']:+.2f} ±\u00a0{pair['std_error']:.2f}"
            assert tile.linked is None
            assert tile.note.startswith("q ")


def test_no_pair_says_what_it_would_take(simulated_store: Store) -> None:
    """Random test outcomes: one line with the pairs tested and what the subsets allow."""
    study = Study(simulated_store)
    note = influence.section(Reading(study)).asks
    tested = study.sql("select max(n_pairs) from influence_summary where split = 'test'").item()
    study.close()
    assert note.startswith("No pair stands out")
    assert f"{tested:,}" in note


def test_each_finding_stands_beside_its_control(reading: Reading) -> None:
    """A row per finding with both verdicts, and what came out as the fold's summary."""
    section = controls.section(reading)
    (table,) = _of(section, "table").values()
    assert isinstance(table, blocks.Table)
    said = reading.sql("from findings where row = 'headline'").select("finding", "verdict")
    titled = [(verdicts.title(finding), verdict) for finding, verdict in said.rows()]
    assert [(row[0], row[2]) for row in table.rows] == titled
    assert section.fold is not None
    assert section.fold.summary.startswith("No: none of the 4 findings is supported")


def test_a_false_alarm_is_said(reading: Reading) -> None:
    """A control that comes out supported is named."""
    table = reading.sql("select *, verdict as verdict_here from controls").with_columns(
        verdict=pl.when(finding="bimodality_grows")
        .then(pl.lit("supported"))
        .otherwise(pl.col("verdict"))
    )
    said = controls._verdict(table)
    assert said.startswith("Yes: “scores part into two ends as models grow” is supported")


def test_proxies_are_compared_in_one_table(reading: Reading) -> None:
    """Every proxy with its correlation, what it finds, and the verdict on its trend, by SQL."""
    table = _of(proxies.section(reading), "table")["Which cheap number can be used instead?"]
    assert isinstance(table, blocks.Table)
    rows = {row[0]: row for row in table.rows}
    strongest = reading.sql(
        "select max(abs(estimate)) from proxy_correlations where objective = 'one_hot' "
        "and quantity = 'level' and stratum = 'all' and method = 'spearman' and proxy = 'aum'"
    ).item()
    found = reading.sql(
        "select precision from proxy_retrieval where objective = 'one_hot' and size = 's3' "
        "and proxy = 'aum' and target = 'top 10 %' and selection = 'as many'"
    ).item()
    assert rows["AUM"][3].endswith(f"{strongest:.2f}")
    assert rows["AUM"][1] == f"{100 * found:.0f}\u202f%"
    assert len(rows) == len(reading.sql("select distinct proxy from proxies"))


def test_a_minus_is_explained_where_a_proxy_has_one(reading: Reading) -> None:
    """The caption of levels speaks of (−) if, and only if, a proxy is turned."""
    drawn = figures.proxy_correlations
    frame = drawn.frame(reading)
    assert "(−)" not in drawn.words(frame, reading)
    turned = frame.with_columns(pl.col("proxy") + " (−)")
    assert "Those marked (−)" in drawn.words(turned, reading)


def test_reliability_is_a_row_for_each_quantity(reading: Reading) -> None:
    """The table has the reliability of the score at the largest size, and one row a quantity."""
    (table,) = (b for b in reliability.section(reading).blocks if isinstance(b, blocks.Table))
    value = reading.sql(
        "select reliability from reliability where objective = 'one_hot' and size = 's3' "
        "and quantity = 'level' and signal = 'correctness' and n_groups = 6"
    ).item()
    rows = {row[0]: row for row in table.rows}
    assert len(rows) == len(table.rows) <= 3
    place = table.columns.index("reliability")
    assert rows["score at one size"][place] == f"{100 * value:.0f}\u202f%"


def test_most_memorised_tiles_lead_to_the_example(reading: Reading) -> None:
    """Every tile is linked to its training example and says the label before, where it differs."""
    (gallery,) = _of(examples.section(reading), "gallery").values()
    assert isinstance(gallery, blocks.Gallery)
    tiles = [tile for row in gallery.rows for tile in row.tiles]
    assert all(tile.example.startswith(str(tile.linked)) for tile in tiles)
    assert any(tile.note.startswith("was class") for tile in tiles)


@pytest.mark.parametrize("recorded", [True, False])
def test_suspects_stand_with_what_models_call_them(tmp_path: Path, *, recorded: bool) -> None:
    """A study of one size opens with suspects: below each, what held-out models say instead."""
    crowd = mislabelled.crowd("symmetric", 0.08, n=300)
    store = mislabelled.write(tmp_path / "crowd", crowd, groups=2, recorded=recorded)
    with closing(Study(store)) as study:
        reading = Reading(study)
        picture = first_picture.choose(reading)[1]
        assert picture is not None
        tiles = picture.rows[0].tiles
        rows = reading.table("suspects").head(len(tiles)).iter_rows(named=True)
        assert [tile.note for tile in tiles] == [
            f"called {reading.class_name(row['preferred'])} by {row['votes']} of {row['n_out']}"
            if recorded
            else f"called otherwise by {row['n_out'] - row['hits_out']} of {row['n_out']}"
            for row in rows
        ]


def test_stores_without_these_say_what_it_would_take(tiny_store: Store) -> None:
    """Four examples without kinds: no section, and a line each for the list of what is missing."""
    reading = Reading(Study(tiny_store))
    for section, words in (
        (kinds.section(reading), "kinds of example: `memanalysis judge`"),
        (influence.section(reading), "No pair stands out"),
    ):
        assert not section.every
        assert section.asks.startswith(words)
