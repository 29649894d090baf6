"""Between image files and arrays: decoding, other sizes, thumbnails."""

from __future__ import annotations

import io
import warnings
from functools import cache
from types import ModuleType
from typing import Any, Final

import numpy as np

from memanalysis.errors import DataError, MissingDependencyError
from memanalysis.producer.data.source import Images, Index, Pixels

THUMBNAIL_SIDE: Final = 64  # pixels; larger images are reduced for the store

_GREY: Final = ("1", "L", "LA")
_COLOUR: Final = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")

Size = tuple[int, int]  # height, width


def decode(content: bytes, channels: int | None, name: str) -> Pixels:
    """An image file as uint8 [H, W, channels].

    Grey becomes RGB by repetition; transparency is left out, as is the orientation that a camera
    noted. ``channels`` None keeps grey images grey and makes all others RGB.

    Raises
    ------
    DataError
        If it is no image of 8 bits per channel, or is in colour where ``channels`` is 1.
    """
    pillow = _pillow()
    try:
        with _opened(pillow, content) as image:
            mode = image.mode
            if mode not in (*_GREY, *_COLOUR):
                raise DataError(
                    f"{name} has pixels of mode {mode}; expected 8 bits per channel, grey or RGB. "
                    "Convert it first, for instance to PNG of 8 bits."
                )
            if channels == 1 and mode not in _GREY:
                raise DataError(
                    f"{name} is in colour, where grey images are expected as the first one is. "
                    "Set data.channels = 3 to take all as RGB."
                )
            wanted = channels or (1 if mode in _GREY else 3)
            pixels = np.asarray(image.convert("L" if wanted == 1 else "RGB"))
    # Pillow's decoders raise SyntaxError for a broken header and ValueError for odd contents.
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{name} cannot be read as an image: {error}.") from error
    return pixels.reshape(*pixels.shape[:2], wanted)


def _opened(pillow: ModuleType, content: bytes) -> Any:
    """The image, opened; Pillow's warning of a decompression bomb is an error here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pillow.DecompressionBombWarning)
        try:
            return pillow.open(io.BytesIO(content))
        except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
            raise ValueError(str(error)) from error


def channels_of(content: bytes, name: str) -> int:
    """1 for a grey image file, else 3."""
    return int(decode(content, None, name).shape[-1])


def gather(images: Images, index: Index, size: Size | None) -> Pixels:
    """The images at ascending positions, brought to one size: uint8 [len(index), H, W, channels].

    Each is decoded once and only the result is kept: H * W * channels bytes for an image.

    Raises
    ------
    DataError
        If one has another size than the first and ``size`` is None, or memory does not suffice.
    """
    gathered: Pixels | None = None
    done = 0
    for batch in images.batches(index):
        small = batch if size is None else resize(batch, size)
        if gathered is None:
            gathered = _room((len(index), *small.shape[1:]))
        if small.shape[1:] != gathered.shape[1:]:
            raise DataError(
                f"{images.name(int(index[done]))} has {_shape(small)}, the first image has "
                f"{_shape(gathered)}; expected one size for all. Set data.image_size to bring "
                "them to one, or data.channels to take all as RGB."
            )
        gathered[done : done + len(small)] = small
        done += len(small)
    assert gathered is not None, "splits without examples are refused before"
    return gathered


def resize(images: Pixels, size: Size) -> Pixels:
    """uint8 [n, H, W, channels] -> uint8 [n, *size, channels], each side on its own.

    Where both sides are whole multiples of the new ones, a pixel is the mean of its block, rounded
    half to even. Else Pillow's bilinear filter, which averages over all pixels that a new one
    covers; the shape of what is shown is not kept where the ratio of the sides changes.
    """
    height, width, channels = images.shape[1:]
    if (height, width) == size:
        return images
    rows, columns = size
    if height % rows == 0 and width % columns == 0:
        blocks = images.reshape(len(images), rows, height // rows, columns, width // columns, -1)
        means: Pixels = np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
        return means
    pillow = _pillow()
    # Pillow wants no axis of one channel.
    small = [
        np.asarray(
            pillow.fromarray(image[..., 0] if channels == 1 else image).resize(
                (columns, rows), pillow.Resampling.BILINEAR
            )
        )
        for image in images
    ]
    return np.stack(small).reshape(len(images), rows, columns, channels)


def thumbnail(image: Pixels) -> bytes:
    """PNG of uint8 [H, W, channels], reduced where a side is longer than ``THUMBNAIL_SIDE``."""
    longest = max(image.shape[:2])
    if longest > THUMBNAIL_SIDE:
        height, width = (max(1, round(s * THUMBNAIL_SIDE / longest)) for s in image.shape[:2])
        image = resize(image[None], (height, width))[0]
    file = io.BytesIO()
    shown = image[..., 0] if image.shape[-1] == 1 else image
    _pillow().fromarray(shown).save(file, format="PNG", optimize=True)
    return file.getvalue()


@cache
def _pillow() -> ModuleType:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError.for_feature(
            "Reading and showing images", "producer"
        ) from error
    return Image


def _room(shape: tuple[int, ...]) -> Pixels:
    try:
        return np.empty(shape, dtype=np.uint8)
    except MemoryError as error:
        raise DataError(
            f"{shape[0]} images of {'x'.join(map(str, shape[1:]))} take "
            f"{np.prod(shape) / 2**30:.1f} GiB, more than there is. Lower data.image_size or "
            "data.train_examples."
        ) from error


def _shape(images: Pixels) -> str:
    height, width, channels = images.shape[1:]
    return f"{height}x{width} pixels" + ("" if channels == 1 else " in colour")
