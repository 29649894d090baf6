"""Images whose labels are doubtful: in words, as a table of a terminal, as a page with pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from memanalysis import numbers
from memanalysis._version import __version__
from memanalysis.errors import StoreError
from memanalysis.figures import theme
from memanalysis.studies import Study

REASONS: Final[Mapping[str, str]] = {
    "wrong_label": "wrong label",
    "wrong_or_hard": "wrong or hard",
    "ambiguous": "ambiguous",
    "duplicate": "duplicate",
    "rare": "rare",
}
_MEANINGS: Final[Mapping[str, str]] = {
    "wrong label": "the label is more probably wrong than right",
    "wrong or hard": "models agree on another class, which hard images explain as well",
    "ambiguous": "models are split between the label and another class",
    "duplicate": "the same image is there with another label",
    "rare": "models know it only if they were trained with it",
}
_CUT: Final = "…"
_WIDTH: Final = 80  # characters of a terminal, and between two columns
_GAP: Final = 2
_SHORTEST: Final = 8  # of a file's name, from its end
_CLASS: Final = 10
_WIDE: Final = 0.25  # between the limits of a share, from which the share says little


def suspects(study: Study, top: int | None = None) -> pl.DataFrame:
    """The relation ``suspects``, its first ``top`` rows if given.

    Raises
    ------
    StoreError
        If the store is from before there was this relation, or no model held an image out.
    """
    frame = study.sql("from suspects order by rank")
    frame = frame if top is None else frame.head(top)
    if frame.is_empty() and not study.sql("select 1 from label_posteriors limit 1").height:
        raise StoreError(
            f"'{study.path}' has no suspects. It takes one-hot models that held images with labels "
            f"out, and tables built by this version. Run: memanalysis build {study.path}"
        )
    return frame


def summary(study: Study, frame: pl.DataFrame) -> list[str]:
    """The question, its models and the number to expect false in the list, in sentences."""
    asked = study.sql("""
        select any_value(size) as size, any_value(saturated) as saturated,
            any_value(basis) as basis, count(*) as images, median(n_out)::integer as models,
            sum(wrong_high) as most, sum(wrong_low) as fewest
        from label_posteriors
    """).row(0, named=True)
    size = "the largest that fits its images" if asked["saturated"] else "the largest"
    lines = [
        f"{asked['images']:,} images, each held out by about {asked['models']} models of "
        f"{asked['size']} ({size}): {_expected(asked)} wrong labels to expect among them."
    ]
    if not frame.is_empty():
        lines.append(_listed(frame))
    if not asked["saturated"]:
        lines.append(
            "No size fits its training images, so models also miss right labels. Train longer, or "
            "wider networks."
        )
    if asked["basis"] == "hits":
        lines.append(
            "Predicted classes were not recorded, so no other class can be named: by how many "
            "models get the label alone, which says less. Produce again, or import predictions."
        )
    return lines


def _expected(asked: Mapping[str, Any]) -> str:
    low, high = round(asked["fewest"]), round(asked["most"])
    if low == 0 < high:
        return f"at most about {high:,}"
    return f"about {high:,}" if low == high else f"{low:,} to {high:,}"


def _listed(frame: pl.DataFrame) -> str:
    """The share of right labels to expect in the list and at its head, and what a range means."""
    last = frame.row(-1, named=True)
    said = f"Of these {frame.height:,}, {_false(last)} have right labels"
    wrong = frame.filter(pl.col("wrong") >= 0.5).height
    if 0 < wrong < frame.height:
        said = f"{said}; of the first {wrong:,}, {_false(frame.row(wrong - 1, named=True))}"
    if last["expected_false_share_high"] - last["expected_false_share_low"] < _WIDE:
        return f"{said}." if wrong else f"{said}: they are hard rather than mislabelled."
    return (
        f"{said}: the models alone cannot tell wrong labels from hard images here. Look at the "
        "first of the list before you rely on the rest."
    )


def table(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns of text that fit 80 characters; ``false`` is the expected share so far."""
    rows = list(frame.iter_rows(named=True))
    columns = {
        "label -> models": [f"{_start(_class(row))} -> {_voted(row)}" for row in rows],
        "score": [_score(row) for row in rows],
        "false": [_false(row) for row in rows],
        "reason": [_reason(row).removesuffix(" label") for row in rows],
    }
    taken = sum(max(map(len, [name, *values])) + _GAP for name, values in columns.items())
    room = max(_SHORTEST, _WIDTH - taken - len(str(len(rows))) - _GAP)
    names = [_end(_name(row), room) for row in rows]
    return pl.DataFrame(
        {"#": [row["rank"] for row in rows], "image": names, **columns},
        schema={"#": pl.Int64, "image": pl.String, **dict.fromkeys(columns, pl.String)},
    )


def page(study: Study, frame: pl.DataFrame) -> str:
    """A page with the image of each row, its label and the models' votes; needs no network."""
    images = {}
    if not frame.is_empty():
        ids = pl.DataFrame({"example_id": frame["example_id"]})
        images = dict(
            study.sql(
                "select example_id, image from examples join ids using (example_id)", ids=ids
            ).iter_rows()
        )
    rows = [
        {
            "rank": row["rank"],
            "image": _inline(images.get(row["example_id"])),
            "name": _name(row),
            "label": _class(row),
            "voted": _voted(row, cut=False),
            "score": _score(row),
            "wrong": _percent(row["wrong_low"], row["wrong_high"]),
            "false": _false(row),
            "reason": _reason(row),
            "twin": row["twin_id"],
        }
        for row in frame.iter_rows(named=True)
    ]
    environment = Environment(
        loader=PackageLoader("memanalysis.reporting.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("suspects.html.jinja").render(
        title=study.manifest.title or study.manifest.study,
        summary=summary(study, frame),
        rows=rows,
        meanings=_MEANINGS,
        light=theme.LIGHT,
        dark=theme.DARK,
        version=__version__,
    )


def _false(row: Mapping[str, Any]) -> str:
    """The share of right labels to expect so far: ``12%``, or ``5-40%`` where it is uncertain."""
    return _percent(row["expected_false_share_low"], row["expected_false_share_high"])


def _percent(low: float, high: float) -> str:
    first, last = round(100 * low), round(100 * high)
    return f"{first}-{last}%" if last > first else f"{last}%"


def _reason(row: Mapping[str, Any]) -> str:
    return REASONS[row["reason"]]


def _name(row: Mapping[str, Any]) -> str:
    return row["source_id"] or f"example {row['example_id']}"


def _class(row: Mapping[str, Any]) -> str:
    return row["class_name"] if row["class_name"] is not None else str(row["label"])


def _voted(row: Mapping[str, Any], *, cut: bool = True) -> str:
    """The class that held-out models prefer, and how many of them: ``Coat 12/12``."""
    if row["preferred"] is None:
        return f"other {row['n_out'] - row['hits_out']}/{row['n_out']}"
    name = row["preferred_name"] if row["preferred_name"] is not None else str(row["preferred"])
    return f"{_start(name) if cut else name} {row['votes']}/{row['n_out']}"


def _score(row: Mapping[str, Any]) -> str:
    if row["memorization"] is None:
        return "unknown"
    score, low, high = (
        numbers.without_zero(numbers.number(row[name]))
        for name in ("memorization", "ci_low", "ci_high")
    )
    return f"{score} [{low}, {high}]"


def _start(text: str) -> str:
    return text if len(text) <= _CLASS else text[: _CLASS - 1] + _CUT


def _end(text: str, length: int) -> str:
    return text if len(text) <= length else _CUT + text[1 - length :]


def _inline(image: bytes | None) -> str | None:
    return None if image is None else f"data:image/png;base64,{base64.b64encode(image).decode()}"
