"""Tables and figures of the results: fills the pages here from the studies of ``data/``.

``MEMANALYSIS_STORES`` names another folder of the same stores. What others say of the CIFAR-10
images is in outside.json, which ``outside.py`` makes of files that are not shipped.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

import memanalysis as ma
from memanalysis.numbers import number, without_zero

HERE: Final = Path(__file__).parent
PAGES: Final = (HERE / "README.md", HERE.parent / "cifar10" / "README.md")
STORES: Final = Path(os.environ.get("MEMANALYSIS_STORES", HERE.parent))
WIDTH: Final = "fashion-mnist"  # the embedded study, whose name is width
# The studies in whose verdicts all claims can come out, in the order of the table.
CIFAR: Final = "cifar10"
JUDGED: Final = (CIFAR, WIDTH, "depth", "planted", "lenet", "distillation", "controls")
# Rows of findings that the table of verdicts shows; the last one decides no headline.
VERDICTS: Final = {
    "`bimodality_grows`": ("bimodality_grows", "headline"),
    "`trajectories_diverse`": ("trajectories_diverse", "headline"),
    "`distillation_inhibits`": ("distillation_inhibits", "headline"),
    "… `inhibits_particularly`": ("distillation_inhibits", "inhibits_particularly"),
    "`proxies_miss_trends`": ("proxies_miss_trends", "headline"),
}
FIGURES: Final = {
    "width-trajectories": (WIDTH, ma.charts.trajectories),
    "width-kinds": (WIDTH, ma.charts.kind_shapes),
    "planted-scores": ("planted", ma.charts.kind_scores),
    "teaching": ("distillation", ma.charts.distillation_settings),
}
OUTSIDE: Final = HERE / "outside.json"
# Verdicts, and how the sentence with the claims of one begins.
_SENTENCES: Final = {
    "supported": "Supported",
    "not supported": "Not supported",
    "undetermined": "Undetermined",
}
_BEING_TRAINED: Final = "*The study is being trained: what it says will stand here.*"
_BLOCK: Final = re.compile(r"(<!-- begin (\S+)(?: (\S+))? -->\n).*?(<!-- end -->)", re.DOTALL)
_DECIMALS: Final = 3

Row = tuple[Any, ...]


def filled(page: str) -> str:
    """A page whose blocks between ``<!-- begin NAME -->`` and ``<!-- end -->`` are computed."""

    def block(match: re.Match[str]) -> str:
        start, name, of, end = match.groups()
        return f"{start}\n{_made(name, of)}\n\n{end}"

    return _BLOCK.sub(block, page)


def _made(name: str, of: str | None) -> str:
    if name in ("verdicts", "halves"):
        return verdicts() if name == "verdicts" else halves()
    of_something = {"numbers": numbers, "answer": answer, "claims": claims, "outside": outside}
    return of_something[name](of or "") if name in of_something else table(name)


def answer(folder: str) -> str:
    """The claims by their verdict, one sentence for each verdict."""
    if not (STORES / folder / "manifest.json").exists():
        return _BEING_TRAINED
    headlines = _headlines(folder)
    sentences = []
    for verdict, begin in _SENTENCES.items():
        listed = "; ".join(
            f"{row['claim'][0].lower()}{row['claim'][1:]} (`{row['finding']}`)"
            for row in headlines
            if row["verdict"] == verdict
        )
        sentences += [f"{begin}: {listed}."] if listed else []
    return " ".join(sentences)


def claims(folder: str) -> str:
    """The same, and the sentence of each claim with what it rests on."""
    if not (STORES / folder / "manifest.json").exists():
        return _BEING_TRAINED
    rests = "\n".join(f"- `{row['finding']}`: {row['sentence']}" for row in _headlines(folder))
    return f"{answer(folder)}\n\n{rests}"


def _headlines(folder: str) -> list[dict[str, Any]]:
    return list(_study(folder).sql("from findings where row = 'headline'").iter_rows(named=True))


def outside(name: str) -> str:
    """The named table of outside.json, which must be of the study as it is.

    Raises
    ------
    ValueError
        If the study has been built anew since.
    """
    manifest = STORES / CIFAR / "manifest.json"
    if not OUTSIDE.exists() or not manifest.exists():
        return _BEING_TRAINED
    kept = json.loads(OUTSIDE.read_text(encoding="utf-8"))
    if kept["made"]["outcomes"] != _study(CIFAR).manifest.outcomes_fingerprint:
        message = f"{OUTSIDE.name} is of other models: make results CSCORES=FILE HUMAN=FILE"
        raise ValueError(message)
    found = kept["tables"][name]
    rows = [[_cell(value) for value in row] for row in found["rows"]]
    return _markdown(found["columns"], rows, ("---:",) * len(found["columns"]))


def numbers(study: str) -> str:
    """The numbers of a study with their intervals, as a table in Markdown."""
    rows = []
    for entry in _entries("number", study):
        value, low, high = _row(entry)
        if entry.get("share") and low is not None:
            # A jackknife's interval knows no ends.
            low, high = max(low, 0.0), min(high, 1.0)
        interval = "" if low is None else f"{_number(low)} to {_number(high)}"
        rows.append((entry["what"], _number(value), interval))
    return _markdown(("what", "number", "95 % interval"), rows, ("---", "---:", "---"))


def table(name: str) -> str:
    """The named table, as its query returns it."""
    (entry,) = (entry for entry in _declared()["table"] if entry["name"] == name)
    frame = _study(entry["study"]).sql(entry["sql"])
    rows = [[_cell(value) for value in row] for row in frame.rows()]
    return _markdown(tuple(frame.columns), rows, ("---:",) * frame.width)


def verdicts() -> str:
    """The verdict on each claim in each study."""
    columns = {}
    for folder in JUDGED:
        study = _study(folder)
        columns[study.manifest.study] = [
            _verdict(study, finding, row) for finding, row in VERDICTS.values()
        ]
    rows = zip(VERDICTS, *columns.values(), strict=True)
    return _markdown(("finding", *columns), rows, ("---",) * (1 + len(columns)))


def halves() -> str:
    """The verdict on each claim of the width study by all its groups and by either half of them."""
    parts = ("headline", "half_a", "half_b")
    rows = [
        (title, *(_verdict(_study(WIDTH), finding, part) for part in parts))
        for title, (finding, row) in VERDICTS.items()
        if row == "headline"
    ]
    return _markdown(("finding", "all", "half A", "half B"), rows, ("---",) * 4)


def draw(folder: Path) -> None:
    """Write the figures as SVG."""
    for name, (source, chart) in FIGURES.items():
        chart(_study(source)).save(str(folder / f"{name}.svg"))


@cache
def _study(folder: str) -> ma.Study:
    """A store of the folder, opened once."""
    return ma.open(STORES / folder)


@cache
def _declared() -> dict[str, list[dict[str, Any]]]:
    declared: dict[str, list[dict[str, Any]]] = tomllib.loads(
        (HERE / "numbers.toml").read_text(encoding="utf-8")
    )
    return declared


def _entries(kind: str, study: str) -> list[dict[str, Any]]:
    return [entry for entry in _declared()[kind] if entry["study"] == study]


def _row(entry: dict[str, Any]) -> Row:
    """Value, low and high of a number."""
    other = entry.get("compared")
    frames = {"comparison": _comparison(entry["study"], other)} if other else {}
    rows = _study(entry["study"]).sql(entry["sql"], **frames)
    if rows.height != 1:
        message = f"{entry['study']}: {entry['what']!r} has {rows.height} rows, expected one"
        raise ValueError(message)
    return rows.row(0)


@cache
def _comparison(one: str, other: str) -> Any:
    return ma.compare(_study(one), STORES / other)


def _verdict(study: ma.Study, finding: str, row: str) -> str:
    """A row's verdict; a dash where the study has no such row, a note where it is provisional."""
    rows = study.table("findings").filter(finding=finding, row=row)
    if rows.is_empty():
        return "–"
    note = " (provisional)" if rows["provisional"].item() else ""
    return f"{rows['verdict'].item()}{note}"


def _number(value: float) -> str:
    return without_zero(number(value, _DECIMALS))


def _cell(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return _number(value) if isinstance(value, float) else str(value)


def _markdown(header: Iterable[str], rows: Iterable[Iterable[str]], rule: Iterable[str]) -> str:
    lines = [header, *rows]
    first, *rest = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([first, f"|{'|'.join(rule)}|", *rest])


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    draw(HERE)
