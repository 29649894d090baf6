"""Thumbnails of many examples in a few sheets of 16 by 16 tiles.

Measured on the embedded study's 4,000 grey images of 28 by 28 pixels (2.05 MB as single PNG files):
PNG sheets 1.62 MB, lossless WebP 1.57 MB, JPEG at quality 75 .99 MB, WebP at quality 80 .78 MB, 75
.72 MB. So few or small images are kept without loss, many as WebP at quality 80.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image, features

from memanalysis.reporting.context import Reading
from memanalysis.storage import pictures

COLUMNS: Final = 16
TILES: Final = COLUMNS * COLUMNS
# Bytes of all sheets before base64, which adds a third.
BUDGET: Final = 3_000_000
# Up to so many bytes, sheets keep every pixel.
LOSSLESS_BUDGET: Final = 600_000
_QUALITY: Final = 80
_SIDE: Final = 64  # pixels, the longest side of a tile
# Images read from the store at a time.
_BATCH: Final = 4_096

_SQL: Final = """select w.place, w.example_id, e.image
from wanted as w
inner join examples as e on w.example_id = e.example_id
where e.image is not null
order by w.place"""


@dataclass
class Sprites:
    """Sheets as data URIs, and which tile shows which example.

    ``slots`` [examples shown]: the i-th tile, counted through all sheets, shows ``slots[i]``.
    """

    sheets: list[str] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    width: int = 0
    height: int = 0
    broken: int = 0
    lossless: bool = True
    bytes: int = 0

    def slot_of(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """The tile of each example, -1 where it has none: int64 [n]."""
        if not self.slots:
            return np.full(len(ids), -1)
        shown = np.array(self.slots)
        order = np.argsort(shown)
        places = np.minimum(np.searchsorted(shown, ids, sorter=order), len(shown) - 1)
        slots = order[places]
        return np.where(shown[slots] == ids, slots, -1)


def sprites(
    reading: Reading, ids: NDArray[np.int64], limit: int | None = None, budget: int = BUDGET
) -> Sprites:
    """The images of ``ids`` in their order, at most ``limit`` and no more than ``budget`` bytes.

    Images that cannot be read are counted in ``broken`` and left out.
    """
    made = Sprites()
    wanted = ids if limit is None else ids[:limit]
    tiles = _tiles(reading, wanted, made)
    waiting: list[tuple[int, Image.Image]] = []
    for tile in tiles:
        waiting.append(tile)
        if len(waiting) == TILES:
            if not _add(made, waiting, len(wanted), budget):
                break
            waiting = []
    else:
        if waiting:
            _add(made, waiting, len(wanted), budget)
    return made


def _tiles(
    reading: Reading, ids: NDArray[np.int64], made: Sprites
) -> Iterator[tuple[int, Image.Image]]:
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        wanted = pl.DataFrame({"place": np.arange(len(part)), "example_id": part})
        frame = reading.study.sql(_SQL, wanted=wanted)
        for example, content in frame.select("example_id", "image").iter_rows():
            image = thumbnail(content)
            if image is None:
                made.broken += 1
            else:
                yield example, image


def thumbnail(content: bytes) -> Image.Image | None:
    """An image file as a small grey or RGB image, or None where it cannot be read."""
    return pictures.decoded(content, _small)


def _small(image: Image.Image) -> Image.Image:
    image.draft("RGB", (_SIDE, _SIDE))
    small = pictures.grey_or_rgb(image)
    small.thumbnail((_SIDE, _SIDE))
    return small


def _add(made: Sprites, tiles: list[tuple[int, Image.Image]], expected: int, budget: int) -> bool:
    """Add one sheet; False where it would break the budget."""
    if not made.sheets:
        made.width = max(image.width for _, image in tiles)
        made.height = max(image.height for _, image in tiles)
    sheet = _sheet([image for _, image in tiles], made.width, made.height)
    if not made.sheets:
        first = _encoded(sheet, lossless=True)
        made.lossless = len(first) * expected / len(tiles) <= min(LOSSLESS_BUDGET, budget)
    content = _encoded(sheet, lossless=made.lossless)
    if made.bytes + len(content) > budget:
        return False
    made.bytes += len(content)
    made.sheets.append(_uri(content))
    made.slots += [example for example, _ in tiles]
    return True


def _sheet(images: list[Image.Image], width: int, height: int) -> Image.Image:
    """Images in the middle of their tiles, on black."""
    mode = "L" if all(image.mode == "L" for image in images) else "RGB"
    rows = -(-len(images) // COLUMNS)
    sheet = Image.new(mode, (COLUMNS * width, rows * height))
    for place, image in enumerate(images):
        fitted = image
        if image.width > width or image.height > height:
            fitted = image.copy()
            fitted.thumbnail((width, height))
        left = place % COLUMNS * width + (width - fitted.width) // 2
        top = place // COLUMNS * height + (height - fitted.height) // 2
        sheet.paste(fitted.convert(mode), (left, top))
    return sheet


def _encoded(sheet: Image.Image, *, lossless: bool) -> bytes:
    content = io.BytesIO()
    if not features.check("webp"):
        sheet.save(content, "PNG" if lossless else "JPEG", optimize=True, quality=_QUALITY)
    elif lossless and sheet.mode == "L":
        # Lossless WebP is 3 % smaller, and needs a browser's RGB; PNG is read by anything.
        sheet.save(content, "PNG", optimize=True)
    else:
        sheet.save(content, "WEBP", lossless=lossless, quality=_QUALITY, method=4)
    return content.getvalue()


def _uri(content: bytes) -> str:
    kind = "webp" if content[8:12] == b"WEBP" else "png" if content[:4] == b"\x89PNG" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
