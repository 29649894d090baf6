"""The probability that a label is wrong, from the votes of models that never saw the image.

A label is one reading of an image, the votes of held-out models are another. Given the true class y
they are taken to be independent, so that

    P(label g, votes v) = P(y) Q(g, y) F_y(v)   summed over y,

a latent class model in the sense of Dawid & Skene (1979, *Applied Statistics* 28), with the two
readings of Northcutt et al.'s confident joint (2021, JAIR 70). Of an image of class y, the share of
votes for y has the density G_y on (0, 1), and the other votes are Dirichlet-multinomial around row
y of a table of confusions:

    F_y(v) = int Binomial(v_y; n, t) G_y(t) dt  x  DirichletMultinomial(v without y; kappa C_y).

A right label that the models miss and a wrong one look alike where all models agree on another
class. Two things tell how many there are of each: hard images come in all degrees, so that G_y is a
smooth curve (a mixture of fixed Beta densities), and their wrong votes go to the classes with which
y is confused throughout. What is left over where all votes are against the label are wrong labels.

How much is left over depends on what is assumed, and votes alone cannot tell (``wrong_low``,
``wrong_high``). At the one end Q is free for each pair of classes. At the other end all pairs share
one rate, estimated where models confuse little, so that an excess between classes that are often
confused counts as hard images; and no more labels are wrong than the numbers of votes for the label
alone let expect. Where free rates fit much better, as they do when labels were mixed up class by
class, they are taken. Else the mean of both ends is. All is fitted by expectation-maximisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

# Beta(a, b) whose mixtures are the densities of the share of votes for the true class: Bernstein
# polynomials of degree 7, which are smooth on (0, 1), and densities that pile up at 1 and at 0.
_SMOOTH: Final = np.array([(j, 9 - j) for j in range(1, 9)] + [(32, 1), (128, 1), (1024, 1)], float)
_STEEPER: Final = np.vstack([_SMOOTH, [(0.5, 1)]])
_BETAS: Final = np.vstack([_STEEPER, [(0.1, 1)]])
# Examples that the mixture of all classes counts for in that of one, and votes for even confusions.
_SHARED: Final = 20.0
_SMOOTHING: Final = 1.0
# Shape of the Gamma prior by which the rate of a pair of classes is drawn towards the common one.
_FREE: Final = 0.1
_TIED: Final = 3.0
# Log-likelihood above which the tied model is out of question, for each pair with a rate of its own
# and for each label that only free rates call wrong. Labels mixed up class by class gain 1.3 to 2.8
# a label in drawn worlds, errors that networks share .4 to 1.1 on CIFAR-10 and Fashion-MNIST.
_DECISIVE: Final = 10.0
_DECISIVE_LABEL: Final = 1.2
_ROUNDS: Final = 300
_TOLERANCE: Final = 1e-5  # of the share of wrong labels, between two rounds
_KAPPA: Final = (0.05, 50.0)


@dataclass(frozen=True)
class Votes:
    """Held-out votes of images, sparse: one entry per image and class that some model predicts.

    ``image``, ``voted`` and ``n`` int64 [entries], by image, then class; ``labels`` int64 [images],
    the given ones; every image has at least one vote.
    """

    image: Index
    voted: Index
    n: Index
    labels: Index
    n_classes: int


@dataclass(frozen=True)
class Posterior:
    """Posterior belief in each label.

    Attributes
    ----------
    wrong
        Probability that the label is wrong, float64 [images].
    wrong_low, wrong_high
        The same under the assumption that makes fewer of all labels wrong, and that makes more.
    preferred, votes
        The class other than the label that most held-out models predict, the more probable one of
        equals and then the lower; and how many predict it. -1 and 0 where all predict the label.
    share
        Estimated share of wrong labels among all.
    """

    wrong: Floats
    wrong_low: Floats
    wrong_high: Floats
    preferred: Index
    votes: Index
    share: float


def from_votes(votes: Votes) -> Posterior:
    """Fit the latent class model to votes and return each label's posterior."""
    free, tied = _Fit(votes, _FREE), _Fit(votes, _TIED)
    free.run()
    tied.run()
    wrong, fewer = free.wrong(), tied.wrong()
    gain = free.log_likelihood - tied.log_likelihood
    excess = float(wrong.sum() - fewer.sum())
    if gain > max(_DECISIVE * max(free.own_rates(), 1), _DECISIVE_LABEL * excess):
        # Near to each other, both may be: hard images of one kind gain a little, too.
        low = np.minimum(fewer, wrong) if 2 * fewer.sum() > wrong.sum() else wrong
        return _posterior(low, wrong, *_preferred(free))
    hits = free.hits[free.own]
    by_hits, _ = _HitsFit(hits, free.misses[free.own] + hits, votes.n_classes, _STEEPER).run()
    most = min(1.0, float(by_hits.sum()) / max(float(wrong.sum()), 1e-300))
    return _posterior(np.minimum(fewer, most * wrong), wrong, *_preferred(free))


def from_hits(hits: Index, n: Index, n_classes: int) -> Posterior:
    """The same where only hits are known: int64 [images] of ``n`` held-out models each.

    All classes share one density, one rate of wrong labels and even confusions, so this says less:
    ``wrong`` is the mean over densities that pile up less and more where no model gets the label,
    and ``wrong_high`` the higher of them. ``wrong_low`` is 0, since nothing in the hits speaks
    against images that are all hard.
    """
    steep, smooth = (_HitsFit(hits, n, n_classes, b).run()[0] for b in (_STEEPER, _SMOOTH))
    wrong, high = (steep + smooth) / 2, np.maximum(steep, smooth)
    absent, none = np.full(len(hits), -1), np.zeros(len(hits), np.int64)
    return Posterior(wrong, np.zeros(len(hits)), high, absent, none, float(wrong.mean()))


def _posterior(low: Floats, high: Floats, preferred: Index, votes: Index) -> Posterior:
    middle = (low + high) / 2
    return Posterior(middle, low, high, preferred, votes, float(middle.mean()))


def _beta_binomial(x: Index, n: Index, betas: Floats) -> Floats:
    """log P(x of n) under each Beta of [J, 2], less its binomial coefficient: float64 [rows, J]."""
    a, b = betas.T
    top = special.betaln(x[:, None] + a, n[:, None] - x[:, None] + b)
    return np.asarray(top - special.betaln(a, b))


class _Fit:
    """Expectation-maximisation over votes.

    A *pair* is an image with a candidate for its true class: the given label or a class with votes.
    A *rival* is a pair with another class that has votes.
    """

    def __init__(self, votes: Votes, shape: float) -> None:
        self.labels, self.n_classes, self.shape = votes.labels, votes.n_classes, shape
        image, voted, n = _with_labels(votes)
        self.image, self.candidate, self.hits = image, voted, n
        self.first = np.flatnonzero(np.diff(image, prepend=-1))
        total = np.bincount(image, weights=n).astype(np.int64)
        self.misses = total[image] - n
        self.own = voted == self.labels[image]
        # Few pairs of numbers occur, and each is looked up in the rows of one table.
        base = int(total.max()) + 1
        codes, self.row = np.unique(total[image] * base + n, return_inverse=True)
        self.basis = _beta_binomial(codes % base, codes // base, _BETAS)
        self.pair, self.rival, self.rival_votes = _rivals(image, voted, n, self.first)
        # Parameters: of the prior [given, true], of the densities [true, J], of the confusions.
        c = self.n_classes
        self.prior = np.full((c, c), 0.05 / max(c - 1, 1))
        np.fill_diagonal(self.prior, 0.95)
        self.weights = np.full((c, len(_BETAS)), 1 / len(_BETAS))
        self.confusions = np.full((c, c), 1 / max(c - 1, 1))
        self.kappa, self.log_likelihood, self.common = 1.0, 0.0, 0.0

    def run(self) -> None:
        """Iterate until the share of wrong labels stands still."""
        share = -1.0
        for _ in range(_ROUNDS):
            self.posterior = self._expect()
            before, share = share, 1 - float(self.posterior[self.own].mean())
            if abs(share - before) < _TOLERANCE:
                break
            self._maximise(self.posterior)

    def wrong(self) -> Floats:
        """Probability that the given label is not the true class: float64 [images]."""
        return np.asarray(np.clip(1 - self.posterior[self.own], 0, 1))

    def own_rates(self) -> int:
        """Pairs of classes with at least two wrong labels more than twice the common rate gives."""
        counts = self._counts(self.posterior)
        np.fill_diagonal(counts, 0)
        expected = self.common * np.bincount(self.labels, minlength=self.n_classes)
        return int(np.count_nonzero(counts > 2 * expected[:, None] + 2))

    def _expect(self) -> Floats:
        """Probability of each pair's class given label and votes: float64 [pairs]."""
        # In rows of the table, as P(votes for the class | J) times the weights.
        shifted = self.basis.max(axis=1)
        self.powers = np.exp(self.basis - shifted[:, None])
        density = np.einsum("pj,pj->p", self.powers[self.row], self.weights[self.candidate])
        log = np.log(np.maximum(density, 1e-300)) + shifted[self.row]
        log += np.log(np.maximum(self.prior[self.labels[self.image], self.candidate], 1e-300))
        alpha = self.kappa * self.confusions[self.candidate[self.pair], self.rival]
        each = special.gammaln(self.rival_votes + alpha) - special.gammaln(alpha)
        log += np.bincount(self.pair, weights=each, minlength=len(log))
        log += special.gammaln(self.kappa) - special.gammaln(self.kappa + self.misses)
        highest = np.maximum.reduceat(log, self.first)
        likelihood = np.exp(log - highest[self.image])
        of_image = np.bincount(self.image, weights=likelihood)
        self.log_likelihood = float((highest + np.log(of_image)).sum())
        return np.asarray(likelihood / of_image[self.image])

    def _counts(self, posterior: Floats) -> Floats:
        """Expected number of images by given label and true class: float64 [given, true]."""
        c = self.n_classes
        code = self.labels[self.image] * c + self.candidate
        counts = np.bincount(code, weights=posterior, minlength=c * c)
        return counts.astype(np.float64).reshape(c, c)

    def _rates(self, posterior: Floats) -> Floats:
        """P(true | given): rates of pairs, drawn towards the common one."""
        counts = self._counts(posterior)
        rows = counts.sum(axis=1, keepdims=True)
        apart = ~np.eye(self.n_classes, dtype=np.bool_)
        # The common rate is taken where models confuse little, in either direction.
        evenly = self.n_classes - 1
        doubt = (self.confusions * evenly) ** 2
        weight = apart / (1 + doubt + doubt.T)
        self.common = float((counts * weight).sum() / max((rows * weight).sum(), 1e-300))
        # Posterior mean of a Gamma(shape) with that mean; classes without images have no counts.
        rates = (counts + self.shape) / (rows + self.shape / max(self.common, 1e-9)) * apart
        rates *= np.minimum(1, 0.9 / np.maximum(rates.sum(axis=1, keepdims=True), 1e-9))
        np.fill_diagonal(rates, 1 - rates.sum(axis=1))
        return np.asarray(rates)

    def _maximise(self, posterior: Floats) -> None:
        c = self.n_classes
        self.prior = self._rates(posterior)
        # Densities: shares of the Betas among the images of a class.
        terms = self.powers[self.row] * self.weights[self.candidate]
        terms *= (posterior / np.maximum(terms.sum(axis=1), 1e-300))[:, None]
        of_class = np.stack(
            [np.bincount(self.candidate, weights=t, minlength=c) for t in terms.T], axis=1
        )
        pooled = of_class.sum(axis=0) / of_class.sum()
        self.weights = (of_class + _SHARED * pooled) / (
            of_class.sum(axis=1, keepdims=True) + _SHARED
        )
        self._confuse(posterior)

    def _confuse(self, posterior: Floats) -> None:
        """One step of Minka's fixed point (2000, *Estimating a Dirichlet distribution*)."""
        c = self.n_classes
        true = self.candidate[self.pair]
        alpha = self.kappa * self.confusions[true, self.rival]
        gain = special.digamma(self.rival_votes + alpha) - special.digamma(alpha)
        gain *= alpha * posterior[self.pair]
        table = np.bincount(true * c + self.rival, weights=gain, minlength=c * c).reshape(c, c)
        missed = self.misses > 0
        loss = special.digamma(self.misses[missed] + self.kappa) - special.digamma(self.kappa)
        loss = float(posterior[missed] @ loss)
        if loss > 0:
            self.kappa = float(np.clip(table.sum() / loss, *_KAPPA))
        even = np.full((c, c), _SMOOTHING / max(c - 1, 1))
        np.fill_diagonal(even, 0)
        table = table + even
        self.confusions = table / table.sum(axis=1, keepdims=True)


def _with_labels(votes: Votes) -> tuple[Index, Index, Index]:
    """Entries with one of each given label, which may have no votes; by image, then class."""
    has = votes.voted == votes.labels[votes.image]
    absent = np.setdiff1d(np.arange(len(votes.labels)), votes.image[has])
    image = np.concatenate([votes.image, absent])
    voted = np.concatenate([votes.voted, votes.labels[absent]])
    n = np.concatenate([votes.n, np.zeros(len(absent), np.int64)])
    order = np.lexsort((voted, image))
    return image[order], voted[order], n[order]


def _rivals(image: Index, voted: Index, n: Index, first: Index) -> tuple[Index, Index, Index]:
    """Of each pair the other classes with votes: (pair, class, votes)."""
    sizes = np.diff(first, append=len(image))
    each = sizes[image]  # entries of a pair's image
    pair = np.repeat(np.arange(len(image)), each)
    place = np.arange(len(pair)) - np.repeat(np.cumsum(each) - each, each)
    entry = np.repeat(first[image], each) + place
    some = (entry != pair) & (n[entry] > 0)
    return pair[some], voted[entry[some]], n[entry[some]]


def _preferred(fit: _Fit) -> tuple[Index, Index]:
    """Class with most votes beside the label, and its votes; -1 and 0 where there is none."""
    others = ~fit.own & (fit.hits > 0)
    prior = fit.prior[fit.labels[fit.image], fit.candidate]
    order = np.lexsort((fit.candidate, -prior, -fit.hits, ~others, fit.image))
    best = order[fit.first]
    there = others[best]
    return np.where(there, fit.candidate[best], -1), np.where(there, fit.hits[best], 0)


class _HitsFit:
    """The same model with hits alone: one density, one share of wrong labels, even confusions."""

    def __init__(self, hits: Index, n: Index, n_classes: int, betas: Floats) -> None:
        base = int(n.max()) + 1
        codes, self.row, self.times = np.unique(
            n * base + hits, return_inverse=True, return_counts=True
        )
        x, n = codes % base, codes // base
        choose = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
        self.right = np.exp(_beta_binomial(x, n, betas) + choose[:, None])
        rows = zip(x.tolist(), n.tolist(), strict=True)
        self.wrong = np.stack([_missed(hit, of, n_classes, betas) for hit, of in rows])

    def run(self) -> tuple[Floats, float]:
        """Posterior of each image, and the share of wrong labels."""
        weights, share = np.full(self.right.shape[1], 1 / self.right.shape[1]), 0.05
        for _ in range(10 * _ROUNDS):
            terms = np.stack([(1 - share) * self.right * weights, share * self.wrong * weights])
            terms *= self.times[:, None] / terms.sum(axis=(0, 2))[:, None]
            before, share = share, float(terms[1].sum() / self.times.sum())
            weights = terms.sum(axis=(0, 1)) / self.times.sum()
            if abs(share - before) < _TOLERANCE / 100:
                break
        sums = np.stack([(1 - share) * self.right @ weights, share * self.wrong @ weights])
        return (sums[1] / sums.sum(axis=0))[self.row], share


def _missed(x: int, n: int, n_classes: int, betas: Floats) -> Floats:
    """P(x of n votes for the label | another class is true), under each Beta of [J, 2].

    Of the m votes against the true class, x go to the label: Beta-binomial with mean
    1 / (classes - 1) and precision 1.
    """
    m = np.arange(n + 1)
    choose = special.gammaln(n + 1) - special.gammaln(m + 1) - special.gammaln(n - m + 1)
    missed = np.exp(_beta_binomial(n - m, np.full(n + 1, n), betas) + choose[:, None])  # [m, J]
    if n_classes == 2:
        return np.asarray(missed[x])
    a = 1 / (n_classes - 1)
    ways = (
        special.gammaln(m + 1) - special.gammaln(x + 1) - special.gammaln(np.maximum(m - x, 0) + 1)
    )
    log = ways + special.betaln(x + a, np.maximum(m - x, 0) + 1 - a) - special.betaln(a, 1 - a)
    return np.asarray(np.where(m >= x, np.exp(log), 0) @ missed)
