"""A reader's own images beside a store that ships none: taken if they are the store's, or not."""

import io
import shutil
from hashlib import md5
from pathlib import Path

import layouts
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from memanalysis import settings
from memanalysis.checking import check
from memanalysis.cli import run as run_command
from memanalysis.errors import DataError, StoreError
from memanalysis.importing import Options, import_source
from memanalysis.producer import run
from memanalysis.producer.images import lay_images
from memanalysis.reporting import suspects
from memanalysis.storage import laid_images
from memanalysis.storage.schema import TABLES
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study

COLOUR = layouts.made(32, 3)
STUDY = """
name = "tiny"
title = "Tiny"
seed = 3
[data]
source = "{source}"
folder = "{folder}"
train_examples = 20
test_kept = 5
image_size = 16
images = false
[subsets]
ratio = 0.5
groups = 2
[sizes]
family = "resnet"
depth = 8
width = [2]
[training]
epochs = 1
batch_size = 10
"""


def made(path: Path, source: str, folder: Path) -> Store:
    """A store of a study without images, with tables of no models."""
    study = settings.parse(STUDY.format(source=source, folder=folder))
    store = run.prepare(study, path)
    for name, (_, schema) in TABLES.items():
        if not store.table_path(name).exists():
            store.write_table(name, schema.empty_table())
    store.write_manifest()
    return store


@pytest.fixture
def cifar(tmp_path: Path) -> tuple[Store, Path]:
    """A store on files like CIFAR-10's, and their folder, moved since."""
    (tmp_path / "first").mkdir()
    layouts.write_cifar(tmp_path / "first", COLOUR)
    store = made(tmp_path / "store", "cifar10", tmp_path / "first")
    return store, (tmp_path / "first").rename(tmp_path / "moved")


def pictures(store: Store) -> list[tuple[str, np.ndarray | None]]:
    """(name, pixels) of each example, as the relation shows it."""
    rows = open_study(store.path).sql("select source_id, image from examples order by example_id")
    return [
        (name, None if image is None else np.asarray(Image.open(io.BytesIO(image))))
        for name, image in rows.iter_rows()
    ]


def test_binary_files_give_their_pixels(cifar: tuple[Store, Path]) -> None:
    """The right copy is shown at its original size, and nothing else of the store changes."""
    store, folder = cifar
    before = {path: path.read_bytes() for path in store.path.glob("*.*")}
    assert {image is None for _, image in pictures(store)} == {True}
    done = lay_images(store, folder)
    assert (done.n_images, done.path) == (25, store.path / laid_images.FILE)
    assert "fingerprint" in done.checked
    for name, pixels in pictures(store):
        split, number = name.split("/")
        images = COLOUR.train_images if split == "train" else COLOUR.test_images
        np.testing.assert_array_equal(pixels, images[int(number)])
    assert {path: path.read_bytes() for path in before} == before
    # There are no model files behind the empty tables, and no fault is of the images.
    assert [str(fault) for fault in check(store.path) if "image" in str(fault)] == []


def test_class_folders_give_their_pixels(tmp_path: Path) -> None:
    """A folder with a folder for each class serves as well."""
    layouts.write_folder(tmp_path / "set", COLOUR)
    store = made(tmp_path / "store", "folder", tmp_path / "set")
    moved = (tmp_path / "set").rename(tmp_path / "mine")
    assert lay_images(store, moved).n_images == 25
    for name, pixels in pictures(store):
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(moved / name)))


def test_another_copy_is_refused(cifar: tuple[Store, Path], tmp_path: Path) -> None:
    """One changed pixel is enough, of an image that the study does not even draw: it is in test."""
    store, folder = cifar
    content = bytearray((folder / "test_batch.bin").read_bytes())
    content[-2000] ^= 128
    (folder / "test_batch.bin").write_bytes(content)
    with pytest.raises(DataError, match=r"other images or labels.*fingerprint is"):
        lay_images(store, folder)
    with pytest.raises(DataError, match="no such folder"):
        lay_images(store, tmp_path / "nowhere")
    with pytest.raises(DataError, match="the source cifar10"):
        lay_images(store, "digits")
    with pytest.raises(DataError, match="took its images from cifar10"):
        lay_images(store, folder, "folder")
    assert not (store.path / laid_images.FILE).exists()


def test_the_command_takes_a_folder_or_a_source(
    cifar: tuple[Store, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says how many images lie where, and how they were checked; a source has a usual place."""
    store, folder = cifar
    text = store.manifest.settings["text"]
    lines = [line for line in text.splitlines() if not line.startswith("folder")]
    store.manifest.settings["text"] = "\n".join(lines)
    store.write_manifest()
    monkeypatch.setenv("MEMANALYSIS_DATA", str(folder))
    assert run_command(["images", str(store.path), "--from", "cifar10"]) == 0
    assert "25 images in" in capsys.readouterr().err
    assert run_command(["images", str(store.path), "--from", str(folder)]) == 0
    said = capsys.readouterr().err
    assert "25 images in" in said
    assert "all pixels and labels by the fingerprint" in said
    monkeypatch.chdir(store.path.parent)
    assert run_command(["images", "store", "--from", "nowhere"]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_pictures_of_other_examples_are_not_shown(cifar: tuple[Store, Path]) -> None:
    """Where the examples changed since, queries stop with what to do; a link is no file."""
    store, folder = cifar
    lay_images(store, folder)
    examples = store.read_table("examples")
    labels = examples["label"].to_pylist()
    changed = examples.set_column(2, "label", [[*labels[1:], labels[0]]])
    store.write_table("examples", changed)
    store.write_manifest()
    with pytest.raises(StoreError, match=r"Lay them anew \(memanalysis images"):
        open_study(store.path).table("examples")
    assert any("other examples" in str(fault) for fault in check(store.path))
    (store.path / laid_images.FILE).rename(store.path.parent / "elsewhere")
    (store.path / laid_images.FILE).symlink_to(store.path.parent / "elsewhere")
    with pytest.raises(StoreError, match="is a link"):
        open_study(store.path).table("examples")


def test_check_compares_what_stands_beside_pictures(cifar: tuple[Store, Path]) -> None:
    """A file with the right stamp and other labels is a fault."""
    store, folder = cifar
    lay_images(store, folder)
    forged = store.read_table("examples")
    forged = forged.set_column(2, "label", [[0] * len(forged)])
    stamp = {b"memanalysis.examples_sha256": store.manifest.files["examples.parquet"]["sha256"]}
    pq.write_table(forged.replace_schema_metadata(stamp), store.path / laid_images.FILE)
    assert any("another label" in str(fault) for fault in check(store.path))


@pytest.fixture
def imported(tmp_path: Path) -> Store:
    """A store of scores of all training images, which knows labels and no pixels."""
    np.save(tmp_path / "s.npy", np.arange(30) / 30)
    np.save(tmp_path / "labels.npy", COLOUR.train_labels)
    options = Options(hard_is="low", labels=tmp_path / "labels.npy")
    done = import_source("scores", tmp_path / "s.npy", tmp_path / "imported", options)
    assert done.store is not None
    return done.store


def test_imported_stores_compare_labels(imported: Store, tmp_path: Path) -> None:
    """With equal labels in order images are laid, and it is said that nothing else was checked."""
    (tmp_path / "set").mkdir()
    layouts.write_cifar(tmp_path / "set", COLOUR)
    done = lay_images(imported, tmp_path / "set", "cifar10")
    assert (done.n_images, done.checked) == (30, "labels alone: the store knows no pixels")
    for (_, pixels), image in zip(pictures(imported), COLOUR.train_images, strict=True):
        np.testing.assert_array_equal(pixels, image)
    layouts.write_folder(tmp_path / "sorted", COLOUR)
    with pytest.raises(DataError, match=r"other labels than the store's at .* of 30"):
        lay_images(imported, tmp_path / "sorted")
    (tmp_path / "few").mkdir()
    layouts.write_cifar(tmp_path / "few", layouts.made(32, 3, n_train=24))
    with pytest.raises(DataError, match="24 training images; expected 30"):
        lay_images(imported, tmp_path / "few", "cifar10")


def test_a_report_lays_the_images_that_it_shows(cifar: tuple[Store, Path], tmp_path: Path) -> None:
    """``report --images`` is ``images`` and then the report; another copy stops it."""
    store, folder = cifar
    out = tmp_path / "report.md"
    command = ["report", str(store.path), "--sections", "methods", "--out", str(out)]
    assert run_command([*command, "--images", str(tmp_path / "nowhere")]) == 1
    assert not out.exists()
    assert run_command([*command, "--images", str(folder)]) == 0
    assert laid_images.is_laid(store)
    assert out.is_file()


def test_suspects_show_pictures(simulated_store: Store, tmp_path: Path) -> None:
    """Pages made of relations have the laid pictures in place of those of the store."""
    store = Store.open(shutil.copytree(simulated_store.path, tmp_path / "copy"))
    file = io.BytesIO()
    Image.new("RGB", (3, 3), "red").save(file, "PNG")
    n = store.manifest.n_train + store.manifest.n_test
    laid_images.lay(store, pa.array([file.getvalue()] * n))
    study = open_study(store.path)
    frame = suspects.suspects(study, 5)
    assert frame.height == 5
    assert suspects._inline(file.getvalue()) in suspects.page(study, frame)


def test_files_of_the_same_form_are_taken_with_a_note(
    cifar: tuple[Store, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store's manifest has the sums of all six files, ``plan`` says that they are others."""
    store, folder = cifar
    dataset = Store.open(store.path).manifest.dataset
    assert dataset["official"] is False
    assert dataset["md5"] == {p.name: md5(p.read_bytes()).hexdigest() for p in folder.glob("*.bin")}
    assert len(dataset["md5"]) == 6
    (tmp_path / "study.toml").write_text(STUDY.format(source="cifar10", folder=folder))
    assert run_command(["plan", str(tmp_path / "study.toml")]) == 0
    captured = capsys.readouterr()
    assert "Files of CIFAR-10: not the official ones, whose MD5 sums differ." in (
        captured.out + captured.err
    )
