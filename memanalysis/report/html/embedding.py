"""Values inside the page: JSON in script elements, colours as custom properties, CSV as text."""

from __future__ import annotations

import json
from typing import Any, Final

import polars as pl
from markupsafe import Markup

from memanalysis.charts import theme

_PROPERTIES: Final = {value: f"var(--{name})" for name, value in theme.LIGHT.items()}


def chart_json(spec: dict[str, Any]) -> Markup:
    """A chart's specification, its colours following the page's theme."""
    return script_json(_themed(_rounded(spec)))


def config_json() -> Markup:
    """The configuration of every chart of the page, and the palette of charts outside of it."""
    config = _themed(theme.config() | {"background": "transparent"})
    return script_json({"config": config, "palette": theme.LIGHT})


def script_json(value: object) -> Markup:
    """JSON that is safe inside a script element, whatever its strings hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def script_text(text: str) -> Markup:
    """A script that cannot end its own element."""
    return Markup(text.replace("</script", "<\\/script"))


def csv_json(frame: pl.DataFrame) -> Markup:
    """A frame as the text of a CSV file, which the page makes a file of when it is asked for."""
    return script_json(frame.write_csv(float_precision=6))


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
