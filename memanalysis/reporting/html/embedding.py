"""Values inside the page: JSON in script elements, colours as custom properties, CSV as text."""

from __future__ import annotations

import json
from typing import Any, Final

import polars as pl
from markupsafe import Markup

from memanalysis.figures import theme
from memanalysis.reporting.gzip64 import compressed

_PROPERTIES: Final = {value: f"var(--{name})" for name, value in theme.LIGHT.items()}
# In pixels. Vega takes it, Altair's schema does not know it.
_BETWEEN_LEGENDS: Final = 20


def chart(spec: dict[str, Any]) -> dict[str, Any]:
    """A chart's specification, its colours following the page's theme, in six digits."""
    themed: dict[str, Any] = _themed(_rounded(spec))
    return themed


def config() -> dict[str, Any]:
    """The configuration of every chart of the page."""
    themed: dict[str, Any] = _themed(theme.config() | {"background": "transparent"})
    themed["legend"] |= {"layout": {"top": {"margin": _BETWEEN_LEGENDS}}}
    return themed


def packed_json(value: object) -> str:
    """JSON as base64 of gzip, for what a page holds but does not show at once."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return compressed(text.encode())


def script_json(value: object) -> Markup:
    """JSON that is safe inside a script element, whatever its strings hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def script_text(text: str) -> Markup:
    """A script that cannot end its own element."""
    return Markup(text.replace("</script", "<\\/script"))


def chart_json(spec: dict[str, Any]) -> Markup:
    """``chart`` of a specification, in a script element."""
    return script_json(chart(spec))


def csv_json(frame: pl.DataFrame) -> Markup:
    """A frame as the text of a CSV file, which the page makes a file of when it is asked for.

    Columns of whole numbers are written as such, whatever their type is.
    """
    whole = [
        column.name
        for column in frame
        if column.dtype.is_float() and (column.drop_nulls() % 1 == 0).all()
    ]
    return script_json(
        frame.with_columns(pl.col(whole).cast(pl.Int64)).write_csv(float_precision=6)
    )


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
