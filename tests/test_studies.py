"""Studies as users hold them, and the package's public names."""

import doctest
import subprocess
import sys
from pathlib import Path

import handmade
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell

import memanalysis as ma
from memanalysis import bundled_studies, studies
from memanalysis.errors import QueryError, StoreError
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of random bits."""
    path = tmp_path_factory.mktemp("study") / "store"
    handmade.write(path, handmade.random_conditions(("small", "large")))
    return ma.open(path)


def test_a_study_knows_its_path_and_manifest(study: Study) -> None:
    """path, manifest and repr name the store."""
    assert study.path.name == "store"
    assert study.manifest.sizes == ["small", "large"]
    assert repr(study) == f"<Study 'handmade' at '{study.path}'>"


def test_table_is_the_relation_as_a_frame(study: Study) -> None:
    """table(name) gives views and macros, the latter with their defaults."""
    assert study.table("memorization").equals(study.sql("from memorization"))
    assert study.table("trajectories_at").height == 80


def test_an_unknown_table_names_the_nearest(study: Study) -> None:
    """A wrong name is an error with the nearest right one, or with all of them."""
    with pytest.raises(QueryError, match=r"'trajectory'. Did you mean 'trajectories'\?"):
        study.table("trajectory")
    with pytest.raises(QueryError, match=r"There are: accuracy, .*wrong_n_models\."):
        study.table("xyz")


def test_frames_join_by_name(study: Study) -> None:
    """sql(..., mine=frame) reads the frame as `mine`."""
    mine = pl.DataFrame({"example_id": [3], "note": ["odd"]})
    found = study.sql("from memorization join mine using (example_id)", mine=mine)
    assert found["note"].to_list() == ["odd"] * 4


def test_connect_is_documented_and_unconfined(study: Study) -> None:
    """Experts get every relation with its comments, and may do what they like."""
    with study.connect() as connection:
        connection.execute("create table mine as from memorization limit 3")
        assert connection.sql("select count(*) from mine").fetchall() == [(3,)]
        rows = connection.sql(
            "select count(*) from duckdb_columns() where not internal and comment is not null"
        ).fetchall()
    assert rows[0][0] > 200


def test_a_closed_study_opens_again(study: Study) -> None:
    """close() frees the connection, and the next question opens a new one."""
    study.close()
    assert study.table("classes").height == 3


def test_no_store_is_an_error_that_says_so(tmp_path: Path) -> None:
    """A wrong path is named."""
    with pytest.raises(StoreError, match="There is no store at"):
        ma.open(tmp_path / "nothing")


def test_the_embedded_study_is_the_default(
    study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """open() without a path opens data/fashion-mnist, and says where it looked if it is missing."""
    monkeypatch.setattr(bundled_studies, "_PACKAGE", tmp_path / "memanalysis")
    with pytest.raises(StoreError, match="embedded study is not installed"):
        ma.open()
    installed = tmp_path / "memanalysis" / "data"
    installed.mkdir(parents=True)
    (installed / "fashion-mnist").symlink_to(study.path)
    assert ma.open().path == installed / "fashion-mnist"
    # A checkout comes before what an editable install left behind.
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fashion-mnist").symlink_to(study.path)
    assert ma.open().path == tmp_path / "data" / "fashion-mnist"


def test_shipped_studies_are_found_by_name() -> None:
    """The study files of the checkout are listed and found."""
    assert {"digits", "fashion-mnist"} <= set(bundled_studies.studies())
    assert bundled_studies.find("digits", "study.toml") is not None
    assert bundled_studies.find("nothing", "study.toml") is None


def test_public_names_are_lazy() -> None:
    """`import memanalysis` is light; each public name imports what it needs when first used."""
    program = (
        "import sys, memanalysis as ma\n"
        "heavy = {'duckdb', 'polars', 'numpy', 'altair', 'torch'}\n"
        "assert not heavy & sys.modules.keys()\n"
        "assert {'open', 'report', 'charts'} <= set(dir(ma))\n"
        "ma.open\n"
        "assert 'duckdb' in sys.modules\n"
        "assert not {'altair', 'torch'} & sys.modules.keys()\n"
        "ma.open().sql('from accuracy')\n"
        "assert not {'pydantic', 'safetensors', 'pyarrow.parquet'} & sys.modules.keys()\n"
        "import memanalysis.experiments.simulate, memanalysis.building.build\n"
        "import inspect\n"
        "assert all(map(inspect.isfunction, (ma.build, ma.simulate, ma.report, ma.compare)))\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typing mistake fails as it does for any module."""
    with pytest.raises(AttributeError, match="module 'memanalysis' has no attribute 'opne'"):
        ma.opne  # noqa: B018


def test_a_study_completes_to_its_relations(study: Study) -> None:
    """Relations are attributes, macros take parameters, nothing private is listed."""
    names = dir(study)
    assert {"sql", "table", "memorization", "influence_of"} <= set(names)
    assert not [name for name in names if name.startswith("_")]
    assert study.accuracy.equals(study.table("accuracy"))
    asked = study.influence_of(example=3)
    assert asked.equals(study.sql("from influence_of(example := 3)"))
    assert study.memorization_by(signal="loss").height == study.memorization.height
    with pytest.raises(AttributeError, match=r"no 'acuracy'. Did you mean 'accuracy'\?"):
        study.acuracy  # noqa: B018 - the access is what is tested


def test_public_modules_complete_to_public_names() -> None:
    """dir() of the package and of its façades is what each makes public."""
    for module in (ma, ma.store, ma.charts):
        assert sorted(dir(module)) == sorted(module.__all__)


def test_tables_lists_every_relation(study: Study) -> None:
    """One row per relation, with the rows of those that are stored."""
    frame = study.tables()
    rows = dict(frame.select("relation", "rows").iter_rows())
    assert rows["outcomes"] == study.outcomes.height
    assert rows["memorization"] is None


def test_the_examples_come_without_images_unless_asked(study: Study) -> None:
    """A frame to look at holds no bytes."""
    assert "image" not in study.frame("examples").columns
    assert "image" in study.frame("examples", images=True).columns


def test_a_wrong_query_has_no_cause_of_many_lines(study: Study) -> None:
    """DuckDB's own text does not follow the one line that is made of it."""
    with pytest.raises(QueryError) as caught:
        study.sql("from acuracy")
    assert caught.value.__suppress_context__


def test_a_notebook_shows_what_a_study_is(tmp_path: Path) -> None:
    """Title, accuracies, verdicts and relations, with nothing of a store taken for markup."""
    store = handmade.write(tmp_path / "store", handmade.random_conditions(("a", "b")))
    store.manifest.title = "<script>alert(1)</script>"
    store.write_manifest()
    html = ma.open(store.path)._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert '<td style="text-align: left">a</td>' in html
    assert "one_hot" not in html.partition("<details>")[0]
    assert "influence_of" in html


def test_a_notebook_shows_what_is_wrong_with_a_store(tmp_path: Path) -> None:
    """A store that cannot be queried is shown with the reason."""
    store = handmade.write(tmp_path / "store", handmade.random_conditions(("a", "b")))
    store.table_path("outcomes").unlink()
    opened = ma.open(store.path)
    assert "outcomes.parquet is missing" in opened._repr_html_()


def test_examples_in_docstrings_are_true() -> None:
    """What they print is what the embedded study says."""
    result = doctest.testmod(studies)
    assert result.attempted >= 8
    assert result.failed == 0


def test_a_notebook_shows_an_error_in_a_line(capsys) -> None:
    """IPython prints what the error gives in place of forty lines of traceback."""
    shell = InteractiveShell()
    shell.run_cell("import memanalysis as ma; ma.open().table('acuracy')")
    wanted = "QueryError: There is no relation 'acuracy'. Did you mean 'accuracy'?\n"
    assert capsys.readouterr().out == wanted
