"""The section [data]: which images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from memanalysis.settings.section import Section

SOURCES: Final = ("fashion-mnist", "digits")


# Bits, images and influence are kept for at most this many test examples; accuracy uses all.
MAX_TEST_KEPT: Final = 2000


@dataclass(frozen=True)
class Data:
    """Which images. ``train_examples`` None takes all; ``image_size`` in pixels, None as they are.

    ``folder`` is where the files of the data set lie, None for the usual places.
    """

    source: str
    folder: str | None = None
    train_examples: int | None = None
    test_kept: int = MAX_TEST_KEPT
    image_size: int | None = None


def read(section: Section) -> Data:
    """Validate [data]; faults go to the section."""
    data = Data(
        source=section.get(
            "source",
            str,
            SOURCES[0],
            required=True,
            valid=lambda v: v in SOURCES,
            expected=f"one of {', '.join(SOURCES)}",
        ),
        folder=section.get("folder", str),
        train_examples=section.get(
            "train_examples", int, valid=lambda v: v >= 10, expected="a whole number from 10"
        ),
        test_kept=section.get(
            "test_kept",
            int,
            MAX_TEST_KEPT,
            valid=lambda v: 0 <= v <= MAX_TEST_KEPT,
            expected=f"a whole number from 0 to {MAX_TEST_KEPT}",
        ),
        image_size=section.get(
            "image_size", int, valid=lambda v: 4 <= v <= 512, expected="pixels, 4 to 512"
        ),
    )
    section.finish()
    return data
