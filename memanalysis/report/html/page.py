"""Sections in, one self-contained HTML page out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import polars as pl
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from memanalysis._version import __version__
from memanalysis.charts import theme
from memanalysis.report import blocks, wording
from memanalysis.report.document import Document
from memanalysis.report.html import embedding

# Tables under figures show at most this many rows; the download holds them all.
_ROWS_SHOWN: Final = 60
_GLOBALS: Final = "window.vegaEmbed = vegaEmbed;"
_STYLES: Final = ("page", "figures", "tables", "findings", "gallery", "print")
_SCRIPTS: Final = ("charts", "copying")


def render(document: Document) -> str:
    """Return the report as the text of an HTML page."""
    sections = document.sections
    page = _environment().get_template("page.html.jinja")
    text = page.render(
        opening=document.opening,
        study=document.study,
        sections=sections,
        specs={
            f"spec-{figure.name}": embedding.chart_json(figure.spec)
            for figure in _figures(sections)
        },
        config=embedding.config_json(),
        light=theme.LIGHT,
        dark=theme.DARK,
        styles=[Markup(_text("style", f"{name}.css")) for name in _STYLES],
        scripts=[embedding.script_text(_text("script", f"{name}.js")) for name in _SCRIPTS],
        vega=_vega(),
        version=__version__,
    )
    return text.lstrip()  # the imports above the page leave empty lines


@cache
def _vega() -> Markup:
    """Return Vega, Vega-Lite and Vega-Embed as one script."""
    return embedding.script_text(str(vl_convert.javascript_bundle(_GLOBALS)))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("memanalysis.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "csv_uri": embedding.csv_uri,
        "shown": lambda frame: frame.head(_ROWS_SHOWN).iter_rows(),
        "cell": wording.cell,
        "prose": wording.prose,
        "numeric": _numeric,
        "svg": Markup,
    }
    return environment


def _figures(sections: Sequence[blocks.Section]) -> list[blocks.Figure]:
    return [
        block
        for section in sections
        for block in section.blocks
        if isinstance(block, blocks.Figure)
    ]


def _numeric(frame: pl.DataFrame) -> list[bool]:
    return [dtype.is_numeric() for dtype in frame.dtypes]


def _text(folder: str, name: str) -> str:
    return (files("memanalysis.report.html") / folder / name).read_text(encoding="utf-8")
