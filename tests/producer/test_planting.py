"""Planted kinds: as asked for, drawn by the study's seed, and known to the store."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memanalysis import settings
from memanalysis.errors import DataError, SettingsError
from memanalysis.producer import data, run
from memanalysis.producer.data import planting
from memanalysis.settings import Data, Noise

KINDS = ("clean", "flipped", "blended", "rotated")
NAMES = tuple(f"class {i}" for i in range(10))
STUDY = """
name = "tampered"
seed = 5
[data]
source = "digits"
train_examples = 400
test_kept = 30
{noise}
[subsets]
groups = 1
[sizes]
depth = 8
width = 2
[training]
epochs = 1
"""


@pytest.fixture(scope="module")
def digits():
    """Four hundred digits as they are, and with a tenth of each kind."""
    plain = Data("digits", train_examples=400, test_kept=30)
    noise = Noise(flip=0.1, blend=0.1, rotate=0.1)
    tampered = Data("digits", train_examples=400, test_kept=30, noise=noise)
    return data.load(plain, 5), data.load(tampered, 5)


def test_kinds_have_their_shares_and_exclude_each_other(digits):
    """Forty of each of three kinds among four hundred; one kind for each example."""
    assert digits[1].planted.counts() == {
        "blended": 40, "clean": 280, "flipped": 40, "rotated": 40
    }  # fmt: skip


def test_each_kind_is_what_it_says(digits):
    """Pixels and labels against the same examples without noise, one by one."""
    plain, tampered = digits
    planted = tampered.planted
    np.testing.assert_array_equal(planted.clean_labels, plain.train_labels)
    np.testing.assert_array_equal(tampered.test_images, plain.test_images)
    for i, kind in enumerate(planted.kinds):
        image, before = tampered.train_images[i, ..., 0], plain.train_images[i, ..., 0]
        label, own = tampered.train_labels[i], plain.train_labels[i]
        partner = planted.partners[i]
        assert (partner >= 0) == (kind == "blended")
        if kind == "blended":
            other = plain.train_images[partner, ..., 0]
            np.testing.assert_allclose(image, (before.astype(float) + other) / 2, atol=0.5)
            assert plain.train_labels[partner] != own
            assert label in (own, plain.train_labels[partner])
            assert planted.kinds[partner] == "blended"
            ids = plain.source_ids[i], plain.source_ids[partner]
            assert tampered.source_ids[i] == " + ".join(ids)
            continue
        expected = before[:, ::-1].T if kind == "rotated" else before
        np.testing.assert_array_equal(image, expected)
        assert (label != own) == (kind == "flipped")
        assert tampered.source_ids[i] == plain.source_ids[i]


def test_thumbnails_show_what_the_models_saw(digits):
    """The PNG of every example holds the very pixels of training or, for kept ones, of the test."""
    tampered = digits[1]
    kept = tampered.test_images[: tampered.test_kept]
    images = [*tampered.train_images, *kept]
    for png, pixels in zip(tampered.thumbnails(), images, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), pixels[..., 0])


def test_the_seed_decides_who_is_planted(digits):
    """The same seed plants the same, another seed something else; both orders say so."""
    labels = digits[0].train_labels
    noise = Noise(flip=0.1, blend=0.1, rotate=0.1)
    first, again, other = (planting.plant(noise, labels, NAMES, seed) for seed in (5, 5, 6))
    for name in ("kinds", "labels", "partners"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    np.testing.assert_array_equal(first.kinds, digits[1].planted.kinds)
    assert (first.kinds != other.kinds).any()


def test_wrong_labels_and_blends_are_spread_evenly():
    """Over 9,000 flips each of the nine other classes gets its ninth; blends take either label.

    Bounds are five standard errors of a binomial count: 1,000 +- 5 * 29.8 and .5 +- 5 * .0056.
    """
    labels = np.repeat(np.arange(10), 2000)
    planted = planting.plant(Noise(flip=0.45, blend=0.4), labels, NAMES, 1)
    flipped = planted.of_kind("flipped")
    steps = Counter(((planted.labels[flipped] - labels[flipped]) % 10).tolist())
    assert set(steps) == set(range(1, 10))
    assert all(abs(count - 1000) < 150 for count in steps.values())
    blended = planted.of_kind("blended")
    own = planted.labels[blended] == labels[blended]
    assert abs(own.mean() - 0.5) < 0.028


def test_pairs_map_classes_to_classes():
    """Only mapped classes are flipped, each to its own target; the share is of all examples."""
    labels = np.repeat(np.arange(10), 40)
    pairs = (("class 3", "class 5"), ("class 5", "class 3"), ("class 9", "class 1"))
    planted = planting.plant(Noise(flip=0.1, pairs=pairs), labels, NAMES, 1)
    flipped = planted.of_kind("flipped")
    assert len(flipped) == 40
    found = set(zip(labels[flipped].tolist(), planted.labels[flipped].tolist(), strict=True))
    assert found == {(3, 5), (5, 3), (9, 1)}
    with pytest.raises(DataError, match="asks for 160 wrong labels, but only 120"):
        planting.plant(Noise(flip=0.4, pairs=pairs), labels, NAMES, 1)
    with pytest.raises(DataError, match=r"names the class 'klass 3'.*Did you mean 'class 3'"):
        planting.plant(Noise(flip=0.1, pairs=(("klass 3", "class 5"),)), labels, NAMES, 1)


def test_random_labels_know_nothing_of_the_images():
    """A tenth of 20,000 random labels is right by chance, within five standard errors."""
    labels = np.repeat(np.arange(10), 2000)
    planted = planting.plant(Noise(random_labels=True), labels, NAMES, 1)
    assert set(planted.kinds) == {"random"}
    assert abs((planted.labels == labels).mean() - 0.1) < 5 * 0.0021
    np.testing.assert_array_equal(planted.clean_labels, labels)


def test_impossible_plantings_are_refused():
    """Images that are not square cannot be turned; one class alone cannot be blended."""
    labels = np.repeat(np.arange(2), 50)
    planted = planting.plant(Noise(rotate=0.1), labels, NAMES[:2], 1)
    with pytest.raises(DataError, match="images of 4x6 pixels"):
        planting.apply(planted, np.zeros((100, 4, 6, 1), np.uint8))
    with pytest.raises(DataError, match="all of one class"):
        planting.plant(Noise(blend=0.1), np.zeros(100, np.int64), NAMES, 1)


def test_the_store_keeps_kinds_and_clean_labels(digits):
    """The table has them for both splits, the manifest the settings and the counts."""
    text = STUDY.format(noise="[data.noise]\nflip = 0.1\nblend = 0.1\nrotate = 0.1")
    study = settings.parse(text)
    tampered = digits[1]
    table = run.examples_table(data.load(study.data, study.seed)).to_pydict()
    assert table["label"][:400] == tampered.train_labels.tolist()
    assert table["clean_label"][:400] == digits[0].train_labels.tolist()
    assert table["kind"][:400] == tampered.planted.kinds.tolist()
    assert table["kind"][400:] == ["clean"] * 30
    assert table["clean_label"][400:] == table["label"][400:]
    manifest = run._manifest(study, tampered)
    assert manifest.settings["data"]["noise"]["flip"] == 0.1
    assert manifest.dataset["planted"]["flipped"] == 40
    # The labels of the whole data set, 1,437 of them less those drawn for the test split.
    source = data.dataset.read(study.data, study.seed)
    labels = np.array(source.train.labels, dtype="<i8")
    assert manifest.dataset["label_fingerprint"] == hashlib.sha256(labels).hexdigest()
    assert manifest.dataset["first_labels"] == labels[:10].tolist()


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        ("noise = 1.5", "data.noise = 1.5: expected a share in [0, 1)"),
        ("noise = {flip = -0.1}", "data.noise.flip = -0.1: expected a share"),
        ("noise = {flip = 0.6, blend = 0.6}", "add up to 1.2, expected at most 1"),
        ("noise = {flip = 0.1, random_labels = true}", "random_labels leaves no right label"),
        ("noise = {pairs = {a = 'b'}}", "data.noise.flip is missing"),
        ("noise = {flip = 0.1, pairs = {a = 'a'}}", "expected the name of another class"),
        ("noise = {random_labels = 1}", "data.noise.random_labels = 1: expected true or false"),
        ("noise = {rotated = 0.1}", "unknown key data.noise.rotated. Did you mean 'rotate'?"),
        ("augmentation = 'cutout'", "expected one of crop-flip, crop"),
    ],
)
def test_wrong_settings_are_named(noise, words):
    """Key, value and expectation are in the message."""
    with pytest.raises(SettingsError) as caught:
        settings.parse(STUDY.format(noise=noise))
    assert words in str(caught.value)


def test_a_number_alone_means_flips():
    """``noise = 0.1`` is ``noise.flip = 0.1``; no noise is no settings."""
    assert settings.parse(STUDY.format(noise="noise = 0.1")).data.noise == Noise(flip=0.1)
    assert settings.parse(STUDY.format(noise="")).data.noise is None
    assert settings.parse(STUDY.format(noise="noise = {blend = 0}")).data.noise is None


def test_the_planted_study_has_its_three_kinds():
    """Fashion-MNIST as shipped: two hundred of each kind among four thousand."""
    root = Path(__file__).parents[2]
    study = settings.load(root / "data" / "planted" / "study.toml")
    loaded = data.load(study.data, study.seed)
    assert loaded.planted.counts() == {
        "blended": 200, "clean": 3400, "flipped": 200, "rotated": 200
    }  # fmt: skip
    plain = data.load(Data("fashion-mnist", train_examples=4000, image_size=14), study.seed)
    np.testing.assert_array_equal(loaded.planted.clean_labels, plain.train_labels)
    clean = loaded.planted.of_kind("clean")
    np.testing.assert_array_equal(loaded.train_images[clean], plain.train_images[clean])
