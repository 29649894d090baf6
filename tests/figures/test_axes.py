"""Axes of sizes: what names share stands once, and names do not run together."""

import re

import altair as alt
import polars as pl
import pytest
import vl_convert

from memanalysis.figures import theme


@pytest.mark.parametrize(
    ("sizes", "shared"),
    [
        (["resnet8w2", "resnet8w16"], "resnet8"),
        (["resnet-18", "resnet-110"], "resnet-"),
        (["cnn_s", "cnn_m"], "cnn_"),
        (["width10", "width20"], ""),
        (["s1", "s2"], ""),
        (["x-", "x-1"], ""),
        (["one-1"], ""),
        ([], ""),
    ],
)
def test_shared_prefix_ends_at_a_whole_part(sizes: list[str], shared: str) -> None:
    """Oracle: read off the names; what is left begins a word or a number and is never empty."""
    assert theme.shared_prefix(sizes) == shared


def test_axis_says_once_what_sizes_share() -> None:
    """Oracle: Vega's slice counts UTF-16 code units, two for a character beyond the basic plane."""
    made = theme.size_axis(["\N{SNOWMAN}\N{SNAIL}-2", "\N{SNOWMAN}\N{SNAIL}-4"]).to_dict()
    assert made["title"] == "model size (\N{SNOWMAN}\N{SNAIL}-…)"
    axis = made["axis"]
    assert (axis["labelAngle"], axis["labelExpr"]) == (0, "slice(datum.label, 4)")
    assert made["sort"] == ["\N{SNOWMAN}\N{SNAIL}-2", "\N{SNOWMAN}\N{SNAIL}-4"]


@pytest.mark.parametrize(("width", "left_out"), [(400, []), (60, ["3", "6", "12"])])
def test_names_without_room_are_left_out(width: int, left_out: list[str]) -> None:
    """Oracle: read off the picture that Vega draws."""
    sizes = [f"resnet8w{size}" for size in (2, 3, 4, 6, 8, 12, 16)]
    frame = pl.DataFrame({"size": sizes, "score": range(7)})
    drawn = alt.Chart(frame).mark_point().encode(x=theme.size_axis(sizes), y="score:Q")
    svg = vl_convert.vegalite_to_svg(drawn.properties(width=width).to_json())
    names = re.findall(r'<text[^>]* opacity="(\d)">(\d+)</text>', svg)[: len(sizes)]
    assert len(names) == len(sizes)
    assert [name for opacity, name in names if opacity == "0"] == left_out


def test_axis_leaves_names_that_share_nothing() -> None:
    """Oracle: written out by hand."""
    made = theme.size_axis(["small", "large"]).to_dict()
    assert (made["title"], made["axis"]) == ("model size", {"labelAngle": -38})
