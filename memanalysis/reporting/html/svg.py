"""SVG as vega writes it, made small enough for a page that shows thirty of them."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from memanalysis.figures import theme

_SVG: Final = "{http://www.w3.org/2000/svg}"
# For screen readers (the element around the picture speaks), for pointers, or the same everywhere.
_NEEDLESS: Final = frozenset(
    [
        "class",
        "role",
        "aria-label",
        "aria-hidden",
        "aria-roledescription",
        "pointer-events",
        "font-family",
    ]
)
_DEFAULTS: Final = {
    ("opacity", "1"),
    ("stroke-width", "1"),
    ("font-weight", "normal"),
    ("transform", "translate(0,0)"),
}
_GEOMETRY: Final = frozenset(
    ["d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "opacity"]
)
_LONG_NUMBER: Final = re.compile(r"-?\d*\.\d{3,}(?:e-?\d+)?")
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")


def lean(svg: str, name: str) -> str:
    """An SVG document as an element of the page that shows the same in a third of the text."""
    ElementTree.register_namespace("", _SVG.strip("{}"))
    root = ElementTree.fromstring(svg)
    _prune(root, name)
    root.attrib |= {"font-family": theme.FONT, "aria-hidden": "true"}
    text = ElementTree.tostring(root, encoding="unicode")
    return text.replace(f' xmlns="{_SVG.strip("{}")}"', "")


def _prune(element: ElementTree.Element, name: str) -> None:
    """Drop what cannot be seen, and make ids unlike those of the page's other pictures."""
    children: list[ElementTree.Element] = []
    for child in element:
        if _unseen(child):
            continue
        _prune(child, name)
        bare = child.tag == f"{_SVG}g" and not child.attrib
        children.extend(child if bare else [child])
    element[:] = children
    element.attrib = {
        key: _REFERENCE.sub(rf"url(#{name}-\1)", _short(key, value))
        for key, value in element.attrib.items()
        if key not in _NEEDLESS and (key, value) not in _DEFAULTS
    }
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.attrib['id']}")


def _unseen(element: ElementTree.Element) -> bool:
    """True if an element is a frame that vega draws around groups without filling it."""
    if element.tag == f"{_SVG}g":
        return len(element) == 0
    painted = element.get("fill") or element.get("stroke")
    return element.get("class") in ("background", "foreground") and not painted


def _short(key: str, value: str) -> str:
    """Lengths to a tenth of a pixel, opacity to a thousandth."""
    if key not in _GEOMETRY:
        return value
    digits = 3 if key == "opacity" else 1
    return _LONG_NUMBER.sub(lambda found: f"{round(float(found[0]), digits):g}", value)
