"""Relations as tables for papers and pages: LaTeX with booktabs, or Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from memanalysis import numbers
from memanalysis.errors import QueryError, did_you_mean

# Not asked for, these stay out of a printed table: keys for sorting, sentences, bytes.
_UNPRINTED: Final = frozenset({"size_rank", "sentence", "query", "claim", "bound", "core"})
_MOST_ROWS: Final = 300
_P_VALUES: Final = frozenset({"p_value", "q_value"})
_DIGITS: Final = 3  # of a number without an interval
_P_DIGITS: Final = 3
_MOST_DECIMALS: Final = 4

_LATEX: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"$<$", ">": r"$>$", "|": r"$|$", "[": "{[}", "]": "{]}",
    "−": "$-$", "×": r"$\times$", "≥": r"$\ge$", "≤": r"$\le$", "±": r"$\pm$", "Δ": r"$\Delta$",
    "→": r"$\rightarrow$", "α": r"$\alpha$", "τ": r"$\tau$", "μ": r"$\mu$",
    "–": "--", "—": "---", "…": r"\ldots{}", "\u202f": r"\,", "\u00a0": "~",
}  # fmt: skip
_MARKDOWN: Final = {
    **{c: f"\\{c}" for c in "\\`*_{}[]|#$~"},
    # Entities: viewers that render HTML may not know backslashes before it.
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
}


@dataclass(frozen=True)
class _Column:
    """A printed column; ``cells`` are numbers as text, or words, or None."""

    name: str
    numeric: bool
    cells: list[str | None]


def latex(frame: pl.DataFrame, columns: Sequence[str] | None = None, note: str = "") -> str:
    r"""The rows of ``frame`` as a ``tabular`` with booktabs' rules.

    A value and its interval are one cell, ``.216 [.201, .231]``, with the decimals that the width
    of the intervals warrants: two digits of half a median width. Other numbers have three digits,
    those within [−1, 1] no leading zero; p-values below .001 are ``<.001``; NULL is a dash.

    Parameters
    ----------
    columns
        Which columns, in which order; by default all but keys for sorting, sentences and bytes. A
        column's ``_low`` and ``_high`` (``ci_low`` and ``ci_high``) go with it unasked.
    note
        Put before the table, as a comment.

    Raises
    ------
    QueryError
        If a column is unknown, nothing can be printed, or there are more than 300 rows.
    """
    printed = _columns(frame, columns)
    escaped = [[column.name.replace("_", " "), *column.cells] for column in printed]
    texts = [
        [_latex_cell(cell, numeric=column.numeric and bool(row)) for row, cell in enumerate(cells)]
        for column, cells in zip(printed, escaped, strict=True)
    ]
    head, *body = [" & ".join(row) + r" \\" for row in zip(*texts, strict=True)]
    layout = "".join("r" if column.numeric else "l" for column in printed)
    lines = [
        r"% \usepackage{booktabs}" + (f"; {' '.join(note.split())}" if note else ""),
        rf"\begin{{tabular}}{{{layout}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def markdown(frame: pl.DataFrame, columns: Sequence[str] | None = None) -> str:
    """``frame`` as a pipe table; cells and errors are those of ``latex``."""
    printed = _columns(frame, columns)
    texts = [
        [_markdown_cell(column.name.replace("_", " "), numeric=False),
         "---:" if column.numeric else "---",
         *(_markdown_cell(cell, numeric=column.numeric) for cell in column.cells)]
        for column in printed
    ]  # fmt: skip
    return "".join(f"| {' | '.join(row)} |\n" for row in zip(*texts, strict=True))


def latex_text(text: str) -> str:
    """``text`` as one line of LaTeX in which nothing is a command."""
    return "".join(_LATEX.get(character, character) for character in _line(text))


def markdown_text(text: str) -> str:
    """``text`` as one line of GitHub-flavoured Markdown in which nothing is markup, nor maths."""
    return "".join(_MARKDOWN.get(character, character) for character in _line(text))


def _line(text: str) -> str:
    """Without line breaks, and without characters that print nothing and that readers refuse."""
    return " ".join("".join(c for c in text if c.isspace() or c >= " ").split())


def _latex_cell(text: str | None, *, numeric: bool) -> str:
    if text is None:
        return "--"
    if numeric:
        return text.replace("−", "$-$").replace("<", "$<$")
    return latex_text(text)


def _markdown_cell(text: str | None, *, numeric: bool) -> str:
    if text is None:
        return "–"
    if numeric:
        return text.replace("<", "&lt;")
    return markdown_text(text)


# Columns


def _columns(frame: pl.DataFrame, chosen: Sequence[str] | None) -> list[_Column]:
    if frame.height > _MOST_ROWS:
        raise QueryError(
            f"The result has {frame.height:,} rows; a printed table takes at most {_MOST_ROWS}. "
            "Narrow it with --query, or export csv or parquet."
        )
    limits = numbers.limits(frame.columns)
    names = _names(frame, chosen, limits)
    return [_column(frame, name, limits.get(name)) for name in names]


def _names(
    frame: pl.DataFrame, chosen: Sequence[str] | None, limits: dict[str, tuple[str, str]]
) -> list[str]:
    hidden = {limit for pair in limits.values() for limit in pair}
    if chosen is None:
        names = [
            name
            for name, kind in frame.schema.items()
            if name not in hidden | _UNPRINTED and kind != pl.Binary
        ]
    else:
        for name in chosen:
            if name not in frame.columns:
                hint = did_you_mean(name, frame.columns)
                raise QueryError(
                    f"There is no column '{name}'.{hint} There are: {', '.join(frame.columns)}."
                )
            if frame.schema[name] == pl.Binary:
                raise QueryError(f"Column '{name}' holds bytes, which cannot be printed.")
        names = list(chosen)
    if not names:
        raise QueryError("The result has no column that can be printed.")
    return names


def _column(frame: pl.DataFrame, name: str, limits: tuple[str, str] | None) -> _Column:
    series = frame[name]
    kind = series.dtype
    if kind == pl.Boolean:
        words = {True: "yes", False: "no", None: None}
        return _Column(name, False, [words[value] for value in series])
    if kind.is_integer():
        return _Column(name, True, [None if v is None else f"{v:,}" for v in series])
    if not kind.is_float():
        return _Column(name, False, [None if v is None else str(v) for v in series])
    values = _numbers(series)
    if name in _P_VALUES:
        return _Column(name, True, [_p_value(value) for value in values])
    if limits is None:
        return _Column(name, True, _texts([values], _plain_decimals(values))[0])
    low, high = (_numbers(frame[limit]) for limit in limits)
    middle, lows, highs = _texts([values, low, high], _interval_decimals(values, low, high))
    cells = [
        f"{m} [{a}, {b}]" if m and a and b else m
        for m, a, b in zip(middle, lows, highs, strict=True)
    ]
    return _Column(name, True, cells)


# Numbers


def _numbers(series: pl.Series) -> list[float | None]:
    return [v if v is not None and math.isfinite(v) else None for v in series]


def _texts(columns: list[list[float | None]], decimals: int) -> list[list[str | None]]:
    """Numbers with equal decimals, without leading zeros if all are printed within [−1, 1]."""
    present = [abs(v) for column in columns for v in column if v is not None]
    strip = bool(present) and round(max(present), decimals) <= 1
    write: Callable[[float], str] = lambda v: _text(v, decimals, strip=strip)  # noqa: E731
    return [[None if v is None else write(v) for v in column] for column in columns]


def _text(value: float, decimals: int, *, strip: bool) -> str:
    text = numbers.number(value, decimals)
    return numbers.without_zero(text) if strip else text


def _p_value(value: float | None) -> str | None:
    if value is None:
        return None
    least = 10.0**-_P_DIGITS
    below = value < least
    return ("<" if below else "") + _text(least if below else value, _P_DIGITS, strip=True)


def _interval_decimals(
    values: list[float | None], low: list[float | None], high: list[float | None]
) -> int:
    """Decimals that show two digits of half the median width of the intervals."""
    widths = sorted(
        (b - a) / 2
        for a, b in zip(low, high, strict=True)
        if a is not None and b is not None and b > a
    )
    if not widths:
        return _plain_decimals(values)
    return _clamped(1 - math.floor(math.log10(widths[len(widths) // 2])))


def _plain_decimals(values: list[float | None]) -> int:
    """Decimals that show three digits of the largest value, fewer if all numbers have fewer."""
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    if largest == 0:
        return 0
    decimals = _clamped(_DIGITS - 1 - math.floor(math.log10(largest)))
    present = [v for v in values if v is not None]
    while decimals and all(round(v, decimals) == round(v, decimals - 1) for v in present):
        decimals -= 1
    return decimals


def _clamped(decimals: int) -> int:
    return min(max(decimals, 0), _MOST_DECIMALS)
