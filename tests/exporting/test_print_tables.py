"""Printed tables, against texts typed by hand."""

import polars as pl
import pytest

from memanalysis.errors import QueryError
from memanalysis.exporting import latex, markdown

FRAME = pl.DataFrame(
    {
        "size": ["a_1", "50 % & <more>"],
        "size_rank": [0, 1],
        "n_models": [1200, None],
        "auc": [0.2161, -0.5004],
        "auc_low": [0.2011, -0.5154],
        "auc_high": [0.2311, -0.4854],
        "ratio": [1.25, None],
        "p_value": [0.00004, 0.25],
        "saturated": [True, None],
        "bits": [b"x", b"y"],
    }
)


def test_latex_by_hand() -> None:
    """Intervals join their value, signs are minus signs, NULL is a dash, texts are escaped."""
    assert latex(FRAME, note="study x").splitlines() == [
        r"% \usepackage{booktabs}; study x",
        r"\begin{tabular}{lrrrrl}",
        r"\toprule",
        r"size & n models & auc & ratio & p value & saturated \\",
        r"\midrule",
        r"a\_1 & 1,200 & .216 [.201, .231] & 1.25 & $<$.001 & yes \\",
        r"50 \% \& $<$more$>$ & -- & $-$.500 [$-$.515, $-$.485] & -- & .250 & -- \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_markdown_by_hand() -> None:
    """The same cells; what could be markup is escaped."""
    assert markdown(FRAME, ["size", "auc", "p_value"]).splitlines() == [
        "| size | auc | p value |",
        "| --- | ---: | ---: |",
        r"| a\_1 | .216 [.201, .231] | &lt;.001 |",
        r"| 50 % &amp; &lt;more&gt; | −.500 [−.515, −.485] | .250 |",
    ]


@pytest.mark.parametrize(
    ("low", "value", "high", "expected"),
    [
        (0.4, 0.5, 0.6, ".50 [.40, .60]"),
        (0.9988, 0.9996, 1.00003, ".9996 [.9988, 1.0000]"),
        (0.8, 1.1, 1.4, "1.10 [0.80, 1.40]"),
        (-0.0001, 0.0004, 0.0009, ".0004 [-.0001, .0009]"),
        (-30.0, -10.0, 1010.0, "-10 [-30, 1,010]"),
        (None, 0.25, None, ".25"),
    ],
)
def test_decimals_follow_the_interval(low, value, high, expected: str) -> None:
    """Two digits of half its width; a leading zero only where a number can exceed 1."""
    kinds = dict.fromkeys(("estimate", "ci_low", "ci_high"), pl.Float64)
    frame = pl.DataFrame({"estimate": [value], "ci_low": [low], "ci_high": [high]}, schema=kinds)
    assert markdown(frame).splitlines()[-1] == f"| {expected.replace('-', '−')} |"


def test_plain_numbers_have_three_digits() -> None:
    """By the largest of the column; fewer where all have fewer; never a minus zero."""
    frame = pl.DataFrame(
        {"a": [12.345, -0.001], "b": [0.5, 0.25], "c": [2.0, 3.0], "d": [float("nan"), 0.1]}
    )
    assert markdown(frame).splitlines()[2:] == [
        "| 12.3 | .50 | 2 | – |",
        "| 0.0 | .25 | 3 | .1 |",
    ]


def test_a_row_never_starts_like_an_option() -> None:
    r"""LaTeX reads ``\\ [x]`` as a length, so brackets in texts are wrapped."""
    text = latex(pl.DataFrame({"a": ["x", "[y] {\\z} ~^#$"]}))
    assert r"{[}y{]} \{\textbackslash{}z\} \textasciitilde{}\textasciicircum{}\#\$ \\" in text


def test_what_cannot_be_printed_is_refused() -> None:
    """Unknown columns, bytes, too many rows: what was asked and what to do."""
    with pytest.raises(QueryError, match=r"no column 'acu'. Did you mean 'auc'"):
        latex(FRAME, ["acu"])
    with pytest.raises(QueryError, match="'bits' holds bytes"):
        markdown(FRAME, ["bits"])
    with pytest.raises(QueryError, match=r"301 rows.*at most 300.*--query"):
        latex(pl.DataFrame({"a": range(301)}))
    with pytest.raises(QueryError, match="no column that can be printed"):
        latex(FRAME.select("bits"))
