"""A study in, one self-contained HTML page out."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

import polars as pl
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from memanalysis._version import __version__
from memanalysis.charts import theme
from memanalysis.report import blocks, wording
from memanalysis.report.reading import Reading
from memanalysis.report.sections import ORDER
from memanalysis.report.sections.opening import opening
from memanalysis.study import Study

# Tables under figures show at most this many rows; the download holds them all.
_ROWS_SHOWN: Final = 60
_GLOBALS: Final = "window.vegaEmbed = vegaEmbed;"


def render(study: Study) -> str:
    """Return the report on ``study`` as the text of an HTML page."""
    reading = Reading(study)
    sections = [part.section(reading) for part in ORDER]
    page = _environment().get_template("page.html.jinja")
    text = page.render(
        opening=opening(reading),
        study=study.manifest.study,
        sections=sections,
        specs={f"spec-{figure.name}": _spec(figure.spec) for figure in _figures(sections)},
        config=_script_json(_themed(theme.config() | {"background": "transparent"})),
        light=theme.LIGHT,
        dark=theme.DARK,
        style=Markup(_text("style.css")),
        script=Markup(_text("page.js")),
        vega=Markup(_vega()),
        version=__version__,
    )
    return text.lstrip()  # the macros above the page leave empty lines


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that cannot end its own element."""
    return str(vl_convert.javascript_bundle(_GLOBALS)).replace("</script", "<\\/script")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("memanalysis", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "csv_uri": _csv_uri,
        "shown": lambda frame: frame.head(_ROWS_SHOWN).iter_rows(),
        "cell": wording.cell,
        "prose": wording.prose,
        "numeric": _numeric,
        "svg": Markup,
    }
    return environment


def _figures(sections: list[blocks.Section]) -> list[blocks.Figure]:
    return [
        block
        for section in sections
        for block in section.blocks
        if isinstance(block, blocks.Figure)
    ]


def _spec(spec: dict[str, Any]) -> Markup:
    return _script_json(_themed(_rounded(spec)))


def _script_json(value: object) -> Markup:
    """JSON that is safe inside a script element, whatever its strings hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _themed(value: Any) -> Any:
    """Replace the light palette's colours by the page's custom properties of the same names."""
    if isinstance(value, dict):
        return {key: _themed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_themed(item) for item in value]
    return _PROPERTIES.get(value, value) if isinstance(value, str) else value


def _rounded(value: Any) -> Any:
    """Floats to six significant digits: more only makes the page larger."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _csv_uri(frame: pl.DataFrame) -> str:
    """Return a frame as the data URI of a CSV file."""
    text = frame.write_csv(float_precision=6)
    return "data:text/csv;charset=utf-8," + quote(text, safe=" ,;:/()'-_.~")


def _numeric(frame: pl.DataFrame) -> list[bool]:
    return [dtype.is_numeric() for dtype in frame.dtypes]


def _text(name: str) -> str:
    return (files("memanalysis.report") / name).read_text(encoding="utf-8")


_PROPERTIES: Final = {value: f"var(--{name})" for name, value in theme.LIGHT.items()}
