"""The 8x8 digits that come with scikit-learn."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import MissingDependencyError
from memanalysis.producer.data.source import STREAM, ArrayImages, Labels, Source, Split

TEST_SHARE: Final = 5  # every fifth example of a class, so 360 of 1,797


def digits(seed: int) -> Source:
    """The digits, with a test split drawn by the study's seed since they have none of their own."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependencyError.for_feature("The data set 'digits'", "producer") from error
    bunch = load_digits()
    # Sixteen grey levels, spread over a byte.
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    test = _stratified(labels, seed)
    train = np.setdiff1d(np.arange(len(labels)), test)

    def split(chosen: NDArray[np.int64]) -> Split:
        return Split(
            images=ArrayImages(images[chosen], "the digits"),
            labels=labels[chosen],
            ids=[f"load_digits/{i}" for i in chosen],
        )

    return Source(
        name="Optical recognition of handwritten digits (scikit-learn)",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        citation="Alpaydin and Kaynak (1998), UCI Machine Learning Repository, doi 10.24432/C50P49",
        class_names=tuple(str(name) for name in bunch.target_names),
        train=split(train),
        test=split(test),
    )


def _stratified(labels: Labels, seed: int) -> NDArray[np.int64]:
    """Test examples: a fifth of every class, drawn at random."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, STREAM, 1])))
    drawn = [
        generator.permutation(np.flatnonzero(labels == label))[::TEST_SHARE]
        for label in np.unique(labels)
    ]
    return np.sort(np.concatenate(drawn))
