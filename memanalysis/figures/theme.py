"""One look for every chart: palette, order of sizes and categories, and Vega-Lite configuration.

A chart carries the light palette. The report replaces each of these colours by the CSS custom
property of the same name, so that its dark theme and its print style reach into the charts.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, Protocol, TypeAlias, cast

import altair as alt
import polars as pl

from memanalysis import wording

AnyChart: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart


class Tables(Protocol):
    """The source of a chart's Polars frames: relations, and the results of queries."""

    def table(self, name: str, /) -> pl.DataFrame:
        """The relation ``name``, whole."""
        ...

    def sql(self, text: str, /) -> pl.DataFrame:
        """The result of one query over the relations."""
        ...


# The categories' colours were chosen by random search for the largest smallest distance in CIELAB
# under normal vision and simulated protanopia, deuteranopia and tritanopia (Machado et al. 2009,
# severity 1), at a contrast of 3 against the page, then softened: no two are nearer than 15.
LIGHT: Final = {
    "paper": "#fcfbf8",
    "ink": "#1d2733",
    "muted": "#5c6773",
    "axis": "#a3a9af",
    "grid": "#e5e2db",
    "one-hot": "#2b3a4a",
    "distilled": "#16918b",
    "inside": "#b8862b",
    "outside": "#8497a9",
    "fixed": "#46525f",
    "increasing": "#b03a22",
    "decreasing": "#3a94d6",
    "cap": "#7c3f9e",
    "u": "#2f8560",
    "mixed": "#b08a3a",
    "undetermined": "#8d959d",
    "size-0": "#7c9b5f",
    "size-1": "#528f70",
    "size-2": "#317f7d",
    "size-3": "#1b6e84",
    "size-4": "#055c83",
    "size-5": "#1a4a7a",
    "size-6": "#23396d",
    "size-7": "#29285b",
    "size-8": "#271a43",
    "variant-0": "#b9527c",
    "variant-1": "#707a22",
    "variant-2": "#8a5b3d",
}
DARK: Final = {
    "paper": "#14181d",
    "ink": "#e8e6e1",
    "muted": "#a0a9b3",
    "axis": "#66707b",
    "grid": "#2a3138",
    "one-hot": "#e3e6ea",
    "distilled": "#3cc4bb",
    "inside": "#e0b458",
    "outside": "#7f93a6",
    "fixed": "#bac4d1",
    "increasing": "#f49c88",
    "decreasing": "#35b3f2",
    "cap": "#c06bbf",
    "u": "#5fa34c",
    "mixed": "#d7ba3f",
    "undetermined": "#646d77",
    "size-0": "#5263a6",
    "size-1": "#4a77b2",
    "size-2": "#4a89b3",
    "size-3": "#559db5",
    "size-4": "#69b1b3",
    "size-5": "#84c4ae",
    "size-6": "#a4d5a9",
    "size-7": "#c8e4a6",
    "size-8": "#eef1a8",
    "variant-0": "#e792b3",
    "variant-1": "#b6c35a",
    "variant-2": "#cb9c7a",
}

SHAPES: Final = ("increasing", "decreasing", "cap", "u", "mixed", "fixed", "undetermined")
OBJECTIVES: Final = ("one_hot", "distilled")
OBJECTIVE_TITLES: Final = {"one_hot": "one-hot labels", "distilled": "distilled"}

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_RAMP: Final = 9
_VARIANTS: Final = 3
# What is left of a mark that is not pointed at: still there, no longer in the way.
_FADED: Final = 0.12
# How far the title of a panel stands above it, in pixels: more than half a label of its y axis.
_HEADING_ABOVE: Final = 9
# The width of a y axis' usual labels in pixels: −0.005.
LABEL_WIDTH: Final = 46
# As the producer names the sizes of its families.
_SIZED: Final = re.compile(r"(?P<family>[a-z]+?)(?P<depth>\d+)?w(?P<width>[\d.]+)")
# Characters of a title over the narrowest charts.
TITLE_LENGTH: Final = 72
# The longest name of a size, in characters, that fits upright under narrow panels.
_UPRIGHT: Final = 3
_SIZE_TITLE: Final = "model size"


def colour(name: str) -> str:
    """The light palette's colour of a category, objective or part of the page."""
    return LIGHT[name.replace("_", "-")]


def size_colours(n: int) -> list[str]:
    """``n`` colours from the smallest size to the largest, spread over the ramp."""
    steps = [round(i * (_RAMP - 1) / max(n - 1, 1)) for i in range(n)]
    return [LIGHT[f"size-{step}"] for step in (steps if n > 1 else [_RAMP // 2])]


def in_order(frame: pl.DataFrame, name: str = "size") -> list[str]:
    """The sizes of ``frame`` from smallest to largest, by ``size_rank``."""
    ranked = frame.select(name, "size_rank").drop_nulls().unique().sort("size_rank", name)
    return ranked[name].unique(maintain_order=True).to_list()


def values(frame: pl.DataFrame, name: str) -> list[str]:
    """The values of a column in the order in which they come, each once."""
    return frame[name].unique(maintain_order=True).to_list()


def known_order(values: Sequence[str], order: Sequence[str]) -> list[str]:
    """``values`` without repetitions in the given order, unknown ones last by name."""
    present = set(values)
    return [v for v in order if v in present] + sorted(present - set(order))


def size_scale(sizes: Sequence[str]) -> alt.Scale:
    """The colour scale of sizes."""
    return alt.Scale(domain=list(sizes), range=size_colours(len(sizes)))


def category_scale(categories: Sequence[str]) -> alt.Scale:
    """The colour scale of trajectory shapes and directions."""
    colours = [LIGHT.get(category, LIGHT["muted"]) for category in categories]
    return alt.Scale(domain=list(categories), range=colours)


def objective_scale(titles: Sequence[str]) -> alt.Scale:
    """The colour scale of objectives, by their titles; variants have colours of their own."""
    names = {title: name for name, title in OBJECTIVE_TITLES.items()}
    variants = [title for title in titles if title not in names]
    names |= {title: f"variant-{place % _VARIANTS}" for place, title in enumerate(variants)}
    return alt.Scale(domain=list(titles), range=[colour(names[title]) for title in titles])


def told_apart(frame: pl.DataFrame) -> list[str]:
    """The objectives of ``frame``, or the two of ``OBJECTIVES`` where there are too many."""
    names = frame["objective"].unique(maintain_order=True).to_list()
    variants = [name for name in names if name not in OBJECTIVES]
    return names if len(variants) <= _VARIANTS else [name for name in names if name in OBJECTIVES]


def shared_prefix(sizes: Sequence[str]) -> str:
    """Common beginning of all names, up to a word or a number: 'resnet8' of 'resnet8w2'.

    Empty where names share no whole part, or where one of them would have nothing left.
    """
    agreed = takewhile(lambda characters: len(set(characters)) == 1, zip(*sizes, strict=False))
    prefix = re.sub(r"[^\W\d_]*\d*$", "", "".join(characters[0] for characters in agreed))
    return prefix if len(set(sizes)) > 1 and prefix not in sizes else ""


@dataclass(frozen=True)
class Sizes:
    """Difference between sizes: ``axis`` is 'width', 'depth' or both, ``values`` is it by name."""

    axis: str
    values: Mapping[str, str]

    def label(self, expression: str) -> str:
        """The Vega expression ``expression`` of a size's label, its name replaced by its value."""
        return f"replace({expression}, datum.label, {json.dumps(dict(self.values))}[datum.label])"


def told_apart_by(names: Sequence[str]) -> Sizes | None:
    """Difference between the sizes of one family; None for other names, or without one."""
    parts = [_SIZED.fullmatch(name) for name in names]
    sized = [part for part in parts if part]
    if len(sized) < len(parts) or len({part["family"] for part in sized}) != 1:
        return None
    varying = [axis for axis in ("depth", "width") if len({part[axis] for part in sized}) > 1]
    if not varying or any(part[axis] is None for part in sized for axis in varying):
        return None
    values = {part[0]: ", ".join(part[axis] for axis in varying) for part in sized}
    return Sizes(", ".join(varying), values) if len(set(values.values())) == len(names) else None


def spoken(names: Sequence[str]) -> dict[str, str]:
    """Sizes as sentences name them: ``resnet8w16`` is 'width 16' where widths alone differ."""
    sizes = told_apart_by(names)
    if sizes is None:
        return {name: name for name in names}
    axes = sizes.axis.split(", ")
    return {
        name: ", ".join(f"{a} {v}" for a, v in zip(axes, value.split(", "), strict=True))
        for name, value in sizes.values.items()
    }


def size_axis(sizes: Sequence[str], title: str = _SIZE_TITLE, labels: str | None = None) -> alt.X:
    """The x channel of charts over sizes; ``labels`` is a Vega expression (``sizes.labels``).

    The axis is called after what tells the sizes apart; what all names begin with stands once.
    """
    prefix = shared_prefix(sizes)
    longest = max((len(size) for size in sizes), default=0) - len(prefix)
    apart = told_apart_by(sizes)
    if apart is not None:
        title = f"model {apart.axis}" if title == _SIZE_TITLE else title
        labels = apart.label(labels or "datum.label")
        longest = max(map(len, apart.values.values()))
    elif prefix:
        # Vega counts UTF-16 code units, of which a character outside the basic plane has two.
        labels = f"slice({labels or 'datum.label'}, {len(prefix.encode('utf-16-le')) // 2})"
        title = f"{title} ({prefix}…)"
    upright = longest <= _UPRIGHT
    axis = alt.Axis(
        labelAngle=0 if upright else -38,
        labelExpr=labels or alt.Undefined,
        # Every other label goes before two run together. Slanted ones never do, though the boxes
        # around them overlap.
        labelOverlap=True if upright else alt.Undefined,
        labelSeparation=2 if upright else alt.Undefined,
    )
    return alt.X("size:N", sort=list(sizes), title=title, axis=axis)


def panels(
    chart: AnyChart, field: str, order: Sequence[str], columns: int, labels: str | None = None
) -> alt.FacetChart:
    """Small multiples of ``chart``, one for each value of ``field`` in the given order.

    ``labels`` is a Vega expression for the panels' titles (``sizes.labels``); those of sizes are
    spelled as sentences name them.
    """
    apart = told_apart_by(order) if field == "size" else None
    if apart is not None:
        named = json.dumps(spoken(order))
        labels = f"replace({labels or 'datum.label'}, datum.label, {named}[datum.label])"
    unnamed = alt.Header(title=None, labelExpr="''", labelFontSize=0, labelPadding=0)
    facet = alt.Facet(f"{field}:N", sort=list(order), header=unnamed)
    layers = chart if isinstance(chart, alt.LayerChart) else alt.layer(chart, data=chart.data)
    layers.layer = [*layers.layer, _heading(field, labels)]
    faceted = cast("alt.FacetChart", layers.facet(facet=facet, columns=columns))
    # Shared x axes would also be drawn under the empty cells of a last row that is not full.
    # Set in place: Altair's own method copies the chart with all its layers.
    faceted.resolve = alt.Resolve(axis=alt.AxisResolveMap(x="independent"))
    return faceted


def _heading(field: str, labels: str | None) -> alt.Chart:
    """The title of a panel: the value of ``field``, as a Vega expression of it spells it.

    A text in the panel stands at the same height in all of them. Vega sets its own titles of panels
    above what reaches highest in each, so that they, and the panels of a row, come out of line.
    """
    once = alt.Chart().transform_aggregate(groupby=[field])
    text = once.transform_calculate(label=f"datum['{field}']").transform_calculate(
        heading=labels or "datum.label"
    )
    written = text.mark_text(
        align="left", baseline="bottom", fontSize=12, fontWeight=600, color=LIGHT["ink"], limit=200
    )
    # Typed channels: to find the type of another Altair reads its whole schema, for each chart.
    place: Any = {"x": alt.XValue, "y": alt.YValue}
    heading: alt.Chart = written.encode(
        place["x"](0), place["y"](-_HEADING_ABOVE), alt.Text("heading:N")
    )
    return heading


def own_scales(chart: alt.FacetChart) -> alt.FacetChart:
    """``chart`` with a y scale for each panel; labels take the same room, so that plots line up.

    Changes ``chart`` itself.
    """
    for unit in _units(chart):
        y = _channel(unit, "y")
        if isinstance(y, alt.Y) and y["axis"] is alt.Undefined:
            y["axis"] = alt.Axis(minExtent=LABEL_WIDTH)
    own: alt.FacetChart = chart.resolve_scale(y="independent")
    return own


def tooltip(*columns: str) -> list[alt.Tooltip]:
    """Tooltips of ``columns``, by names that read; ``value:.3f`` is a number with its format."""
    parts = [column.partition(":") for column in columns]
    return [
        alt.Tooltip(f"{name}:Q", format=form, title=wording.column(name))
        if form
        else alt.Tooltip(name, title=wording.column(name))
        for name, _, form in parts
    ]


def finish(chart: AnyChart, *, panel: int = 0, count: int = 1, square: bool = False) -> AnyChart:
    """``chart`` with the common look, and what the report needs to fit it to a page.

    ``panel`` is the least width of one panel in pixels, ``count`` the number of panels, ``square``
    whether they are as high as wide. Charts with a legend are ``linked`` by what it names.
    Changes ``chart`` itself: Altair's own methods would copy all of it, twice.
    """
    chart.usermeta = {"panel": panel, "count": count, "square": square}
    chart.config = alt.Config(**config())
    return linked(chart)


def linked(chart: AnyChart) -> AnyChart:
    """``chart`` with marks that answer to each other through the field that its legend names.

    Pointing at a mark, or clicking on the legend, keeps what has the same value, in every panel,
    and fades the rest. Charts without a legend stay as they are. Changes ``chart`` itself: adding
    parameters by Altair's own methods copies all of it, twice.
    """
    units = _units(chart)
    found = next(((unit, name) for unit in units if (name := _named(unit))), None)
    if found is None:
        return chart
    asked, field = found
    asked.name = "linked"
    pointing = alt.PointSelectionConfig(
        type="point", fields=[field], on="pointerover", clear="pointerout"
    )
    picking = alt.PointSelectionConfig(type="point", fields=[field])
    chart.params = [
        alt.TopLevelSelectionParameter(name="pointed", select=pointing, views=["linked"]),
        alt.TopLevelSelectionParameter(
            name="picked", select=picking, bind="legend", views=["linked"]
        ),
    ]
    kept: Any = {"test": {"and": [{"param": "pointed"}, {"param": "picked"}]}}
    for unit in units:
        if field in _colour_fields(unit) and _channel(unit, "opacity") is alt.Undefined:
            full = getattr(unit.mark, "opacity", alt.Undefined)
            shown = alt.value(1 if full is alt.Undefined else full)
            unit.encoding.opacity = alt.condition(kept, shown, alt.value(_FADED))
    return chart


def _units(chart: AnyChart) -> list[alt.Chart]:
    """The single views that a chart is made of."""
    inner = chart.spec if isinstance(chart, alt.FacetChart) else chart
    layers = inner.layer if isinstance(inner, alt.LayerChart) else [inner]
    return [cast("alt.Chart", layer) for layer in layers]


def _channel(unit: alt.Chart, name: str) -> Any:
    return getattr(unit.encoding, name, alt.Undefined)


def _colour_fields(unit: alt.Chart) -> set[str]:
    """The nominal fields that colour a view's marks."""
    channels = [_channel(unit, name) for name in ("color", "fill", "stroke")]
    shorthands = [str(getattr(channel, "shorthand", "")) for channel in channels]
    return {text.removesuffix(":N") for text in shorthands if text.endswith(":N")}


def _named(unit: alt.Chart) -> str | None:
    """The nominal field that a view's legend names, if it has one."""
    colour_of = _channel(unit, "color")
    # By item: as attributes, the parts of a channel are methods that set them.
    if not isinstance(colour_of, alt.Color) or colour_of["legend"] is None:
        return None
    shorthand = str(getattr(colour_of, "shorthand", ""))
    return shorthand.removesuffix(":N") if shorthand.endswith(":N") else None


def lines(text: str) -> list[str]:
    """``text`` in lines that fit above a chart: Vega breaks none."""
    return textwrap.wrap(text, TITLE_LENGTH)


def nothing(why: str) -> AnyChart:
    """A chart that says in one line why there is nothing to draw."""
    line = alt.Chart(pl.DataFrame({"why": [why]})).mark_text(
        align="left", baseline="top", fontSize=13, color=LIGHT["muted"]
    )
    place = {"x": alt.value(0), "y": alt.value(0), "text": "why:N"}
    return finish(line.encode(**place).properties(width=480, height=20, title="Nothing to draw"))


def config() -> dict[str, Any]:
    """The Vega-Lite configuration of every chart."""
    text = {
        "labelColor": LIGHT["muted"],
        "titleColor": LIGHT["muted"],
        "labelFontSize": 11,
        "titleFontSize": 11.5,
        "titleFontWeight": "normal",
    }
    return {
        "background": LIGHT["paper"],
        "font": FONT,
        "view": {"stroke": None, "continuousWidth": 320, "continuousHeight": 200},
        "title": {
            "anchor": "start",
            "color": LIGHT["ink"],
            "fontSize": 14,
            "fontWeight": 600,
            "offset": 12,
            "subtitleColor": LIGHT["muted"],
            "subtitleFontSize": 11.5,
            "subtitlePadding": 5,
        },
        "axis": {
            **text,
            "domainColor": LIGHT["axis"],
            "tickColor": LIGHT["axis"],
            "gridColor": LIGHT["grid"],
            "tickSize": 4,
            "labelPadding": 4,
            "labelSeparation": 5,
            "titlePadding": 8,
            "titleLimit": 260,
        },
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False, "tickCount": 5},
        "legend": {**text, "orient": "top", "title": None, "symbolSize": 90, "offset": 14},
        "facet": {"spacing": 26},
        "line": {"strokeWidth": 2},
        "point": {"size": 46, "filled": True, "opacity": 1},
        "rule": {"strokeWidth": 1.5},
    }
