"""Planting what is known: wrong labels, blends of two classes and turned images.

A study with planted examples can be asked whether its scores find them. Kinds say what was done to
an example, not what becomes of it: ``flipped`` has a wrong label, ``blended`` is the mean of two
images of different classes with either label, ``rotated`` is turned by 90 degrees with its right
label, ``random`` has a label that was drawn with equal chances, and ``clean`` is as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError, did_you_mean
from memanalysis.producer.data.pixels import resize
from memanalysis.producer.data.source import STREAM, Labels, Pixels
from memanalysis.settings import Noise


@dataclass(frozen=True)
class Planted:
    """Changes to each training example.

    Attributes
    ----------
    kinds
        [examples], see the module.
    labels, clean_labels
        int64 [examples]: the label to train on, and the example's own. A blend's own label is that
        of the example itself; its other class is that of its partner.
    partners
        int64 [examples]: the other example of a blend, -1 for all others.
    """

    kinds: NDArray[np.str_]
    labels: Labels
    clean_labels: Labels
    partners: NDArray[np.int64]

    def of_kind(self, kind: str) -> NDArray[np.int64]:
        """Positions of the examples of one kind, ascending."""
        return np.flatnonzero(self.kinds == kind)

    def counts(self) -> dict[str, int]:
        """Number of examples of each kind."""
        kinds, counts = np.unique(self.kinds, return_counts=True)
        return {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)}


def plant(noise: Noise, labels: Labels, class_names: tuple[str, ...], seed: int) -> Planted:
    """Draw who gets what, by PCG64 from ``SeedSequence([seed, 0xDA7A, 2])``.

    The examples are permuted; the first round(flip * n) of those that may be flipped are, then the
    next are blended and the next rotated, so nobody is planted twice. The partner of a blend is
    another example that is blended, of another class, drawn with equal chances: so no image that
    stays clean is in the data a second time.

    Raises
    ------
    DataError
        If there are too few examples for the shares, or a class of ``pairs`` is unknown.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, STREAM, 2])))
    n, classes = len(labels), len(class_names)
    planted = Planted(
        kinds=np.full(n, "random" if noise.random_labels else "clean", dtype="<U8"),
        labels=labels.copy(),
        clean_labels=labels.copy(),
        partners=np.full(n, -1),
    )
    if noise.random_labels:
        planted.labels[:] = generator.integers(0, classes, n)
        return planted
    order = generator.permutation(n)
    flipped = _flip(noise, planted, order, class_names, generator)
    rest = order[~np.isin(order, flipped)]
    blended, rest = np.split(rest, [round(noise.blend * n)])
    _blend(planted, blended, generator)
    planted.kinds[rest[: round(noise.rotate * n)]] = "rotated"
    return planted


def apply(planted: Planted, images: Pixels) -> None:
    """Blend and turn images in place, uint8 [examples, H, W, channels].

    Raises
    ------
    DataError
        If images to be turned are not square.
    """
    blended, rotated = planted.of_kind("blended"), planted.of_kind("rotated")
    images[blended] = blend(images[blended], images[planted.partners[blended]])
    if len(rotated):
        height, width = images.shape[1:3]
        if height != width:
            raise DataError(
                f"data.noise.rotate: images of {height}x{width} pixels do not stay so when they "
                "are turned. Set data.image_size to a square or leave rotate out."
            )
        images[rotated] = np.rot90(images[rotated], axes=(1, 2))


def blend(images: Pixels, others: Pixels) -> Pixels:
    """The mean of images pixel by pixel, rounded half up; the others are brought to their size."""
    others = resize(others, images.shape[1:3])
    mean = (images.astype(np.uint16) + others + 1) // 2
    return mean.astype(np.uint8)


def _flip(
    noise: Noise,
    planted: Planted,
    order: NDArray[np.int64],
    class_names: tuple[str, ...],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Give wrong labels; returns who got one."""
    labels, classes = planted.clean_labels, len(class_names)
    wanted = round(noise.flip * len(labels))
    target = np.full(classes, -1)
    for name, other in noise.pairs:
        target[_class(name, class_names)] = _class(other, class_names)
    may = order[target[labels[order]] >= 0] if noise.pairs else order
    if wanted > len(may):
        raise DataError(
            f"data.noise.flip = {noise.flip:g} asks for {wanted} wrong labels, but only {len(may)} "
            "training examples are of the classes in data.noise.pairs."
        )
    if wanted and classes < 2:
        raise DataError("data.noise.flip needs at least two classes.")
    flipped = may[:wanted]
    if noise.pairs:
        planted.labels[flipped] = target[labels[flipped]]
    else:
        # A step of 1 to classes - 1 around the circle of classes never ends at the own one.
        steps = generator.integers(1, max(classes, 2), wanted)
        planted.labels[flipped] = (labels[flipped] + steps) % classes
    planted.kinds[flipped] = "flipped"
    return flipped


def _blend(planted: Planted, blended: NDArray[np.int64], generator: np.random.Generator) -> None:
    own = planted.clean_labels[blended]
    for label in np.unique(own):
        members, others = blended[own == label], blended[own != label]
        if not len(others):
            raise DataError(
                f"data.noise.blend: the {len(blended)} examples drawn are all of one class; "
                "expected two classes. Raise the share."
            )
        planted.partners[members] = generator.choice(others, len(members))
    takes_other = generator.random(len(blended)) < 0.5
    other = planted.clean_labels[planted.partners[blended]]
    planted.labels[blended] = np.where(takes_other, other, own)
    planted.kinds[blended] = "blended"


def _class(name: str, class_names: tuple[str, ...]) -> int:
    if name not in class_names:
        raise DataError(
            f"data.noise.pairs names the class '{name}', but the classes are "
            f"{', '.join(class_names)}.{did_you_mean(name, class_names)}"
        )
    return class_names.index(name)
