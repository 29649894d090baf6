"""LeakPro's attack cache, written as its `ModelOutputCache` leaves it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from artefacts import write_leakpro

from memanalysis.errors import DataError
from memanalysis.importing import import_source
from memanalysis.importing.formats import leakpro
from memanalysis.importing.source import Options
from memanalysis.studies import open as open_study

N_MODELS, N, N_CLASSES = 11, 16, 3


def draws() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks bool [models, examples], logits [models, examples, classes] in order, labels."""
    generator = np.random.default_rng(5)
    masks = np.array([generator.permutation(N) < N // 2 for _ in range(N_MODELS)])
    logits = generator.normal(size=(N_MODELS, N, N_CLASSES)).astype(np.float32)
    return masks, logits, np.arange(N) % N_CLASSES


def save_labels(folder: Path, labels: np.ndarray) -> Path:
    """A file for --labels."""
    np.save(folder / "labels.npy", labels)
    return folder / "labels.npy"


@pytest.mark.usefixtures("without_derive")
def test_rows_are_put_back_in_order(tmp_path) -> None:
    """Hits per example equal sums over the arrays before they were shuffled; sm_10 follows sm_9."""
    masks, logits, labels = draws()
    source = write_leakpro(tmp_path / "out", masks, logits)
    options = Options(size="resnet18", labels=save_labels(tmp_path, labels))
    done = import_source("leakpro", source, tmp_path / "store", options)
    rows = open_study(tmp_path / "store").sql("from memorization order by example_id")
    right = logits.argmax(axis=2) == labels
    assert rows["n_in"].to_list() == masks.sum(0).tolist()
    assert rows["hits_in"].to_list() == (right & masks).sum(0).tolist()
    assert rows["hits_out"].to_list() == (right & ~masks).sum(0).tolist()
    assert any("target model is not imported" in line for line in done.lines)


def test_a_part_of_the_population_keeps_its_numbers(tmp_path) -> None:
    """Examples without logits are no examples; the others carry their index as source id."""
    masks, logits, labels = draws()
    population = np.array([1, 2, 3, 5, 8, 13])
    source = write_leakpro(tmp_path / "out", masks, logits, population)
    options = Options(labels=save_labels(tmp_path, labels[population]))
    contents = leakpro.read(source, options)
    assert contents.examples.source_ids == ["1", "2", "3", "5", "8", "13"]
    (models,) = contents.models
    assert np.array_equal(np.stack(list(models.masks())), masks[:, population])
    right = (logits.argmax(axis=2) == labels)[:, population]
    assert np.array_equal(np.stack([o.train.correct for o in models.outputs()]), right)


def change(path: Path, how: Callable[[np.ndarray], np.ndarray]) -> None:
    """Replace an array by ``how`` of it."""
    np.save(path, how(np.load(path)))


def fewer_examples(folder: Path) -> None:
    """One model has outcomes on fewer examples."""
    for kind in ("logits", "indices"):
        change(folder / "attack_cache" / f"sm_2_ab12_{kind}.npy", lambda a: a[:-3])


FAULTS = {
    "old cache": lambda f: (f / "attack_cache" / "sm_4_ab12_indices.npy").unlink(),
    "no masks": lambda f: (f / "masks.npy").unlink(),
    "transposed": lambda f: change(f / "masks.npy", np.transpose),
    "one model less": lambda f: change(f / "masks.npy", lambda a: a[1:]),
    "other examples": fewer_examples,
    "squeezed": lambda f: change(f / "attack_cache" / "sm_2_ab12_logits.npy", lambda a: a[:, 0]),
    "twice": lambda f: change(f / "attack_cache" / "sm_2_ab12_indices.npy", np.zeros_like),
    "two populations": lambda f: np.save(f / "attack_cache" / "sm_0_cd_logits.npy", np.ones(3)),
    "empty": lambda f: shutil.rmtree(f / "attack_cache"),
}
LABELS = {"few classes": lambda y: y + 1, "few labels": lambda y: y[:-1]}


def broken(tmp_path: Path, what: str) -> tuple[Path, Options]:
    """An output directory, or its labels, with one thing wrong."""
    masks, logits, labels = draws()
    folder = write_leakpro(tmp_path / "out", masks, logits)
    FAULTS.get(what, lambda _: None)(folder)
    if what == "no labels":
        return folder, Options()
    return folder, Options(labels=save_labels(tmp_path, LABELS.get(what, lambda y: y)(labels)))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("old cache", r"sm_4_ab12_logits.npy'.*no index file.*an old cache"),
        ("no masks", r"never read\. In leakpro's environment.*train_indices"),
        ("transposed", r"masks.npy'.*It is transposed"),
        ("one model less", r"found shape \(10, 16\); expected \(11 models"),
        ("other examples", r"sm_2_ab12_logits.npy'.*found logits of 13 examples"),
        ("squeezed", r"A single output was squeezed"),
        ("twice", r"indices more than once"),
        ("two populations", r"2 populations: ab12, cd"),
        ("no labels", r"out': found no labels.*Give --labels FILE"),
        ("few classes", r"found 3 classes; expected more than the largest label, 3"),
        ("few labels", r"found 15 labels; expected 16"),
        ("empty", r"no sm_<index>_<population>_logits.npy"),
    ],
)
def test_each_hazard_is_one_message(tmp_path, what: str, message: str) -> None:
    """File, what was found, what was expected."""
    source, options = broken(tmp_path, what)
    with pytest.raises(DataError, match=message):
        leakpro.read(source, options)
