"""Blocks, which sections of the report are made of; the page's template shows each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Text:
    """One paragraph."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Note:
    """One line that says why something is not here."""

    text: str
    kind: str = "note"


@dataclass(frozen=True)
class Figure:
    """A chart with what is seen, under which conditions, and the query behind its numbers.

    ``title`` is what the numbers show, or else what is drawn; ``subtitle`` is what is drawn where
    the title does not say it. ``spec`` is the chart's Vega-Lite; ``frame`` is what ``sql``
    returns; ``python`` is a text that draws the chart in a notebook.
    """

    name: str
    title: str
    caption: str
    conditions: str
    spec: dict[str, Any]
    sql: str
    frame: pl.DataFrame
    python: str = ""
    subtitle: str = ""
    kind: str = "figure"

    @property
    def panels(self) -> dict[str, int]:
        """The least width of a panel in pixels, and how many there are."""
        meta = self.spec["usermeta"] if "facet" in self.spec else {"panel": 0, "count": 1}
        return {name: meta[name] for name in ("panel", "count")}


@dataclass(frozen=True)
class Table:
    """A small table of text; ``numeric`` are the places of right-aligned columns.

    A page shows it behind a click on ``folded``, if that is given.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    numeric: Sequence[int] = ()
    sql: str = ""
    folded: str = ""
    kind: str = "table"


@dataclass(frozen=True)
class Snippet:
    """Text to copy: a paragraph (``language`` is ``text``), LaTeX or BibTeX.

    A page shows text ``folded``, to be opened, where it is for machines rather than readers.
    """

    name: str
    title: str
    text: str
    language: str
    caption: str = ""

    @property
    def folded(self) -> bool:
        """True for source code."""
        return self.language != "text"

    kind: str = "snippet"


@dataclass(frozen=True)
class Tile:
    """One example of a gallery: its image as a data URI, what it is, and its curve as SVG.

    ``note`` is a line more on it; ``linked`` is the training example whose row it leads to.
    """

    image: str | None
    label: str
    example: str
    alt: str
    figures: str
    curve: str = ""
    note: str = ""
    linked: int | None = None


@dataclass(frozen=True)
class Row:
    """A row of a gallery: examples of one category or class."""

    title: str
    detail: str
    tiles: Sequence[Tile]
    colour: str = "ink"


@dataclass(frozen=True)
class Gallery:
    """Images of single examples, sorted into rows; behind a click on ``folded``, if it is given."""

    name: str
    title: str
    caption: str
    conditions: str
    rows: Sequence[Row]
    sql: str
    folded: str = ""
    kind: str = "gallery"


@dataclass(frozen=True)
class Finding:
    """One finding with its verdict; ``rows`` are the conditions and checks behind it.

    ``headline`` is the result in one sentence, ``claim`` what was tested. ``title`` is the name for
    tables, ``quantity`` names what ``estimate`` measures (of a condition too) and ``meaning`` says
    in words what it means here; ``settling`` says what would decide an undetermined one.
    ``deciding`` are the rows that made the verdict. ``evidence`` is the section with its evidence,
    ``figures`` the figures in it that show it best, each with its title; ``asked`` is False where
    the study cannot be asked.
    """

    name: str
    claim: str
    headline: str
    verdict: str
    provisional: bool
    estimate: str
    interval: str
    bound: str
    glyph: str
    sentence: str
    evidence: str
    evidence_title: str
    query: str
    rows: Sequence[Finding] = ()
    deciding: Sequence[Finding] = ()
    core: bool = False
    quantity: str = ""
    meaning: str = ""
    settling: str = ""
    title: str = ""
    figures: Sequence[str] = ()
    asked: bool = True


@dataclass(frozen=True)
class Findings:
    """The findings, in their order."""

    items: Sequence[Finding]
    kind: str = "findings"


@dataclass(frozen=True)
class Explorer:
    """Every training example, to be searched, sorted and looked at.

    ``columns`` are names and titles of the table's columns, ``kept`` the names that stay on narrow
    screens; ``classes`` labels with names, ``kinds`` codes with titles; ``presets`` the views to
    start with; ``measures`` groups of what a range can be asked of,
    ``measured`` the first one asked.
    ``data`` is packed as ``explorer.payload`` says, ``library`` is the table's script, compressed;
    ``sheets`` are data URIs with the thumbnails, ``chart`` the Vega-Lite of one example's scores.
    """

    columns: Sequence[tuple[str, str]]
    kept: Sequence[str]
    objectives: Sequence[str]
    sizes: Sequence[str]
    proxies: Sequence[str]
    classes: Sequence[tuple[int, str]]
    shapes: Sequence[str]
    kinds: Sequence[tuple[str, str]]
    relabelled: bool
    suspects: bool
    presets: Sequence[tuple[str, str]]
    measures: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    measured: str
    notes: Sequence[str]
    data: str
    library: str
    sheets: Sequence[str]
    chart: dict[str, Any]
    kind: str = "explorer"


Block = Text | Note | Figure | Table | Gallery | Findings | Snippet | Explorer


@dataclass(frozen=True)
class Fold:
    """Part of a section that a page shows behind a click; ``summary`` says what came out."""

    summary: str
    blocks: Sequence[Block] = ()


@dataclass(frozen=True)
class Section:
    """One section of the report: what everybody reads, and the checks behind it.

    ``asks`` is what the question of the section would take, where the store cannot answer it; such
    sections have no blocks, and are one list together.
    """

    name: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    fold: Fold | None = None
    asks: str = ""

    @property
    def every(self) -> Sequence[Block]:
        """The blocks of both levels."""
        return [*self.blocks, *(self.fold.blocks if self.fold else ())]


@dataclass(frozen=True)
class Picture:
    """The picture of the first screen: a chart, and images of the examples that it is about."""

    figure: Figure
    rows: Sequence[Row] = ()


@dataclass(frozen=True)
class Opening:
    """The first screen, and what was run.

    ``run`` is what was run, in one line; ``answer`` the result in one sentence; ``results`` are the
    findings. ``definition`` says what a score is, ``limits`` how far the numbers reach. ``facts``
    and a row per size, its name and then ``size_columns``, are for those who want to know more.
    """

    title: str
    run: str
    answer: str
    picture: Picture | None
    results: Sequence[Finding]
    definition: str
    limits: str
    facts: Sequence[tuple[str, str]]
    sizes: Sequence[tuple[str, ...]]
    size_columns: Sequence[str]
