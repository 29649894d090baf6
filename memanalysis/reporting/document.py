"""A report before it has a format: its opening and sections, as asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from altair.utils.schemapi import debug_mode

from memanalysis import wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.options import Options
from memanalysis.reporting.sections import ORDER
from memanalysis.reporting.sections.opening import Opening, opening
from memanalysis.study import Study

# A section is called like its module.
SECTIONS: Final = {part.__name__.rpartition(".")[2]: part for part in ORDER}
# What only a page can show; other formats have it if it is asked for by name, as one line.
_PAGE_ONLY: Final = frozenset({"explorer"})
_MOST_ROWS: Final = 40  # of a gallery


@dataclass(frozen=True)
class Document:
    """What every format of the report is written from."""

    reading: Reading
    opening: Opening
    sections: Sequence[blocks.Section]

    @property
    def study(self) -> str:
        """The study's name."""
        return self.reading.manifest.study

    @property
    def size_columns(self) -> Sequence[str]:
        """What the columns of the opening's table of sizes are."""
        return ("size", *self.opening.size_columns)


def compose(study: Study, options: Options | None = None, *, page: bool = True) -> Document:
    """Read ``study`` and compose the sections that ``options`` ask for.

    ``page`` says whether the document will be a page, with sections that only a page can show.
    """
    asked = options or Options()
    reading = Reading(study, asked)
    usual = tuple(name for name in SECTIONS if page or name not in _PAGE_ONLY)
    names = usual if asked.sections is None else asked.sections
    # Altair would validate every part of every chart, which takes longer than making it.
    with debug_mode(False):
        sections = [_as_asked(SECTIONS[name].section(reading), asked) for name in names]
    return Document(reading, _opening(reading, asked), sections)


def _opening(reading: Reading, asked: Options) -> Opening:
    found = opening(reading)
    missing = [name for name in SECTIONS if not asked.has(name)]
    left_out = [("Left out on request", wording.listed(missing))] if missing else []
    return replace(found, title=asked.title or found.title, facts=[*found.facts, *left_out])


def _as_asked(section: blocks.Section, asked: Options) -> blocks.Section:
    return replace(section, blocks=[_block(block, asked) for block in section.blocks])


def _block(block: blocks.Block, asked: Options) -> blocks.Block:
    if isinstance(block, blocks.Figure):
        return _drawn(block)
    if isinstance(block, blocks.Findings):
        return replace(block, items=[_linked(item, asked) for item in block.items])
    if isinstance(block, blocks.Gallery):
        shown = _readable(block)
        return shown if asked.examples is None else _limited(shown, asked.examples)
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


def _linked(finding: blocks.Finding, asked: Options) -> blocks.Finding:
    """The finding without a link to a section that was left out; its title stays as text."""
    return finding if asked.has(finding.evidence) else replace(finding, evidence="")


def _limited(gallery: blocks.Gallery, most: int) -> blocks.Gallery | blocks.Note:
    """The first tiles of all rows in turn, at most ``most`` in all."""
    turns = sorted(
        (place, i) for i, row in enumerate(gallery.rows) for place in range(len(row.tiles))
    )
    if len(turns) <= most:
        return gallery
    if most == 0:
        return blocks.Note(f"{gallery.title}: left out, since no examples were asked for.")
    kept = {
        i: sum(1 for _, row in turns[:most] if row == i)
        for i in range(min(len(gallery.rows), most))
    }
    rows = [replace(gallery.rows[i], tiles=gallery.rows[i].tiles[:n]) for i, n in kept.items() if n]
    shown = f" As asked, {wording.count(most)} of {wording.count(len(turns))} examples are shown."
    return replace(gallery, rows=rows, caption=gallery.caption + shown)
