"""The results in README.md: prints its tables and draws its figures, from the studies beside it."""

from __future__ import annotations

import sys
import tomllib
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Final

import memanalysis as ma
from memanalysis.numbers import number, without_zero

HERE: Final = Path(__file__).parent
DATA: Final = HERE.parent
_NUMBERS: Final = tomllib.loads((HERE / "numbers.toml").read_text(encoding="utf-8"))["number"]
_ASKED: Final = tuple(dict.fromkeys(entry["study"] for entry in _NUMBERS))
WIDTH: Final = "fashion-mnist"  # the embedded study, whose name is width
# The studies in whose verdicts all claims can come out, in the order of the table.
JUDGED: Final = (WIDTH, "depth", "planted", "lenet", "distillation", "controls")
FIGURES: Final = {
    "width-trajectories": (WIDTH, ma.charts.trajectories),
    "width-kinds": (WIDTH, ma.charts.kind_shapes),
    "planted-scores": ("planted", ma.charts.kind_scores),
    "teaching": ("distillation", ma.charts.distillation_settings),
}


def numbers() -> str:
    """Every number with its interval, as a table in Markdown."""
    lines = ["| what | number | 95 % interval | study |", "|---|---:|---|---|"]
    with ExitStack() as opened:
        studies = {name: opened.enter_context(closing(ma.open(DATA / name))) for name in _ASKED}
        compared = cache(lambda one, other: ma.compare(studies[one], DATA / other))
        for entry in _NUMBERS:
            study, other = studies[entry["study"]], entry.get("compared")
            frames = {"comparison": compared(entry["study"], other)} if other else {}
            value, low, high = study.sql(entry["sql"], **frames).row(0)
            if entry.get("share"):
                # A jackknife's interval knows no ends.
                low, high = max(low, 0.0), min(high, 1.0)
            interval = "" if low is None else f"{_number(low)} to {_number(high)}"
            name = study.manifest.study
            lines.append(f"| {entry['what']} | {_number(value)} | {interval} | {name} |")
    return "\n".join(lines)


def verdicts() -> str:
    """The verdict on each claim in each study, as a table in Markdown."""
    return _verdict_table(dict(_verdicts(folder, "headline") for folder in JUDGED))


def halves() -> str:
    """The verdict on each claim of the width study by all its groups and by either half of them."""
    rows = {"all": "headline", "half A": "half_a", "half B": "half_b"}
    return _verdict_table({title: _verdicts(WIDTH, row)[1] for title, row in rows.items()})


def _verdicts(folder: str, row: str) -> tuple[str, dict[str, str]]:
    """A study's name, and the verdict of its findings' rows of this name."""
    with closing(ma.open(DATA / folder)) as study:
        found = study.table("findings").filter(row=row).select("finding", "verdict")
        return study.manifest.study, dict(found.rows())


def _verdict_table(columns: dict[str, dict[str, str]]) -> str:
    lines = [f"| finding | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    findings = next(iter(columns.values()))
    rows = (
        f"| `{name}` | {' | '.join(of[name] for of in columns.values())} |" for name in findings
    )
    return "\n".join([*lines, *rows])


def draw(folder: Path) -> None:
    """Write the figures as SVG."""
    for name, (source, chart) in FIGURES.items():
        with closing(ma.open(DATA / source)) as study:
            chart(study).save(str(folder / f"{name}.svg"))


def _number(value: float) -> str:
    return without_zero(number(value, 3))


if __name__ == "__main__":
    sys.stdout.write(f"{numbers()}\n\n{verdicts()}\n\n{halves()}\n")
    draw(HERE)
