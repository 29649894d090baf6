"""Texts that vl-convert can draw."""

from __future__ import annotations

import re
from typing import Any, Final

# XML has no such characters, and vl-convert ends the process where a text to draw has one.
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def drawable(value: Any) -> Any:
    """A Vega-Lite specification, or a part of one, without characters that XML does not have."""
    if isinstance(value, dict):
        return {drawable(key): drawable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [drawable(item) for item in value]
    return xml_text(value) if isinstance(value, str) else value


def xml_text(text: str) -> str:
    """``text`` without the characters that XML does not have."""
    return _NOT_XML.sub("", text)
