"""``suspects`` as a user types it: a table, files, a page; and what it says where it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import layouts
import mislabelled
import numpy as np
import polars as pl
import pytest

from memanalysis.storage.store import Store

CROWD = mislabelled.crowd("symmetric", 0.08, n=300)
Run = Callable[..., Any]  # of cli/conftest.py


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose title and files would be markup."""
    path = tmp_path_factory.mktemp("suspects") / "store"
    rng = np.random.default_rng(0)
    images = [layouts.encoded(rng.integers(0, 256, (8, 8, 1), np.uint8)) for _ in range(300)]
    return mislabelled.write(path, CROWD, groups=2, images=images).path


def test_the_table_fits_a_terminal(memanalysis: Run, crowd: Path) -> None:
    """Twenty lines of at most 80 characters, and how many to expect false."""
    result = memanalysis("suspects", crowd)
    assert result.code == 0
    lines = result.out.rstrip().splitlines()
    assert len(lines) == 2 + 20
    assert max(map(len, lines)) <= 80
    assert "…  " not in lines[0]  # no column is left out
    assert re.search(r"kind \d -> kind \d \d/6", lines[2])
    assert "300 images, each held out by about 6 models of small" in result.err
    assert re.search(r"Of these 20, [\d-]+% have right labels", result.err)


def test_no_score_is_a_negative_zero(memanalysis: Run, crowd: Path) -> None:
    """Scores and their limits have two decimals, a true minus, and no sign before a zero."""
    scores = re.findall(r"(\S+) \[(\S+), (\S+)\]", memanalysis("suspects", crowd).out)
    assert len(scores) == 20
    written = {number for score in scores for number in score}
    assert all(re.fullmatch(r"−?\.\d\d|−?1\.00", number) for number in written)
    assert "−.00" not in written


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_files_have_all_columns(memanalysis: Run, crowd: Path, tmp_path: Path, ending: str) -> None:
    """The relation as it is, cut to the first that are asked for."""
    out = tmp_path / f"suspects.{ending}"
    assert memanalysis("suspects", crowd, "--out", out, "--top", 7).code == 0
    frame = {"csv": pl.read_csv, "parquet": pl.read_parquet, "json": pl.read_json}[ending](out)
    assert frame.height == 7
    assert {"source_id", "class_name", "preferred_name", "votes", "reason"} <= set(frame.columns)
    assert frame["rank"].to_list() == list(range(1, 8))


class Page(HTMLParser):
    """Images and elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")


def test_the_page_holds_its_images_and_escapes_names(
    memanalysis: Run, crowd: Path, tmp_path: Path
) -> None:
    """Nothing is loaded from elsewhere, no name becomes markup, and the page is small."""
    out = tmp_path / "suspects.html"
    assert memanalysis("suspects", crowd, "--out", out, "--top", 30).code == 0
    text = out.read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.images) == 30
    assert all(image.startswith("data:image/png;base64,") for image in page.images)
    assert "of" not in page.tags
    assert "Labels &lt;of&gt; a crowd" in text
    assert not re.search(r"https?://", text)
    assert len(text) < 60_000


def test_an_ending_that_is_none_is_refused_before_any_work(memanalysis: Run, crowd: Path) -> None:
    """Usage, exit code 2, with the endings there are."""
    result = memanalysis("suspects", crowd, "--out", "list.txt")
    assert result.code == 2
    assert ".csv, .html, .json, .parquet" in result.err


def test_an_unbuilt_list_says_how_to_build_it(memanalysis: Run, tmp_path: Path) -> None:
    """A store from before is answered by the command that helps."""
    store = mislabelled.write(tmp_path / "old", CROWD, groups=1)
    store = Store.open(store.path)
    store.table_path("label_posteriors").unlink()
    del store.manifest.files["derived/label_posteriors.parquet"]
    store.write_manifest()
    result = memanalysis("suspects", store.path)
    assert result.code == 1
    assert f"Run: memanalysis build {store.path}" in result.err


def test_without_votes_it_says_what_is_missing(memanalysis: Run, tmp_path: Path) -> None:
    """No other class is named, and the user learns why."""
    store = mislabelled.write(tmp_path / "hits", CROWD, groups=1, recorded=False)
    result = memanalysis("suspects", store.path)
    assert result.code == 0
    assert "-> other " in result.out
    assert "Predicted classes were not recorded" in result.err
    assert "wrong or hard" in result.out
    assert re.search(r": at most about \d+ wrong labels", result.err)
    assert re.search(r"Of these 20, \d+-100% have right labels: the models alone", result.err)


TINY = """\
name = "photos"

[data]
source = "folder"
folder = "photos"

[subsets]
groups = 1

[sizes]
family = "mlp"
depth = 1
width = 4

[training]
epochs = 1
"""


def test_a_folder_is_studied_and_listed(memanalysis: Run, tmp_path: Path) -> None:
    """Its study is made beside it, by the study file that is there; asked again, nothing trains."""
    rng = np.random.default_rng(0)
    for name in ("ant", "bee"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(20):
            image = layouts.encoded(rng.integers(0, 256, (6, 6, 1), np.uint8))
            (tmp_path / "photos" / name / f"{i}.png").write_bytes(image)
    (tmp_path / "photos-study.toml").write_text(TINY)
    first = memanalysis("suspects", tmp_path / "photos")
    assert first.code == 0
    assert "-> " in first.out
    assert "continuing the study" in first.err
    models = sorted((tmp_path / "photos-study/models").rglob("*.safetensors"))
    assert len(models) == 10
    times = [path.stat().st_mtime_ns for path in models]
    second = memanalysis("suspects", tmp_path / "photos")
    assert second.out == first.out
    assert [path.stat().st_mtime_ns for path in models] == times


def test_init_leaves_a_file_that_exists(memanalysis: Run, tmp_path: Path) -> None:
    """Exit code 1, one message, and the file as it was."""
    out = tmp_path / "study.toml"
    out.write_text("mine")
    result = memanalysis("init", tmp_path, "--out", out)
    assert result.code == 1
    assert "stays as it is" in result.err
    assert out.read_text() == "mine"
