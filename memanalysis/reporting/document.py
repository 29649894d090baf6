"""A report before it has a format: its opening and sections, as asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from altair.utils.schemapi import debug_mode

from memanalysis import wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.options import Options
from memanalysis.reporting.sections import ORDER
from memanalysis.reporting.sections.opening import opening
from memanalysis.studies import Study

# A section is called like its module.
SECTIONS: Final = {part.__name__.rpartition(".")[2]: part for part in ORDER}
# What only a page can show; other formats have it if it is asked for by name, as one line.
_PAGE_ONLY: Final = frozenset({"explorer"})
_MOST_ROWS: Final = 40  # of a gallery


@dataclass(frozen=True)
class Document:
    """The content of the report, from which every format is written."""

    reading: Reading
    opening: blocks.Opening
    sections: Sequence[blocks.Section]

    @property
    def study(self) -> str:
        """The study's name."""
        return self.reading.manifest.study

    @property
    def size_columns(self) -> Sequence[str]:
        """Column titles of the opening's table of sizes."""
        return ("size", *self.opening.size_columns)


def compose(
    study: Study,
    options: Options | None = None,
    *,
    page: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Document:
    """Read ``study`` and compose the sections that ``options`` ask for.

    ``page`` says whether the document will be a page, with sections that only a page can show.
    ``progress`` is told what is being done, how many of it are done, and of how many.
    """
    asked = options or Options()
    reading = Reading(study, asked)
    usual = tuple(name for name in SECTIONS if page or name not in _PAGE_ONLY)
    names = usual if asked.sections is None else asked.sections
    # Altair would validate every part of every chart, which takes longer than making it.
    with debug_mode(False):
        composed = []
        for done, name in enumerate(names):
            if progress:
                progress("sections", done, len(names))
            composed.append(SECTIONS[name].section(reading))
        answered = [section for section in composed if section.every]
        shown = {section.name for section in answered}
        sections = [_as_asked(section, asked, shown) for section in answered]
        return Document(
            reading, _opening(reading, asked, sections), [*sections, *_not_asked(composed)]
        )


def _opening(
    reading: Reading, asked: Options, sections: Sequence[blocks.Section]
) -> blocks.Opening:
    """The first screen, its links leading to sections that are there."""
    first = opening(reading)
    missing = [name for name in SECTIONS if not asked.has(name)]
    left_out = [("Left out on request", wording.listed(missing))] if missing else []
    picture = first.picture
    if picture is not None and isinstance(_drawn(picture.figure), blocks.Note):
        picture = None
    if picture is not None and asked.examples is not None:
        picture = replace(picture, rows=_first_tiles(picture.rows, asked.examples))
    shown = {section.name for section in sections}
    return replace(
        first,
        title=asked.title or first.title,
        picture=picture,
        facts=[*first.facts, *left_out],
        results=[_linked(item, shown) for item in first.results],
    )


def _not_asked(sections: Sequence[blocks.Section]) -> list[blocks.Section]:
    """One list of the questions that the store cannot answer, with what each would take."""
    rows = [(section.title, section.asks) for section in sections if not section.every]
    if not rows:
        return []
    title = "Not asked here, and what it would take"
    table = blocks.Table("", ("question", "what it would take"), rows)
    return [blocks.Section("not_asked", title, [table])]


def _as_asked(section: blocks.Section, asked: Options, shown: set[str]) -> blocks.Section:
    fold = section.fold and replace(
        section.fold, blocks=[_block(block, asked, shown) for block in section.fold.blocks]
    )
    return replace(
        section, blocks=[_block(block, asked, shown) for block in section.blocks], fold=fold
    )


def _block(block: blocks.Block, asked: Options, shown: set[str]) -> blocks.Block:
    if isinstance(block, blocks.Figure):
        return _drawn(block)
    if isinstance(block, blocks.Findings):
        return replace(block, items=[_linked(item, shown) for item in block.items])
    if isinstance(block, blocks.Gallery):
        some = _readable(block)
        return some if asked.examples is None else _limited(some, asked.examples)
    return block


def _drawn(figure: blocks.Figure) -> blocks.Figure | blocks.Note:
    """The figure, or in one line why there is nothing to draw: an empty chart says nothing."""
    sets = [rows for rows in figure.spec.get("datasets", {}).values() if rows]
    if len(sets) == 1 and len(sets[0]) == 1 and set(sets[0][0]) == {"why"}:  # theme.nothing
        return blocks.Note(sets[0][0]["why"])
    if figure.frame.is_empty() or not sets:
        return blocks.Note(f"{figure.title}: this store has no numbers for it.")
    return figure


def _readable(gallery: blocks.Gallery) -> blocks.Gallery:
    """The first rows, if there are more than anybody looks at."""
    if len(gallery.rows) <= _MOST_ROWS:
        return gallery
    cut = f" The first {_MOST_ROWS} of {wording.count(len(gallery.rows))} rows are shown."
    return replace(gallery, rows=gallery.rows[:_MOST_ROWS], caption=gallery.caption + cut)


def _linked(finding: blocks.Finding, shown: set[str]) -> blocks.Finding:
    """The finding without a link to a section that is not there; its title stays as text."""
    return finding if finding.evidence in shown else replace(finding, evidence="")


def _limited(gallery: blocks.Gallery, most: int) -> blocks.Gallery | blocks.Note:
    """The first tiles of all rows in turn, at most ``most`` in all."""
    n_tiles = sum(len(row.tiles) for row in gallery.rows)
    if n_tiles <= most:
        return gallery
    if most == 0:
        return blocks.Note(f"{gallery.title}: left out, since no examples were asked for.")
    rows = _first_tiles(gallery.rows, most)
    shown = f" As asked, {wording.count(most)} of {wording.count(n_tiles)} examples are shown."
    return replace(gallery, rows=rows, caption=gallery.caption + shown)


def _first_tiles(rows: Sequence[blocks.Row], most: int) -> list[blocks.Row]:
    """The rows with their first tiles, dealt out in turns, at most ``most`` in all."""
    turns = sorted((place, i) for i, row in enumerate(rows) for place in range(len(row.tiles)))
    counts = Counter(i for _, i in turns[:most])
    return [replace(row, tiles=row.tiles[: counts[i]]) for i, row in enumerate(rows) if counts[i]]
