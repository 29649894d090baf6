"""Stores of strangers: nothing leads out of them, and nothing foreign is moved into place."""

import fcntl
import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

import memanalysis as ma
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.errors import StoreError
from memanalysis.exporting import write_npz
from memanalysis.storage import atomic, locking
from memanalysis.storage.confinement import outward_links
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store
from memanalysis.studies import Study

pytestmark = pytest.mark.usefixtures("without_derive")

LINKS = ("models", "models/one_hot", "models/one_hot/small", "derived", "groups", "repeats",
         "teachers", "examples.parquet", "derived/findings.parquet", ".build", ".commit",
         ".lock", "notes.txt")  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def linked(store: Store, name: str, elsewhere: Path) -> dict[str, bytes]:
    """Put what is called ``name`` elsewhere, a link in its place; return what lies there."""
    path, target = store.path / name, elsewhere / "target"
    elsewhere.mkdir()
    if path.exists():
        shutil.move(path, target)
    elif name in (".lock", "notes.txt"):
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    path.symlink_to(target)
    return contents(elsewhere)


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("pack", [False, True])
def test_nothing_is_written_through_a_link(
    tiny_store: Store, tmp_path: Path, name: str, pack: bool
) -> None:
    """Check names the link, build and pack refuse it, and what it leads to stays as it was."""
    before = linked(tiny_store, name, tmp_path / "elsewhere")
    assert outward_links(tiny_store.path) == [name]
    assert name in [fault.where for fault in check(tiny_store.path)]
    with pytest.raises(StoreError, match="holds links"):
        build(tiny_store.path, pack=pack)
    assert contents(tmp_path / "elsewhere") == before


def test_every_writer_refuses_links(tiny_store: Store, tmp_path: Path) -> None:
    """The lock that each writer takes is not to be had: import, judge and produce take it, too."""
    before = linked(tiny_store, "models", tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="holds links: models"), tiny_store.lock():
        pass
    with pytest.raises(StoreError, match="holds links: models"):
        ma.store.write(tiny_store.path, masks=[[1, 0, 1, 0]], correct=[[1, 1, 1, 1]], sizes="other")
    assert contents(tmp_path / "elsewhere") == before


def test_a_pipe_in_a_store_is_a_fault(tiny_store: Store) -> None:
    """What is neither file nor folder would make its reader wait for ever."""
    os.mkfifo(tiny_store.path / "notes.parquet")
    assert "notes.parquet" in [fault.where for fault in check(tiny_store.path)]


def test_a_store_may_lie_behind_a_link(tiny_store: Store, tmp_path: Path) -> None:
    """The path of a store is its user's: only links inside are refused."""
    (tmp_path / "link").symlink_to(tiny_store.path)
    assert build(tmp_path / "link").path == tmp_path / "link"


# What waits to be moved into place


def interrupted(store: Store) -> Path:
    """The folder that a build which was killed while moving leaves."""
    commit = store.path / ".commit"
    commit.mkdir()
    shutil.copy(store.path / "models.parquet", commit)
    shutil.copy(store.path / "manifest.json", commit)
    return commit


def test_the_end_of_an_interrupted_build_is_moved(tiny_store: Store) -> None:
    """What a build left is what its manifest says, and goes into place."""
    interrupted(tiny_store)
    build(tiny_store.path)
    assert not (tiny_store.path / ".commit").exists()
    assert not check(tiny_store.path)


@pytest.mark.parametrize("name", ["evil.py", "study.toml", "models/one_hot/small/evil.py",
                                  "models/one_hot/../../evil.py", "groups/one_hot/evil.so",
                                  "models/evil/small/00001.safetensors"])  # fmt: skip
def test_nothing_else_is_moved_into_place(tiny_store: Store, name: str) -> None:
    """A file that no build writes is named, and the store stays as it was."""
    path = interrupted(tiny_store) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.resolve().write_text("print('ran')")
    before = contents(tiny_store.path)
    with pytest.raises(StoreError, match=r"which no build writes\. Nothing was moved"):
        build(tiny_store.path)
    before.pop(".lock", None)
    after = contents(tiny_store.path)
    after.pop(".lock", None)
    assert after == before


def test_tables_of_another_origin_are_not_moved_into_place(tiny_store: Store) -> None:
    """A table other than the manifest beside it says, that of another study, none: refused."""
    commit = interrupted(tiny_store)
    table = commit / "models.parquet"
    table.write_bytes(table.read_bytes() + b"x")
    with pytest.raises(StoreError, match=r"models\.parquet, which its manifest does not describe"):
        build(tiny_store.path)
    manifest = json.loads((commit / "manifest.json").read_text())
    (commit / "manifest.json").write_text(json.dumps(manifest | {"study": "another"}))
    with pytest.raises(StoreError, match="of the study 'another'"):
        build(tiny_store.path)
    (commit / "manifest.json").unlink()
    with pytest.raises(StoreError, match=r"no manifest\.json"):
        build(tiny_store.path)


# Names that become paths


@pytest.mark.parametrize("name", ["../../../PWNED", "/tmp/PWNED", "a/b", "..", ".hidden"])
def test_a_size_that_is_a_path_is_refused(tiny_store: Store, name: str) -> None:
    """Nothing opens such a store, so no export writes outside of its --out."""
    file = tiny_store.path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sizes": [name]}))
    with pytest.raises(StoreError, match=r"sizes\.0: .*no path"):
        ma.open(tiny_store.path)


def test_names_in_tables_are_no_paths_either(tiny_store: Store, tmp_path: Path) -> None:
    """A size of the tables alone, with checksums that fit, writes nothing outside of --out."""
    table = tiny_store.read_table("outcomes")
    place = table.schema.get_field_index("size")
    evil = table.set_column(place, table.schema.field(place), [["../../PWNED"] * len(table)])
    tiny_store.write_table("outcomes", evil)
    for name in ("influence", *DERIVED):  # stamped anew
        tiny_store.write_table(name, tiny_store.read_table(name))
    tiny_store.write_manifest()
    with pytest.raises(StoreError, match="be part of a file's name"):
        write_npz(Study(Store.open(tiny_store.path)), tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("*PWNED*"))


# Readers and builds


def test_a_kept_reader_does_not_mix_builds(tiny_store: Store) -> None:
    """After a build with other outcomes an open study says so instead of answering."""
    study = ma.open(tiny_store.path)
    assert study.sql("from accuracy").height == 1
    models = tiny_store.read_table("models")
    names = models.column_names
    place = names.index("device")
    changed = models.set_column(place, models.schema.field(place), [["other"] * len(models)])
    writer = Store.open(tiny_store.path)
    writer.write_table("models", changed)
    writer.write_manifest()
    with pytest.raises(StoreError, match="was built anew since it was opened"):
        study.sql("from models")
    assert ma.open(tiny_store.path).sql("select distinct device from models").item() == "other"


def test_a_build_that_changes_nothing_disturbs_nobody(tiny_store: Store) -> None:
    """The same tables at the same places may be another file."""
    study = ma.open(tiny_store.path)
    before = study.sql("from outcomes")
    content = tiny_store.table_path("outcomes").read_bytes()
    atomic.write_bytes(tiny_store.table_path("outcomes"), content)
    assert study.sql("from outcomes").equals(before)


def test_a_build_under_way_is_said_as_such(
    tiny_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the lock is held a store between two builds is not called interrupted."""
    monkeypatch.setattr("memanalysis.storage.store._PATIENCE_SECONDS", 0.1)
    with (tiny_store.path / ".lock").open("a") as file:  # as another process holds it
        fcntl.flock(file, fcntl.LOCK_EX)
        assert locking.is_held(tiny_store.path)
        assert Store.open(tiny_store.path)  # the tables of the last build serve
        (tiny_store.path / ".commit").mkdir()
        with pytest.raises(StoreError, match="is under way"):
            Store.open(tiny_store.path)
    assert not locking.is_held(tiny_store.path)
    with pytest.raises(StoreError, match="was interrupted"):
        Store.open(tiny_store.path)


def test_a_build_that_ends_meanwhile_was_not_interrupted(
    tiny_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traces of a build that a reader saw while it was held make it look again."""
    held, faults = iter([True, False]), iter(["was interrupted", ""])
    monkeypatch.setattr("memanalysis.storage.locking.is_held", lambda _: next(held))
    monkeypatch.setattr(Store, "_fault_of_build", lambda _: next(faults))
    assert Store.open(tiny_store.path).path == tiny_store.path


def test_an_error_of_a_replaced_table_is_told_as_such(tiny_store: Store) -> None:
    """What DuckDB makes of a table that is replaced below it is not the message."""
    study = ma.open(tiny_store.path)
    replaced = tiny_store.table_path("models")

    def fail(*_arguments: object) -> None:
        replaced.write_bytes(replaced.read_bytes()[:-9] + bytes(9))
        raise duckdb.InvalidInputException("TProtocolException: Invalid data")

    study._confined._bounded = fail
    with pytest.raises(StoreError, match=r"models\.parquet' is damaged"):
        study.sql("from models")
    study.close()
