"""Examples as a notebook shows them: against the relations, escaped, refused where none are."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import polars as pl
import pytest

from memanalysis.errors import QueryError
from memanalysis.storage.store import Store
from memanalysis.studies import Study

MARKUP = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def study(simulated_store: Store) -> Iterator[Study]:
    """The simulated study, opened."""
    with closing(Study(simulated_store)) as opened:
        yield opened


def test_thumbnails_are_the_examples_asked_for(study: Study) -> None:
    """In their order, each with its image, label, last score and a curve over the sizes."""
    ids = [7, 3]
    shown = study.examples(ids)
    assert shown.frame["example_id"].unique(maintain_order=True).to_list() == ids
    wanted = study.sql(
        "select example_id, size, memorization from memorization where objective = 'one_hot' "
        "and example_id in (3, 7) order by example_id desc, size_rank"
    )
    assert shown.frame.select(wanted.columns).equals(wanted)
    page = shown._repr_html_()
    assert page.count("<img") == page.count("<polyline") == 2
    assert page.index("№ 7") < page.index("№ 3")
    assert repr(shown) == "<2 examples: 7, 3>"
    assert study.examples(study.suspects(2)["example_id"]).frame.is_empty()


def test_names_in_thumbnails_are_text(study: Study) -> None:
    """Markup in a class name is shown letter by letter."""
    shown = study.examples(3)
    hostile = replace(shown, frame=shown.frame.with_columns(label=pl.lit(MARKUP)))
    page = hostile._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_what_is_no_example_is_said(study: Study) -> None:
    """An id that no example has, and more than a page of them, are refused in one line."""
    with pytest.raises(QueryError, match="There is no example 999999"):
        study.examples([1, 999999])
    with pytest.raises(QueryError, match="give at most 200"):
        study.examples(range(201))
