"""Sections in, one self-contained HTML page out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from memanalysis import wording
from memanalysis._version import __version__
from memanalysis.figures import theme
from memanalysis.reporting import blocks, glossary
from memanalysis.reporting.document import Document
from memanalysis.reporting.gzip64 import compressed
from memanalysis.reporting.html import embedding, pictures, vega

# Tables under figures show at most this many rows; the download holds them all.
_ROWS_SHOWN: Final = 12
_STYLES: Final = ("page", "figures", "tables", "findings", "gallery", "explorer", "print")
_SCRIPTS: Final = (
    *("packed", "charts", "poster", "menus", "reading"),
    *("examples", "pieces", "detail", "explorer"),
)


def render(document: Document) -> str:
    """Return the report as the text of an HTML page."""
    bundle = vega.bundle()
    sections = document.sections
    figures = _figures(sections)
    first = document.opening.picture
    # The first screen may show a chart that its section shows again.
    seen = {**({first.figure.name: first.figure} if first else {}), **figures[0]}
    specs = {name: embedding.chart(figure.spec) for name, figure in (seen | figures[1]).items()}
    config = embedding.config()
    drawn = pictures.draw({name: specs[name] for name in seen}, config)
    page = _environment().get_template("page.html.jinja")
    text = page.render(
        opening=document.opening,
        study=document.study,
        sections=sections,
        links=_links(sections),
        figures={name: f.subtitle or f.title for name, f in (figures[0] | figures[1]).items()},
        terms=glossary.TERMS,
        pictures=dict.fromkeys(specs, Markup()) | drawn,
        specs=embedding.packed_json(specs),
        looks=embedding.script_json(
            {
                "config": config,
                "palette": theme.LIGHT,
                "limits": pictures.LIMITS | {"picture": pictures.WIDTH},
            }
        ),
        light=theme.LIGHT,
        dark=theme.DARK,
        styles=[Markup(_text("style", f"{name}.css")) for name in _STYLES],
        scripts=[embedding.script_text(_text("script", f"{name}.js")) for name in _SCRIPTS],
        vega=compressed(bundle.result().encode()),
        version=__version__,
        file_name=wording.file_name,
        glossary=glossary.Glossary,
        rows_shown=_ROWS_SHOWN,
        sizes=document.reading.spoken,
    )
    return text.lstrip()  # the imports above the page leave empty lines


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("memanalysis.reporting.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "csv": embedding.csv_json,
        "chart_json": embedding.chart_json,
        "table": lambda frame, sizes: wording.table(frame.head(_ROWS_SHOWN), sizes),
        "prose": wording.prose,
        "coded": glossary.coded,
        "numeric": _numeric,
        "svg": Markup,
    }
    return environment


Figures = dict[str, blocks.Figure]


def _figures(sections: Sequence[blocks.Section]) -> tuple[Figures, Figures]:
    """The open figures and those in folds, by name: a fold's are drawn when it is opened."""
    opened = [block for section in sections for block in section.blocks]
    folded = [block for s in sections if s.fold for block in s.fold.blocks]
    first, second = (
        {block.name: block for block in found if isinstance(block, blocks.Figure)}
        for found in (opened, folded)
    )
    return first, second


def _links(sections: Sequence[blocks.Section]) -> list[tuple[str, str]]:
    """Links from the first screen."""
    there = {section.name: section.title for section in sections}
    wanted = (
        ("reliability", "How sure?"),
        ("kinds", "Which labels are wrong?"),
        ("explorer", there.get("explorer", "")),
        ("methods", "For your paper"),
    )
    return [(name, text) for name, text in wanted if name in there]


def _numeric(frame: pl.DataFrame) -> list[bool]:
    return [frame[name].dtype.is_numeric() for name in wording.shown(frame)]


def _text(folder: str, name: str) -> str:
    return (files("memanalysis.reporting.html") / folder / name).read_text(encoding="utf-8")
