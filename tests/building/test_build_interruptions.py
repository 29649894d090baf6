"""A build that is killed, refused or fails leaves all of its tables or none."""

import signal
import subprocess
import sys

import pytest
from drawn_models import (
    bytes_of_tables,
    refused,
)

import memanalysis.building.build as build_module
from memanalysis.building.build import build
from memanalysis.errors import StoreError
from memanalysis.storage.store import Store

pytestmark = pytest.mark.usefixtures("without_derive")


def test_a_store_in_use_is_not_built(tiny_store: Store) -> None:
    """While another writer holds the store, build fails at once; one that holds it may build."""
    with tiny_store.lock():
        with pytest.raises(StoreError, match="Another process is writing to"):
            build(tiny_store.path)
        build(tiny_store.path, locked=True)


KILLED = """
import os, signal, sys
import memanalysis.building.build as module

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

module._derive = lambda staged: None
{patch}
module.build(sys.argv[1])
"""


def killed_build(store: Store, patch: str) -> None:
    """Build in a process that kills itself where ``patch`` says."""
    program = KILLED.format(patch=patch)
    done = subprocess.run([sys.executable, "-c", program, str(store.path)], check=False)
    assert done.returncode == -signal.SIGKILL


def lose_a_model(store: Store) -> None:
    """Change what the next build writes."""
    store.model_path("one_hot", "small", 3).unlink()


def test_killed_before_the_end_nothing_has_changed(tiny_store: Store) -> None:
    """A build killed after writing its tables leaves the old ones, readable and consistent."""
    before = bytes_of_tables(tiny_store)
    lose_a_model(tiny_store)
    killed_build(tiny_store, "module._note_origin = die")
    assert bytes_of_tables(tiny_store) == before
    Store.open(tiny_store.path)
    rebuilt = build(tiny_store.path)
    assert len(rebuilt.read_table("models")) == 3
    assert not (tiny_store.path / ".build").exists()


def test_killed_while_moving_files_is_noticed_and_finished(tiny_store: Store) -> None:
    """Half the files in place: opening says so, and the next build ends what was begun."""
    lose_a_model(tiny_store)
    patch = """
moves = []
def replace(source, target, real=os.replace):
    if 'outcomes.parquet' in str(target) and '.commit' in str(source):
        die()
    real(source, target)
os.replace = replace
"""
    killed_build(tiny_store, patch)
    with pytest.raises(StoreError, match=r"was interrupted. Run: memanalysis build"):
        Store.open(tiny_store.path)
    rebuilt = build(tiny_store.path)
    assert len(rebuilt.read_table("models")) == 3
    assert set(rebuilt.read_table("outcomes")["n_models"].to_pylist()) == {3}
    assert not (tiny_store.path / ".commit").exists()


def test_a_failed_derivation_leaves_the_old_tables(
    tiny_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the last step is an error of the whole build."""
    lose_a_model(tiny_store)

    def fail(_staged: Store) -> None:
        raise StoreError("no")

    monkeypatch.setattr(build_module, "_derive", fail)
    assert refused(tiny_store) == "no"


def test_progress_counts_the_model_files(tiny_store: Store) -> None:
    """The callback hears of every file, and of how many there are."""
    heard: list[tuple[str, int, int]] = []
    build(tiny_store.path, progress=lambda *what: heard.append(what))
    assert heard == [("reading models", done, 4) for done in (1, 2, 3, 4)]


def test_a_stale_derived_table_of_a_packed_store_is_computed_again(tiny_store: Store) -> None:
    """A packed store needs no model files to have its derived tables back."""
    before = bytes_of_tables(build(tiny_store.path, pack=True))
    tiny_store.table_path("findings").unlink()
    build(tiny_store.path)
    assert bytes_of_tables(tiny_store) == before
