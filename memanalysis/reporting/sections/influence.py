"""Memorised training examples and the test examples that they help."""

from __future__ import annotations

import math
from typing import Any, Final

import polars as pl

from memanalysis import figures, wording
from memanalysis.figures import theme
from memanalysis.literals import literal
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections.tiles import Tiles

_SUMMARY_SQL: Final = """select objective, size, split, n_models, n_pairs, n_above,
    n_above_by_noise, n_significant, jaccard, n_train, n_test, least_p_value, threshold
from influence_summary
order by objective desc, split, size_rank"""

# The helpers with the highest scores, each with the partners that it helps most, at one size.
_PAIRS_SQL: Final = """with pairs as (
    select i.*, m.memorization, m.std_error as score_error,
        row_number() over (partition by train_id order by influence desc, test_id) as partner,
        count(*) over (partition by train_id) as n_partners
    from influence as i
    left join memorization as m
        on m.example_id = i.train_id and m.objective = i.objective and m.size = i.size
    where i.objective = {objective} and i.size = {size} and i.split = 'test'
)
select train_id, memorization, score_error, n_partners, test_id, influence, std_error, q_value,
    dense_rank() over (order by memorization desc nulls last, train_id) as helper
from pairs
where partner <= {partners}
qualify helper <= {helpers}
order by helper, partner"""

_HELPERS: Final = 6
_PARTNERS: Final = 3
_LEVEL: Final = 0.05
_MOST_ROWS: Final = 12


def section(reading: Reading) -> blocks.Section:
    """Return the section on influence."""
    summary = reading.table("influence_summary")
    title = "Whom memorised images help"
    if summary.is_empty() and reading.table("influence").is_empty():
        return blocks.Section("influence", title, asks="models whose training subsets are known")
    if _where_pairs_are(reading) is None:
        return blocks.Section("influence", title, asks=_why_no_pair(summary))
    more = [*_tested(reading, summary), *_counted(reading)]
    fold = blocks.Fold(f"Checks: {_found(reading, summary)}", more) if more else None
    return blocks.Section("influence", title, [_explanation(summary), *_gallery(reading)], fold)


def _explanation(summary: pl.DataFrame) -> blocks.Text:
    threshold = f" of at least {summary['threshold'][0]:g}" if summary.height else ""
    return blocks.Text(
        "Influence asks whom an example helps: the accuracy on a test example of the models that "
        "trained on the example, less that of the models that did not. A pair is shown if its "
        f"influence{threshold} stands out from chance after correcting for all pairs tested "
        "(q-value at most 0.05)."
    )


def _found(reading: Reading, summary: pl.DataFrame) -> str:
    """Number of pairs with a test example that stand out at the largest size, in words."""
    rows = summary.filter(
        pl.col("split") == "test",
        pl.col("objective") == reading.primary,
        pl.col("n_significant") > 0,
    ).sort("size_rank")
    if rows.is_empty():
        return "how many pairs stand out"
    last = rows.row(-1, named=True)
    return (
        f"at {reading.spoken.get(last['size'], last['size'])}, "
        f"{wording.count(last['n_significant'])} of {wording.count(last['n_pairs'])} pairs stand "
        f"out; noise alone would lift {wording.count(last['n_above_by_noise'])} over the threshold"
    )


def _gallery(reading: Reading) -> list[blocks.Block]:
    chosen = _where_pairs_are(reading)
    if chosen is None:
        return []
    objective, size = chosen
    sql = _PAIRS_SQL.format(
        objective=literal(objective), size=literal(size), partners=_PARTNERS, helpers=_HELPERS
    )
    tiles = Tiles(reading)
    groups = reading.sql(sql).partition_by("train_id", maintain_order=True)
    return [
        blocks.Gallery(
            name="influence",
            title=f"Training {reading.things} and the test {reading.things} that they help, at "
            f"{reading.spoken.get(size, size)}",
            caption="First a training example with its score ± its standard error, then the test "
            "examples of its class that it helps most, with the influence and the q-value. The "
            f"{len(groups)} helpers with the highest scores.",
            conditions=reading.conditions(objective),
            rows=[_row(tiles, group.to_dicts()) for group in groups],
            sql=sql,
        )
    ]


def _row(tiles: Tiles, pairs: list[dict[str, Any]]) -> blocks.Row:
    first = pairs[0]
    helper = first["train_id"]
    score = _with_error(first["memorization"], first["score_error"])
    partners = [
        tiles.test(
            pair["test_id"],
            _with_error(pair["influence"], pair["std_error"], signed=True),
            f"q {_small(pair['q_value'])}" if pair["q_value"] is not None else "imported",
        )
        for pair in pairs
    ]
    helped = wording.plural(first["n_partners"], "test example")
    return blocks.Row(
        f"№ {helper}, {tiles.label(helper)}",
        f"helps {helped}",
        [tiles.train(helper, score, "training"), *partners],
    )


def _where_pairs_are(reading: Reading) -> tuple[str, str] | None:
    """Objective and size of the pairs to show: the primary one, the largest size with any."""
    pairs = reading.table("influence").filter(pl.col("split") == "test")
    if pairs.is_empty():
        return None
    objectives = theme.known_order(pairs["objective"].to_list(), theme.OBJECTIVES)
    sizes = set(pairs.filter(pl.col("objective") == objectives[0])["size"].to_list())
    known = [size for size in reading.sizes if size in sizes]
    return objectives[0], known[-1] if known else sorted(sizes)[-1]


def _why_no_pair(summary: pl.DataFrame) -> str:
    """In one line why no pair stands out, and what it would take."""
    test = summary.filter(pl.col("split") == "test", pl.col("n_pairs") > 0)
    if test.is_empty():
        return "No test example was kept, so no training example can be paired with one."
    row = test.sort("least_p_value").row(0, named=True)
    tested = f"{wording.count(row['n_pairs'])} pairs were tested at {row['size']}"
    least = row["least_p_value"]
    # Benjamini and Hochberg: k pairs stand out together from k times 0.05 / pairs.
    together = None if least is None else math.ceil(least * row["n_pairs"] / _LEVEL)
    if together is not None and together > 1:
        return (
            f"No pair stands out, and a single one could not: {tested}, and the smallest p-value "
            f"that {row['n_models']} subsets allow is {_small(least)}, so that "
            f"{wording.count(together)} pairs would have to reach it at once. It takes more "
            "subsets; Feldman and Zhang (2020) trained 2,000 to 4,000 models."
        )
    return (
        f"No pair stands out: {tested}; {wording.count(row['n_above'])} reach the threshold and "
        f"noise alone is expected to lift {wording.count(row['n_above_by_noise'])} there."
    )


def _tested(reading: Reading, summary: pl.DataFrame) -> list[blocks.Block]:
    if summary.is_empty():
        return []
    threshold = summary["threshold"][0]
    rows = [
        (
            wording.objective(row["objective"]),
            row["size"],
            row["split"],
            wording.count(row["n_pairs"]),
            wording.count(row["n_above"]),
            wording.count(row["n_above_by_noise"]),
            wording.count(row["n_significant"]),
            wording.number(row["jaccard"], 2),
            _small(row["least_p_value"]),
        )
        for row in reading.sql(_SUMMARY_SQL).iter_rows(named=True)
    ]
    return [
        blocks.Table(
            title="How many pairs stand out, and how many would by noise",
            columns=(
                *("objective", "size", "partners", "pairs", f"≥ {threshold:g}", "by noise"),
                *("stand out", "overlap", "least p-value"),
            ),
            rows=rows,
            caption="Pairs tested of a training example with a test example or with another "
            "training example of its class; those with an influence of at least "
            f"{threshold:g}; the number that would be if no example helped any other; "
            "those that stand out. Overlap: pairs "
            "above the threshold in both halves of the models, over those in either (Jaccard "
            "index; 1 would be perfect agreement). Least p-value: the smallest that these subsets "
            "allow.",
            numeric=(3, 4, 5, 6, 7, 8),
            sql=_SUMMARY_SQL,
            folded=f"Show the counts ({len(rows)})" if len(rows) > _MOST_ROWS else "",
        )
    ]


def _counted(reading: Reading) -> list[blocks.Block]:
    counted = reading.figure(figures.memorized_partners, objective=reading.primary)
    return [] if counted.frame.is_empty() else [counted]


def _with_error(value: float | None, error: float | None, *, signed: bool = False) -> str:
    text = wording.number(value, 2, signed=signed)
    return text if error is None else f"{text} ±\u00a0{wording.number(error, 2)}"


def _small(value: float | None) -> str:
    """A probability that may be tiny: 0.012, 3 × 10⁻⁷."""
    if value is None or value != value:
        return wording.NONE
    if value >= 0.001 or value == 0:
        return wording.number(value, 3)
    mantissa, _, exponent = f"{value:.0e}".partition("e")
    raised = str(-int(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10⁻{raised}"
