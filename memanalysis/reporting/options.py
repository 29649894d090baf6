"""Options of a report: its format, sections, title and number of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memanalysis.errors import MemanalysisError, did_you_mean

# Format -> endings of files that mean it; the first is the usual one.
FORMATS: Final = {
    "html": (".html", ".htm"),
    "md": (".md", ".markdown"),
    "json": (".json",),
    "pdf": (".pdf",),
}


@dataclass(frozen=True)
class Options:
    """Options of a report.

    Attributes
    ----------
    sections
        Names of sections in the order wanted; None for all in the usual order.
    title
        In place of the study's; None for the study's.
    examples
        How many examples carry their images in the explorer, and at most in each gallery; 0 for
        none, None for what each section shows by itself.
    """

    sections: tuple[str, ...] | None = None
    title: str | None = None
    examples: int | None = None

    def has(self, section: str) -> bool:
        """True if the report has the section, so that a link to it leads somewhere."""
        return self.sections is None or section in self.sections


def read_options(
    known: Sequence[str],
    sections: str | Sequence[str] | None = None,
    title: str | None = None,
    examples: int | None = None,
) -> Options:
    """Check what was asked; ``known`` are the names of all sections.

    ``sections`` is a sequence of names, or one text with commas between them.

    Raises
    ------
    MemanalysisError
        If a section is unknown or named twice, none is named, the title is empty, or ``examples``
        is below 0.
    """
    if examples is not None and examples < 0:
        raise MemanalysisError(
            f"{examples} examples were asked for; expected a whole number from 0."
        )
    if title is not None and not title.strip():
        raise MemanalysisError("The title is empty; give one, or leave it out for the study's own.")
    return Options(_sections(known, sections), title, examples)


def _sections(known: Sequence[str], sections: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if sections is None:
        return None
    parts = sections.split(",") if isinstance(sections, str) else sections
    names = [part.strip() for part in parts if part.strip()]
    there = f"The sections are: {', '.join(known)}."
    if not names:
        raise MemanalysisError(f"No section was named. {there}")
    for name in names:
        if name not in known:
            raise MemanalysisError(
                f"There is no section '{name}'.{did_you_mean(name, known)} {there}"
            )
        if names.count(name) > 1:
            raise MemanalysisError(f"The section '{name}' was named twice.")
    return tuple(names)


def format_of(out: Path | None, chosen: str | None) -> str:
    """The format of a report: as ``chosen``, else by the ending of ``out``, else ``html``.

    Raises
    ------
    MemanalysisError
        If there is no such format, the ending says another one, or it says nothing and nothing was
        chosen.
    """
    known = ", ".join(FORMATS)
    if chosen is not None and chosen not in FORMATS:
        raise MemanalysisError(f"There is no format '{chosen}'; there are: {known}.")
    if out is None:
        return chosen or "html"
    ending = out.suffix.lower()
    meant = next((name for name, endings in FORMATS.items() if ending in endings), None)
    if chosen is None and meant is None:
        raise MemanalysisError(
            f"'{out}': its ending names no format. Use one of "
            f"{', '.join(endings[0] for endings in FORMATS.values())}, or choose a format: {known}."
        )
    if chosen is not None and meant is not None and chosen != meant:
        raise MemanalysisError(
            f"The format {chosen} contradicts the name '{out}', which says {meant}. "
            f"Leave one out, or end the name with {FORMATS[chosen][0]}."
        )
    return chosen or meant or "html"
