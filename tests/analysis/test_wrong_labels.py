"""The probability of a wrong label, from held-out votes: calibrated on labels that are known."""

from __future__ import annotations

import mislabelled
import numpy as np
import pytest

from memanalysis.analysis import wrong_labels
from memanalysis.analysis.wrong_labels import Posterior, Votes

SEEDS = range(3)


def fit(made: mislabelled.Crowd, n_out: int, seed: int) -> tuple[Posterior, np.ndarray]:
    """The posterior of drawn votes, and the votes [n, classes]."""
    counts = made.votes(n_out, seed)
    return wrong_labels.from_votes(sparse(counts, made.given)), counts


def sparse(counts, given) -> Votes:
    """Votes of counts [n, classes]."""
    image, voted = np.nonzero(counts)
    return Votes(image, voted, counts[image, voted], given, counts.shape[1])


def listed(posterior: Posterior, counts, given) -> np.ndarray:
    """Images by probability, then by the fewest votes for their label."""
    own = counts[np.arange(len(given)), given]
    return np.lexsort((np.arange(len(given)), own, -posterior.wrong))


def confident_learning(probabilities, given) -> np.ndarray:
    """Images as confident learning ranks them (Northcutt et al. 2021): issues first, by margin.

    An image is an issue if another class than its label is the most probable among those that reach
    their class's threshold, the mean probability of images labelled so.
    """
    n, classes = probabilities.shape
    limits = [probabilities[given == c, c].mean() for c in range(classes)]
    reached = probabilities >= limits
    confident = np.where(reached, probabilities, -1).argmax(axis=1)
    issue = reached.any(axis=1) & (confident != given)
    own = probabilities[np.arange(n), given]
    others = np.where(np.arange(classes) == given[:, None], -1, probabilities).max(axis=1)
    return np.lexsort((own - others, ~issue))


@pytest.mark.parametrize("n_out", [12, 30])
@pytest.mark.parametrize(
    ("kind", "share"),
    [
        ("symmetric", 0.05),
        ("symmetric", 0.1),
        ("confused", 0.05),
        ("confused", 0.1),
        ("other", 0.08),
    ],
)
def test_the_expected_share_of_false_ones_is_the_realised_one(kind, share, n_out):
    """Within .05 at half, once and twice as many as are wrong, on average over three draws."""
    gaps = []
    for seed in SEEDS:
        made = mislabelled.crowd(kind, share, seed=seed)
        posterior, counts = fit(made, n_out, seed)
        order = listed(posterior, counts, made.given)
        n_wrong = int(made.wrong.sum())
        gaps.append(
            [
                (1 - posterior.wrong[order[:top]]).mean() - (~made.wrong[order[:top]]).mean()
                for top in (n_wrong // 2, n_wrong, 2 * n_wrong)
            ]
        )
    assert np.abs(np.mean(gaps, axis=0)).max() < 0.05


@pytest.mark.parametrize("kind", mislabelled.KINDS)
def test_the_list_is_as_precise_as_that_of_confident_learning(kind):
    """Among the first that are as many as wrong labels, on the same held-out predictions."""
    ours, theirs = [], []
    for seed in SEEDS:
        made = mislabelled.crowd(kind, 0.08, seed=seed)
        posterior, counts = fit(made, 12, seed)
        top = int(made.wrong.sum())
        by_us = listed(posterior, counts, made.given)[:top]
        by_them = confident_learning(counts / counts.sum(axis=1, keepdims=True), made.given)[:top]
        ours.append(made.wrong[by_us].mean())
        theirs.append(made.wrong[by_them].mean())
    assert np.mean(ours) >= np.mean(theirs) - 0.01


def test_right_labels_are_not_suspected_for_being_hard():
    """Where no label is wrong, less than a thousandth is expected to be, although models err."""
    made = mislabelled.crowd("symmetric", 0.0)
    posterior, counts = fit(made, 12, 0)
    assert (counts.argmax(axis=1) != made.given).mean() > 0.1
    assert posterior.share < 1e-3


@pytest.mark.parametrize("n", [2000, 8000])
@pytest.mark.parametrize("n_out", [12, 30])
def test_errors_that_all_models_share_are_told_as_doubt(n_out, n):
    """Where all models take some right labels for one other class, the range has the true number.

    However many images there are: what models share gains likelihood with each of them.
    """
    made = mislabelled.crowd("symmetric", 0.03, n=n, seed=1)
    shared = np.flatnonzero(np.random.default_rng(5).random(n) < 0.06)
    made.chances[shared] = 0.02
    made.chances[shared, (made.true[shared] + 1) % mislabelled.CLASSES] = 0.82
    posterior, _ = fit(made, n_out, 0)
    assert 0.8 * posterior.wrong_low.sum() <= made.wrong.sum() <= posterior.wrong_high.sum()
    assert posterior.wrong_low.sum() < 0.9 * posterior.wrong_high.sum()


def test_the_preferred_class_is_the_true_one():
    """Of wrong labels, the class that most models prefer is nearly always their own."""
    made = mislabelled.crowd("symmetric", 0.1)
    posterior, counts = fit(made, 12, 0)
    assert (posterior.preferred == made.true)[made.wrong].mean() > 0.85
    others = counts.copy()
    others[np.arange(len(counts)), made.given] = 0
    there = posterior.preferred >= 0
    np.testing.assert_array_equal(posterior.votes, others.max(axis=1))
    np.testing.assert_array_equal(there, others.any(axis=1))


def test_names_of_classes_do_not_matter():
    """Classes in another order give the same probabilities."""
    made = mislabelled.crowd("confused", 0.05, n=800)
    counts = made.votes(12, 0)
    turned = np.roll(np.arange(mislabelled.CLASSES), 3)
    first = wrong_labels.from_votes(sparse(counts, made.given))
    second = wrong_labels.from_votes(sparse(counts[:, np.argsort(turned)], turned[made.given]))
    np.testing.assert_allclose(first.wrong, second.wrong, atol=1e-6)


def test_two_classes_and_missing_ones_are_enough():
    """Probabilities are finite with two classes, one image, or a class without images."""
    counts = np.array([[9, 0], [8, 1], [0, 9], [9, 0]])
    for given in ([0, 0, 1, 1], [0, 0, 0, 0]):
        posterior = wrong_labels.from_votes(sparse(counts, np.array(given)))
        assert np.isfinite(posterior.wrong).all()
        assert posterior.wrong.argmax() == (3 if given[2] == 1 else 2)
    alone = wrong_labels.from_votes(sparse(counts[:1], np.array([0])))
    assert alone.preferred.tolist() == [-1]


@pytest.mark.parametrize("n_out", [12, 30])
def test_hits_alone_give_a_share_that_holds(n_out):
    """Without predicted classes the expected share of false ones is within .1 of the realised."""
    gaps = []
    for seed in SEEDS:
        made = mislabelled.crowd("symmetric", 0.08, seed=seed)
        counts = made.votes(n_out, seed)
        hits = counts[np.arange(len(counts)), made.given]
        posterior = wrong_labels.from_hits(hits, counts.sum(axis=1), mislabelled.CLASSES)
        assert (posterior.preferred == -1).all()
        assert not posterior.wrong_low.any()
        assert (posterior.wrong <= posterior.wrong_high).all()
        order = listed(posterior, counts, made.given)[: int(made.wrong.sum())]
        gaps.append((1 - posterior.wrong[order]).mean() - (~made.wrong[order]).mean())
    assert abs(np.mean(gaps)) < 0.1
