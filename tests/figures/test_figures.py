"""Every figure draws the rows of its query, and nothing else; these are what readers can save."""

import inspect
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import odd_stores
import polars as pl
import pytest
from once import made_once

from memanalysis import figures
from memanalysis.figures.figure import Asked, Figure
from memanalysis.reporting import document
from memanalysis.reporting.context import Reading
from memanalysis.storage.store import Store
from memanalysis.studies import Study

ORDER = pytest.mark.parametrize("figure", figures.ORDER, ids=lambda figure: figure.name)
KINDS = {"kind_scores", "kind_shapes", "kind_distillation", "kind_retrieval"}
# Outcomes drawn at random change with nothing: no example moves, no proxy has a trend to see.
RANDOM = {"proxy_trends", "example_curves_by_class"}


@pytest.fixture(scope="module", params=["simulated", "kinds", "variants"])
def study(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Study]:
    """Three small studies: one of widths, one with kinds of example, one with two settings."""
    if request.param == "variants":
        store = Store.open(made_once(tmp_path_factory, "variants", odd_stores.variants))
    else:
        store = request.getfixturevalue(f"{request.param}_store")
    opened = Study(store)
    yield opened
    opened.close()


def empty(study: Study) -> set[str]:
    """The figures that a study has no rows for."""
    kinds = set() if study.sql("select count(*) from kind_effects").item() else KINDS
    return kinds | (RANDOM if len(study.manifest.sizes) == 2 else set())


def plain(value: Any) -> Any:
    """A value as JSON has it, as Altair writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def drawn_frames(figure: Figure, study: Study) -> tuple[list[pl.DataFrame], dict[str, Any]]:
    """The frames that ``draw`` is given, and the chart's specification."""
    frames: list[pl.DataFrame] = []

    def watched(frame: pl.DataFrame, asked: Asked) -> Any:
        frames.append(frame)
        return figure.draw(frame, asked)

    chart = replace(figure, draw=watched)(study)
    return frames, chart.to_dict()


@ORDER
def test_the_rows_that_are_saved_are_those_that_are_drawn(study: Study, figure: Figure) -> None:
    """The frame behind the CSV, the frame given to ``draw``, and every data set of the chart have
    the same rows in the same order, and the chart has no column that the frame lacks.
    """
    saved = study.sql(figure.sql())
    if figure.name in empty(study):
        assert saved.is_empty()
        return
    frames, spec = drawn_frames(figure, study)
    assert [frame.equals(saved) for frame in frames] == [True]
    assert spec["datasets"]
    for rows in spec["datasets"].values():
        columns = list(rows[0])
        assert set(columns) <= set(saved.columns)
        assert rows == [
            {name: plain(value) for name, value in row.items()}
            for row in saved.select(columns).to_dicts()
        ]


def test_reports_save_what_they_draw(study: Study) -> None:
    """Each figure of a report has one query, whose rows are its data and those of its chart."""
    made = document.compose(study)
    blocks = [b for section in made.sections for b in section.every if b.kind == "figure"]
    assert len(blocks) > 15
    for block in blocks:
        assert block.frame.equals(study.sql(block.sql)), block.name
        for rows in block.spec["datasets"].values():
            assert len(rows) == block.frame.height, block.name
            assert set(rows[0]) <= set(block.frame.columns), block.name


def test_all_figures_are_in_order_once() -> None:
    """The registry has every public figure of the package, under its own name."""
    assert [figure.name for figure in figures.ORDER] == list(figures.BY_NAME)
    public = {name for name in figures.__all__ if isinstance(getattr(figures, name), Figure)}
    assert public == set(figures.BY_NAME)
    assert all(getattr(figures, name).name == name for name in public)


@ORDER
def test_figures_say_what_they_take_and_show(figure: Figure) -> None:
    """A figure has a signature with its parameters, its drawing's text, and a reason for nothing;
    its query names its parameters and no other.
    """
    signature = inspect.signature(figure)
    assert list(signature.parameters)[1:] == list(figure.parameters)
    assert figure.__doc__ == inspect.getdoc(figure.draw)
    assert figure.nothing.endswith(".")
    assert set(re.findall(r"\$(\w+)", figure.query)) == set(figure.parameters)
    assert re.search(r"\$\w", figure.sql()) is None


def test_names_from_stores_stay_text(study: Study) -> None:
    """A parameter that is written like SQL is a value that no row has."""
    chart = figures.trajectory_sweep(study, "x' or '1' = '1").to_dict()
    assert chart["title"] == "Nothing to draw"


def test_captions_are_sentences(study: Study) -> None:
    """Every figure says something of its rows, and ends with a full stop."""
    reading = Reading(study)
    for figure in figures.ORDER:
        frame = figure.frame(study)
        if not frame.is_empty():
            words = figure.words(frame, reading)
            assert words.rstrip().endswith("."), figure.name
            assert json.dumps(words).count("None") == 0, figure.name
