"""Images and labels of a torch ``Dataset``, as the arrays that a study takes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError

_COLOURS: Final = (1, 3)


def read(dataset: Any) -> dict[str, NDArray[Any]]:
    """All items of a map-style dataset as ``train_images``, ``train_labels`` and ``class_names``.

    Parameters
    ----------
    dataset
        Has a length, and items ``(image, label)``: the image a PIL image, uint8 [H, W] or
        [H, W, 1 or 3], a tensor [1 or 3, H, W], or floats of these shapes from 0 to 1; the label a
        whole number from 0. ``dataset.classes`` names the classes, where it is there.

    Returns
    -------
    dict
        ``train_images`` uint8 [n, H, W, 1 or 3], ``train_labels`` int64 [n], and ``class_names``
        text [classes] where the dataset has them.

    Raises
    ------
    DataError
        If items are no such pairs, images differ in size, are normalised, or change from one look
        to the next.
    """
    try:
        n = len(dataset)
    except TypeError as error:
        raise DataError(
            "The dataset has no length; expected one with items by number, dataset[0] to "
            "dataset[len(dataset) - 1]."
        ) from error
    if not n:
        raise DataError("The dataset is empty; expected images with labels.")
    first, _ = _item(dataset, 0)
    if not np.array_equal(first, _item(dataset, 0)[0]):
        raise DataError(
            "The dataset gives another image 0 each time. Give it without random augmentation: "
            "every model has to see the same images, and trainings augment by themselves."
        )
    images = np.empty((n, *first.shape), np.uint8)
    labels = np.empty(n, np.int64)
    for at in range(n):
        image, labels[at] = _item(dataset, at)
        if image.shape != first.shape:
            raise DataError(
                f"Image {at} of the dataset has the shape {image.shape}, image 0 {first.shape}; "
                "expected one for all. Resize them in the dataset's transform."
            )
        images[at] = image
    arrays: dict[str, NDArray[Any]] = {"train_images": images, "train_labels": labels}
    names = [str(name) for name in getattr(dataset, "classes", None) or ()]
    if len(names) > labels.max() and len(set(names)) == len(names):
        arrays["class_names"] = np.array(names)
    return arrays


def _item(dataset: Any, at: int) -> tuple[NDArray[np.uint8], int]:
    item = dataset[at]
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise DataError(
            f"Item {at} of the dataset is {type(item).__name__} {item!r:.40}; expected a pair "
            "(image, label)."
        )
    image, label = item
    number = np.asarray(label)
    if number.shape not in ((), (1,)) or number.dtype.kind not in "iu" or number.min() < 0:
        raise DataError(
            f"Label {at} of the dataset is {label!r:.40}; expected a whole number from 0."
        )
    return _pixels(image, at), int(number.reshape(-1)[0])


def _pixels(image: Any, at: int) -> NDArray[np.uint8]:
    """uint8 [H, W, 1 or 3]."""
    if getattr(image, "getbands", None) and image.mode not in ("L", "RGB"):  # PIL; alpha, say
        image = image.convert("RGB")
    values: NDArray[Any] = np.asarray(image)
    if values.ndim == 3 and values.shape[0] in _COLOURS and values.shape[2] not in _COLOURS:
        values = values.transpose(1, 2, 0)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[2] not in _COLOURS:
        raise DataError(
            f"Image {at} of the dataset has the shape {np.asarray(image).shape}; expected "
            "[height, width], with 1 or 3 colours as first or last axis if any."
        )
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    if values.dtype.kind != "f":
        raise DataError(f"Image {at} of the dataset is {values.dtype}; expected uint8 or floats.")
    if not (values.min() >= 0 and values.max() <= 1):
        raise DataError(
            f"Image {at} of the dataset has values from {values.min():.3g} to {values.max():.3g}; "
            "expected 0 to 1, as ToTensor gives them. Give the images before they are normalised."
        )
    return np.asarray(np.rint(values * 255), np.uint8)
