"""Refusals of a build: by name, and the tables stay as they were."""

from dataclasses import replace
from pathlib import Path

import pytest
from drawn_models import (
    Draw,
    create,
    records,
    refused,
    write,
)

from memanalysis.building.build import build
from memanalysis.storage.store import Store

pytestmark = pytest.mark.usefixtures("without_derive")


@pytest.mark.parametrize(
    ("draw", "what"),
    [
        (Draw(n_train=13), "training examples: found 13, expected 12"),
        (Draw(n_test=2), "test examples: found 2, expected 3"),
    ],
)
def test_models_of_other_data_are_refused(tmp_path: Path, draw: Draw, what: str) -> None:
    """A file with another number of examples is named, with what was found and expected."""
    store = build(write(create(tmp_path / "s", Draw(groups=2)), records(Draw(groups=2))).path)
    write(store, [records(replace(draw, groups=2))[3]])
    message = refused(store)
    assert "one_hot/s/00003.safetensors" in message
    assert what in message


def test_a_file_in_the_wrong_place_is_refused(tiny_store: Store) -> None:
    """The place of a file and the model in it must agree."""
    wrong = tiny_store.model_path("one_hot", "small", 3)
    tiny_store.model_path("one_hot", "small", 2).replace(wrong)
    assert "subset_id: found 2, expected 3" in refused(tiny_store)


def test_one_subset_means_one_mask(tmp_path: Path) -> None:
    """Two models of one subset that were trained on different examples are both named."""
    draw = Draw(groups=1)
    found = records(draw)
    store = build(write(create(tmp_path / "s", draw), found).path)
    write(store, [replace(found[2], in_train=~found[2].in_train)])
    message = refused(store)
    assert "one_hot/m/00000.safetensors' and " in message
    assert "one_hot/s/00000.safetensors' both have subset_id 0" in message


def test_a_truncated_file_is_named(tiny_store: Store) -> None:
    """Half a model file stops the build, which says which file to delete."""
    path = tiny_store.model_path("one_hot", "small", 1)
    path.write_bytes(path.read_bytes()[:-10])
    assert "00001.safetensors' is not a whole model file" in refused(tiny_store)


def test_unknown_sizes_and_names_are_refused(tiny_store: Store) -> None:
    """Model files that no size of the manifest accounts for are not silently left out."""
    odd = tiny_store.path / "models" / "one_hot" / "huge"
    odd.mkdir()
    assert "size 'huge'; the store knows" in refused(tiny_store)
    odd.rmdir()
    (tiny_store.path / "models/one_hot/small/best.safetensors").write_bytes(b"")
    assert "best.safetensors' is not named after a subset" in refused(tiny_store)
