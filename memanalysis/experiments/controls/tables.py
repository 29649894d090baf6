"""The two tables of the controls as Markdown: false support, and power."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from memanalysis.experiments.controls.trials import LEAST_POWER, MOST_FALSE, Result
from memanalysis.experiments.controls.worlds import Kind
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, UNDETERMINED

_TITLES: Final[dict[Kind, str]] = {
    "absent": f"False verdicts where the claim is absent (bound: {MOST_FALSE:g})",
    "planted": f"Power where it is planted (bound: {LEAST_POWER:g})",
}
_ATTACKS: Final = (
    f"Attacks by somebody else (bounds: {MOST_FALSE:g} where absent, {LEAST_POWER:g} where planted)"
)
_LETTERS: Final = {SUPPORTED: "S", REFUTED: "N", UNDETERMINED: "U"}


def table(results: Sequence[Result], kind: Kind) -> str:
    """One line per rule and world, one column per rates; ``x`` marks what breaks the bound.

    A cell is the rate of the counted verdict with its exact 95 % limits, and how often each verdict
    came out: S supported, N not supported, U undetermined.
    """
    chosen = [result for result in results if result.claim.kind == kind]
    return _table(_TITLES[kind], chosen, lambda r: "attack" if r.world.attack else "")


def attack_table(results: Sequence[Result]) -> str:
    """The same for the worlds of ``attacks``, with what each says to its rule."""
    return _table(_ATTACKS, results, lambda r: r.claim.kind)


def _table(title: str, chosen: Sequence[Result], note: Callable[[Result], str]) -> str:
    """One line per rule and world with a note, one column per rates."""
    columns = list(dict.fromkeys(result.plan.rates for result in chosen))
    rows: dict[tuple[str, str, str, str], dict[str, str]] = {}
    for result in sorted(chosen, key=lambda r: (r.claim.rule, r.world.attack)):
        claim = result.claim
        line = (claim.rule, result.world.name, note(result), _LETTERS[claim.verdict])
        rows.setdefault(line, {})[result.plan.rates] = _cell(result)
    head = ["rule", "world", "", "counted", *columns]
    lines = [f"**{title}**", "", _line(head), _line(["---"] * len(head))]
    lines += [_line([*line, *(cells.get(c, "") for c in columns)]) for line, cells in rows.items()]
    return "\n".join([*lines, ""])


def _cell(result: Result) -> str:
    low, high = result.limits
    mark = "" if result.holds else " **x**"
    counts = " ".join(
        f"{letter} {result.verdicts[verdict]}"
        for verdict, letter in _LETTERS.items()
        if verdict in result.verdicts
    )
    return (
        f"{_short(result.hits / result.n_worlds)} [{_short(low)}, {_short(high)}]{mark}; {counts}"
    )


def _short(rate: float) -> str:
    return f"{rate:.2f}".lstrip("0") if rate < 1 else "1"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
