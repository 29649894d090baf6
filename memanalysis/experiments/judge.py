"""An independent judge of the training examples: easy, ambiguous, mislabelled or hard.

The judge is an ensemble of another family, trained on the images of the data set that the study
left out. It never sees a training example or a score of the study, so that a table of scores by its
kinds is not circular. Where the study leaves too few out, its own held-out votes judge instead;
then kinds are not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import torch
from numpy.typing import NDArray

from memanalysis import settings
from memanalysis.errors import DataError, SettingsError, StoreError
from memanalysis.producer import data, plan, training
from memanalysis.producer.families import Network
from memanalysis.producer.retraining import one_thread, study_of
from memanalysis.producer.worker import images_of
from memanalysis.relations import derive_kinds
from memanalysis.relations.labels import held_out_votes
from memanalysis.settings import Size, Training
from memanalysis.storage.schema import EXAMPLES
from memanalysis.storage.store import Store

FOLDS: Final = 5
EPOCHS: Final = 8
# Fixed before any score was looked at: of easy and mislabelled ones the judge is sure, ambiguous is
# what it gives two classes at least a quarter each.
SURE: Final = 0.9
TORN: Final = 0.25
KINDS: Final = ("easy", "suspected_mislabel", "ambiguous", "hard")

# The first of another family than the study's: a LeNet of twice the usual maps, or a ResNet.
_JUDGES: Final = (Size("lenet", None, 2, 1, "lenet"), Size("resnet", 8, 8, 1, "resnet"))
_RECIPE: Final = Training(EPOCHS, batch_size=64, learning_rate=0.05, warmup_epochs=1)
_FEWEST: Final = 1000  # images that are left to learn from
_STREAM: Final = "judge"  # keeps these trainings apart from every model of the study
_FOLDS_STREAM: Final = 0x10D6E
# Data sets whose images all have one size, small enough to be judged as they come.
_SMALL: Final = ("fashion-mnist", "mnist", "cifar10", "cifar100", "digits")
_PART: Final = 5000  # images that are evaluated at a time

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Judgement:
    """The judge's findings.

    Attributes
    ----------
    frame
        One row per training example: ``example_id``, ``label``, ``kind``, the judge's
        ``probability`` of the label, and the most probable other class as ``other_label`` with its
        ``other_probability``. Probabilities are means over the folds' models, or shares of votes.
    accuracy
        Of each fold's model on the fold that it did not learn from, mean over folds; or of votes.
    accuracy_test
        Of all folds' models together on the test split; None where votes judge or there is none.
    votes_of
        The size whose held-out votes judge; None where models were trained to.
    """

    frame: pl.DataFrame
    accuracy: float
    accuracy_test: float | None
    votes_of: str | None = None


def judge(
    store: Store,
    *,
    folds: int = FOLDS,
    epochs: int = EPOCHS,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Judgement:
    """Judge a study's training examples and note their kinds in the table ``examples``.

    The images that the study left out are cut into ``folds``; for each fold one model learns from
    all the others. An example is ``easy`` where its label has a mean probability of at least .9, a
    ``suspected_mislabel`` where another class has, ``ambiguous`` where two classes have at least
    .25 each, and ``hard`` otherwise. Judging again replaces the kinds.

    If fewer than 1,000 images are left out, shares of the study's own held-out votes take the place
    of probabilities. They are what scores are made of, so these kinds are returned and not noted: a
    table of scores by them would be circular.

    Raises
    ------
    StoreError
        If the store's study cannot be had again, or its kinds were planted.
    DataError
        If the study leaves too few images out and has no votes.
    SettingsError
        If a number is out of its range.
    """
    if folds < 2 or epochs < 2:
        raise SettingsError(f"folds = {folds}, epochs = {epochs}: expected at least 2 of each.")
    study = study_of(store)
    if study.data.noise is not None:
        raise StoreError(
            f"'{store.path}' has kinds already: its study planted them. A judge is for examples "
            "whose kinds are unknown."
        )
    everything, own = _whole(study)
    n_left = len(everything.train_labels) - len(own)
    if n_left < _FEWEST:
        return _by_votes(store, f"{n_left} of {len(everything.train_labels)}")
    bench = _Bench(study, everything, own, replace(_RECIPE, epochs=epochs), device)
    with one_thread():
        found = bench.judgement(folds, progress)
    _note(store, found, bench, folds)
    return found


def kinds_of(probabilities: Floats, labels: Index) -> NDArray[np.str_]:
    """The kind of each example from probabilities float64 [n, classes] and labels int64 [n]."""
    own = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    others = _of_others(probabilities, labels).max(axis=1)
    torn = (probabilities >= TORN).sum(axis=1) >= 2
    return np.select([own >= SURE, others >= SURE, torn], KINDS[:3], KINDS[3])


def _of_others(probabilities: Floats, labels: Index) -> Floats:
    others = probabilities.copy()
    np.put_along_axis(others, labels[:, None], -np.inf, axis=1)
    return others


def _whole(study: settings.Study) -> tuple[data.Dataset, Index]:
    """The whole data set, small images at their own size, and where the study's examples lie."""
    size = None if study.data.source in _SMALL else study.data.image_size
    chosen = data.load(study.data, study.seed)
    everything = data.load(replace(study.data, train_examples=None, image_size=size), study.seed)
    n_whole, n_chosen = len(everything.train_labels), len(chosen.train_labels)
    place = {name: i for i, name in enumerate(everything.source_ids[:n_whole])}
    return everything, np.array([place[name] for name in chosen.source_ids[:n_chosen]])


def _by_votes(store: Store, n_left: str) -> Judgement:
    """Judge by the held-out votes of the largest size that has them."""
    votes = held_out_votes(store)
    if votes is None:
        raise DataError(
            f"The study leaves {n_left} training images out; a judge needs at least {_FEWEST} to "
            "learn from, or held-out votes of the study itself, which were not recorded. Produce "
            "the study again, or with a lower data.train_examples."
        )
    probabilities = votes.shares
    frame = _frame(probabilities, votes.labels).with_columns(example_id=pl.Series(votes.example_id))
    right = float(np.mean(probabilities.argmax(axis=1) == votes.labels))
    return Judgement(frame, right, None, votes.size)


class _Bench:
    """The judge of one study: which images it learns from, and what it is asked about."""

    def __init__(
        self,
        study: settings.Study,
        everything: data.Dataset,
        own: Index,
        recipe: Training,
        device: str,
    ) -> None:
        self.study, self.everything, self.own, self.recipe = study, everything, own, recipe
        self.size = next(judge for judge in _JUDGES if judge.family != study.family)
        self.images, self.test = images_of(everything, device, study.data.augmentation)
        self.left_out = np.setdiff1d(np.arange(len(everything.train_labels)), own)

    def judgement(self, folds: int, progress: Progress | None) -> Judgement:
        """One model per fold, and what they think together."""
        generator = np.random.default_rng([self.study.seed, _FOLDS_STREAM])
        fold = generator.permutation(len(self.left_out)) % folds
        asked, tested, accuracies = [], [], []
        for number in range(folds):
            network = self._trained(number, self.left_out[fold != number])
            unseen = self.left_out[fold == number]
            right = _probabilities(network, self.images, unseen).argmax(axis=1)
            accuracies.append(np.mean(right == self.everything.train_labels[unseen]))
            asked.append(_probabilities(network, self.images, self.own))
            tested.append(_probabilities(network, self.test, np.arange(len(self.test.labels))))
            if progress is not None:
                progress("judging", number + 1, folds)
        together = np.mean(tested, axis=0).argmax(axis=1)
        right = together == self.everything.test_labels
        return Judgement(
            _frame(np.mean(asked, axis=0), self.everything.train_labels[self.own]),
            float(np.mean(accuracies)),
            float(np.mean(right)) if len(right) else None,
        )

    def _trained(self, number: int, learned: Index) -> Network:
        in_train = np.zeros(len(self.everything.train_labels), dtype=np.bool_)
        in_train[learned] = True
        seed, order = plan.seeds(self.study.seed, number, self.size.name, _STREAM)
        member = training.Member(f"judge {number} ({self.size.name})", seed, order, in_train)
        lesson = training.Lesson(self.recipe, settings.Observe(dynamics="none"))
        classes = len(self.everything.class_names)
        return training.train(self.images, [member], self.size, lesson, classes).network


def _probabilities(network: Network, images: training.Images, index: Index) -> Floats:
    """Probabilities of one model's classes for some of the images, float64 [some, classes]."""
    asked = torch.from_numpy(index).to(images.labels.device)
    parts = [
        training.evaluate(network, training.Images(images.pixels[part], images.labels[part]))
        for part in torch.split(asked, _PART)
    ]
    found: Floats = torch.cat(parts, dim=1)[0].double().softmax(-1).cpu().numpy()
    return found


def _frame(probabilities: Floats, labels: Index) -> pl.DataFrame:
    others = _of_others(probabilities, labels)
    return pl.DataFrame(
        {
            "example_id": np.arange(len(labels)),
            "label": labels,
            "kind": kinds_of(probabilities, labels).tolist(),
            "probability": np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0],
            "other_label": others.argmax(axis=1),
            "other_probability": others.max(axis=1),
        }
    )


def _note(store: Store, found: Judgement, bench: _Bench, folds: int) -> None:
    with store.lock():
        table = store.read_table("examples")
        kinds = [*found.frame["kind"], *[None] * (len(table) - len(found.frame))]
        place = EXAMPLES.get_field_index("kind")
        store.write_table(
            "examples", table.set_column(place, EXAMPLES.field("kind"), pa.array(kinds))
        )
        counts = dict(found.frame.group_by("kind").len().iter_rows())
        store.manifest.dataset["judged"] = {
            "counts": {kind: counts.get(kind, 0) for kind in KINDS},
            "size": asdict(bench.size),
            "training": asdict(bench.recipe),
            "folds": folds,
            "n_images": len(bench.left_out),
            "accuracy": found.accuracy,
            "accuracy_test": found.accuracy_test,
            "sure": SURE,
            "torn": TORN,
        }
        store.write_manifest()
        if store.table_path("kind_effects").is_file():  # a built store
            derive_kinds(store)
