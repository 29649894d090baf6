"""Images of examples, which may come from strangers: what is decoded, and what is not."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from typing import Final, TypeVar

from PIL import Image

# Stores hold thumbnails; what claims more pixels than this is not one, and is not decoded.
MOST_PIXELS: Final = 4_000_000
# What Pillow raises on broken files, besides its own warning and error of a decompression bomb.
_BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError),
    *(OverflowError, struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning),
)

Decoded = TypeVar("Decoded")


def decoded(content: bytes, decode: Callable[[Image.Image], Decoded]) -> Decoded | None:
    """``decode`` of an image file; None where it cannot be read or is no thumbnail."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > MOST_PIXELS:
                    return None
                return decode(image)
    except _BROKEN:
        return None


def grey_or_rgb(image: Image.Image) -> Image.Image:
    """The image in grey if it is grey, in RGB otherwise."""
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
