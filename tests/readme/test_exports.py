"""Every row of "you want, you run, you get" for exports, on a small study."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import readme_parts
from artefacts import make_world, softmax, write_lira

import memanalysis as ma

ROWS = readme_parts.rows("Exports", "you want")
Promise = Callable[[Path], None]
PROMISES: dict[tuple[str, str], Promise] = {}


def row(want: str, get: str) -> Callable[[Promise], Promise]:
    """Register what a row promises of the place that its command writes."""

    def register(function: Promise) -> Promise:
        PROMISES[want, get] = function
        return function

    return register


@pytest.mark.usefixtures("embedded", "mine")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.command.partition("--to ")[2])
def test_you_want_you_run_you_get(row, shell) -> None:
    """The command writes what the third column says; run again, it replaces nothing."""
    promise = PROMISES.get((row.have, row.get))
    assert promise is not None, f"no test of this row: {row}"
    assert shell(row.command) == ""
    place = Path(re.search(r"--out (\S+)", row.command)[1])
    promise(place)
    assert "exists" in shell(row.command, code=1)


def test_no_row_has_left() -> None:
    """Every promise is that of a row."""
    assert PROMISES.keys() == {(row.have, row.get) for row in ROWS}


@pytest.fixture(scope="module")
def with_logits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose model files keep logits: an import of a LiRA directory."""
    from memanalysis.importing import Options, import_source

    root = tmp_path_factory.mktemp("logits")
    source = write_lira(root / "exp", {"wrn28-1": make_world()})
    return import_source("lira", source, root / "mine", Options(keep_logits=True)).store.path


@pytest.fixture
def mine(with_logits: Path, folder: Path) -> None:
    """It is called ``mine`` in the current folder."""
    (folder / "mine").symlink_to(with_logits)


@row("NumPy arrays", "one archive per objective and size, by the CIFAR-10N key names")
def npz(place: Path) -> None:
    """Scores of every condition equal the relation's, without a pickle."""
    study = ma.open()
    conditions = study.sql("select distinct objective, size from models").rows()
    assert {path.stem for path in place.iterdir()} == {f"{o}-{size}" for o, size in conditions}
    for objective, size in conditions:
        scores = study.sql(
            f"from memorization where objective = '{objective}' and size = '{size}' "
            "and split = 'train' order by example_id"
        )
        with np.load(place / f"{objective}-{size}.npz", allow_pickle=False) as archive:
            masks, right = archive["trainset_mask"], archive["trainset_correctness"]
            assert masks.shape == right.shape == (archive["total_runs"], scores.height)
            assert archive["testset_correctness"].shape == (30, 12)
            np.testing.assert_array_equal(archive["memorization"], scores["memorization"])


@row(
    "wrong labels by cleanlab",
    "`labels`, `pred_probs` for `find_label_issues`; needs logits, kept by "
    '`keep_logits = "final"` or `import --keep-logits`',
)
def cleanlab(place: Path) -> None:
    """Mean softmax over the models that held the example out, of the logits that were imported."""
    world = make_world()
    held_out = ~world.masks[..., None]
    expected = (softmax(world.logits) * held_out).sum(0) / held_out.sum(0)
    with np.load(place, allow_pickle=False) as archive:
        assert archive["labels"].tolist() == world.labels.tolist()
        np.testing.assert_allclose(archive["pred_probs"], expected, atol=1e-3)
        np.testing.assert_allclose(archive["pred_probs"].sum(axis=1), 1, atol=1e-6)


@row(
    "scores to load",
    "a row per objective, size and training example, by plain index: score with interval, counts, "
    "held-out accuracy, trajectory, membership area",
)
def scores(place: Path) -> None:
    """Every condition has every training example, with the relation's score and interval."""
    frame = pl.read_parquet(place)
    expected = ma.open().sql(
        "select memorization, ci_low, ci_high, n_in, n_out, accuracy_out from memorization "
        "where split = 'train' order by objective desc, size_rank, example_id"
    )
    columns = ["score", "score_low", "score_high", "n_in", "n_out", "accuracy_out"]
    assert frame.select(columns).rows() == expected.rows()
    assert {"index", "direction", "membership_area"} <= set(frame.columns)


@row(
    "SQL without Python",
    "one database file for the `duckdb` shell (from 1.4 on), DBeaver and other clients",
)
def database(place: Path) -> None:
    """A plain connection finds the scores in it, with nothing else at hand."""
    with duckdb.connect(str(place), read_only=True) as engine:
        scores = engine.sql("from memorization order by all").pl()
    assert scores.equals(ma.open().sql("from memorization order by all"))


@row(
    "to browse images",
    'images and all scores, for Spotlight (`dtype={"image": spotlight.Image}`; set '
    "`SPOTLIGHT_OPT_OUT=true` to stop its reports), FiftyOne or pandas",
)
def examples(place: Path) -> None:
    """PNG bytes of every training example, and a column of scores for each condition."""
    frame = pl.read_parquet(place)
    assert frame.height == 72
    train = frame.filter(split="train")
    assert all(image.startswith(b"\x89PNG") for image in train["image"])
    for objective, size in ma.open().sql("select distinct objective, size from models").rows():
        assert train[f"memorization_{objective}_{size}"].null_count() == 0


@row("to publish", "a folder for `load_dataset`, with a card; nothing is uploaded")
def huggingface(place: Path) -> None:
    """The card's header names the files of each split, and their features name all columns."""
    _, header, _ = (place / "README.md").read_text().split("---\n", 2)
    fields = dict(line.partition(": ")[::2] for line in header.splitlines())
    (config,) = json.loads(fields["configs"])
    counts = {}
    for files in config["data_files"]:
        (path,) = place.glob(files["path"])
        table = pq.read_table(path)
        features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        assert list(features) == table.column_names
        counts[files["split"]] = table.num_rows
    assert counts == {"train": 60, "test": 12}


@row("a table for spreadsheets", "a relation, or the result of a query")
@row("a table for data frames", "the same")
@row("a table for programs", "the same, as a list of records")
def rows(place: Path) -> None:
    """One row for each of the relation; the query of the JSON has its two columns."""
    read = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".json": pl.read_json}[place.suffix]
    expected = ma.open().table("accuracy")
    frame = read(place)
    assert frame.height == expected.height
    width = 2 if place.suffix == ".json" else expected.width
    assert frame.columns[:1] == (["size"] if width == 2 else expected.columns[:1])
    assert frame.width == width


@row("a table for a page", "the same estimates as a Markdown table")
def markdown(place: Path) -> None:
    """The two columns, and a line for each row, with its interval."""
    header, _, *lines = place.read_text().splitlines()
    assert header == "| size | accuracy test |"
    assert len(lines) == ma.open().table("accuracy").height
    assert all(re.search(r"\d \[[\d.]+, [\d.]+\] \|$", line) for line in lines)


@row("a table for a paper", "booktabs, estimates as `.216 [.201, .231]`")
def latex(place: Path) -> None:
    """One line a row of the relation, between the rules of booktabs."""
    text = place.read_text()
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    estimates = re.findall(r"\.\d{3} \[\.\d{3}, (?:\.\d{3}|1\.\d*)\]", body)
    assert len(estimates) >= ma.open().table("accuracy").height
    assert r"\toprule" in text
