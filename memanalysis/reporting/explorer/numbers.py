"""The numbers of every example, one objective read at a time, as columns for the page.

Rows are training examples by ascending ``example_id``. Names of columns end in the places of
objective and size in the page's lists: ``hits_in.0.4``. A score is exact: it is
``hits_in / n_in - hits_out / n_out``, and all four are here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from memanalysis.figures import theme
from memanalysis.literals import literal
from memanalysis.proxies import find, orientation
from memanalysis.reporting.context import Reading
from memanalysis.reporting.explorer.payload import Column, quantised, whole

# More rows than this make the page too heavy to mail; then the highest scores are kept.
MOST_EXAMPLES: Final = 60_000
_NO_LABEL: Final = -1

_HIGHEST_SQL: Final = f"""select example_id
from memorization
where split = 'train'
group by example_id
order by max(memorization) desc nulls last, example_id
limit {MOST_EXAMPLES}"""

Reals = NDArray[np.float64]


@dataclass
class Numbers:
    """Columns [n] and what their names refer to.

    ``telling`` [n]: place of each example in the order in which examples are worth an image, from
    0: the highest scores, the largest changes among decided shapes, the largest changes under
    distillation, in turn.
    """

    ids: NDArray[np.int64]
    objectives: list[str]
    sizes: list[str]
    columns: list[Column] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    sources: list[str | None] = field(default_factory=list)
    proxies: list[dict[str, Any]] = field(default_factory=list)
    distillations: list[list[int]] = field(default_factory=list)
    _worth: list[Reals] = field(default_factory=list)

    @property
    def telling(self) -> NDArray[np.int64]:
        """Place of each example in the order in which examples are worth an image: [n]."""
        if not self._worth:
            return np.arange(len(self.ids))
        # Largest first; NaN last.
        orders = [np.argsort(-np.nan_to_num(worth, nan=-9), kind="stable") for worth in self._worth]
        places = np.empty((len(orders), len(self.ids)), dtype=np.int64)
        for row, order in zip(places, orders, strict=True):
            row[order] = np.arange(len(order))
        best: NDArray[np.int64] = np.argsort(places.min(axis=0), kind="stable")
        telling = np.empty_like(best)
        telling[best] = np.arange(len(best))
        return telling

    def has(self, prefix: str) -> bool:
        """True if there is a column of that name or beginning."""
        return any(c.name == prefix or c.name.startswith(f"{prefix}.") for c in self.columns)


def read(reading: Reading) -> Numbers:
    """Read everything that the explorer shows in numbers."""
    found = _examples(reading)
    _scores(reading, found)
    _suspects(reading, found)
    _courses(reading, found)
    _distillation(reading, found)
    _proxies(reading, found)
    return found


def _examples(reading: Reading) -> Numbers:
    frame = reading.sql(
        "select example_id, label, clean_label, kind, source_id from examples "
        "where split = 'train' order by example_id"
    )
    if frame.height > MOST_EXAMPLES:
        highest = reading.sql(_HIGHEST_SQL)["example_id"]
        chosen = highest if len(highest) else frame["example_id"].head(MOST_EXAMPLES)
        frame = frame.filter(pl.col("example_id").is_in(chosen.implode()))
    ids = frame["example_id"].to_numpy()
    found = Numbers(ids, reading.objectives, reading.sizes)
    found.columns.append(whole("id", ids))
    for name in ("label", "clean_label"):
        if frame[name].null_count() < frame.height:
            codes = frame[name].fill_null(_NO_LABEL).to_numpy()
            found.columns.append(whole(name, codes, null=_NO_LABEL))
    found.kinds = frame["kind"].drop_nulls().unique().sort().to_list()
    if found.kinds:
        found.columns.append(_coded("kind", frame["kind"], found.kinds))
    if frame["source_id"].null_count() < frame.height:
        found.sources = frame["source_id"].to_list()
    return found


def _coded(name: str, values: pl.Series, names: list[str]) -> Column:
    """Names as their places in ``names``; the place after the last is NULL."""
    places = {value: place for place, value in enumerate(names)}
    codes = values.replace_strict(places, default=len(names), return_dtype=pl.Int64)
    return whole(name, codes.to_numpy(), null=len(names))


def _places(found: Numbers, frame: pl.DataFrame) -> tuple[NDArray[np.int64], pl.DataFrame]:
    """The rows of ``frame``'s examples, and ``frame`` without examples that are not shown."""
    wanted = frame["example_id"].to_numpy()
    rows = np.searchsorted(found.ids, wanted)
    rows[rows == len(found.ids)] = 0
    shown = found.ids[rows] == wanted if len(found.ids) else np.zeros(len(wanted), dtype=bool)
    return rows[shown], frame.filter(pl.Series(shown))


def _spread(found: Numbers, rows: NDArray[np.int64], values: pl.Series) -> Reals:
    """``values`` at their rows, NaN elsewhere: float64 [n]."""
    spread = np.full(len(found.ids), np.nan)
    spread[rows] = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return spread


def _scores(reading: Reading, found: Numbers) -> None:
    """Counts behind every score; n_in = 0 where an example has none."""
    counts = ("n_in", "n_out", "hits_in", "hits_out")
    for o, objective in enumerate(found.objectives):
        frames = _by_size(
            reading,
            f"select example_id, size, {', '.join(counts)} from memorization "
            f"where split = 'train' and objective = {literal(objective)}",
        )
        for s, size in enumerate(found.sizes):
            if size not in frames:
                continue
            rows, shown = _places(found, frames[size])
            exact = {}
            for name in counts:
                exact[name] = np.zeros(len(found.ids), dtype=np.int64)
                exact[name][rows] = shown[name].to_numpy()
                found.columns.append(whole(f"{name}.{o}.{s}", exact[name]))
            if o == 0 and s == len(found.sizes) - 1:
                with np.errstate(invalid="ignore", divide="ignore"):
                    score = exact["hits_in"] / exact["n_in"] - exact["hits_out"] / exact["n_out"]
                found._worth.append(score)


def _by_size(reading: Reading, query: str) -> dict[str, pl.DataFrame]:
    """The rows of a query by their size: one query for all costs a tenth of one for each."""
    frames = reading.sql(query).partition_by("size", as_dict=True)
    return {str(size): frame for (size,), frame in frames.items()}


def _suspects(reading: Reading, found: Numbers) -> None:
    """The place of each suspect in the list of them, and what held-out models call it."""
    frame = reading.table("suspects")
    if frame.is_empty():
        return
    rows, shown = _places(found, frame)
    for name, column in (
        ("suspect", "rank"), ("called", "preferred"), ("votes", "votes"), ("of_votes", "n_out"),
    ):  # fmt: skip
        values = shown[column].cast(pl.Int64)
        if values.null_count() == len(values):
            continue
        codes = np.full(len(found.ids), _NO_LABEL)
        codes[rows] = values.fill_null(_NO_LABEL).to_numpy()
        found.columns.append(whole(name, codes, null=_NO_LABEL))


def _courses(reading: Reading, found: Numbers) -> None:
    """Shape and change from the first to the last size, by objective."""
    if len(found.sizes) < 2:
        return
    shapes = list(theme.SHAPES)
    for o, objective in enumerate(found.objectives):
        frame = reading.sql(
            "select example_id, shape, change, change_se from trajectories "
            f"where objective = {literal(objective)}"
        )
        if frame.is_empty():
            continue
        rows, shown = _places(found, frame)
        codes = np.full(len(found.ids), len(shapes))
        places = {shape: place for place, shape in enumerate(shapes)}
        codes[rows] = shown["shape"].replace_strict(places, default=len(shapes)).to_numpy()
        found.columns.append(whole(f"shape.{o}", codes, null=len(shapes)))
        for name in ("change", "change_se"):
            found.columns.append(quantised(f"{name}.{o}", _spread(found, rows, shown[name])))
        if o == 0:
            decided = shown.select(
                pl.when(~pl.col("shape").is_in(["fixed", "undetermined"])).then(
                    pl.col("change").abs()
                )
            ).to_series()
            found._worth.append(_spread(found, rows, decided))


def _distillation(reading: Reading, found: Numbers) -> None:
    """Distilled minus one_hot at every size, by distilled objective."""
    for o, objective in enumerate(found.objectives):
        if not objective.startswith("distilled"):
            continue
        frames = _by_size(
            reading,
            "select example_id, size, change, change_se from distillation "
            f"where objective = {literal(objective)}",
        )
        for s, size in enumerate(found.sizes):
            if size not in frames:
                continue
            rows, shown = _places(found, frames[size])
            found.distillations.append([o, s])
            change = _spread(found, rows, shown["change"])
            found.columns.append(quantised(f"gain.{o}.{s}", change))
            spread = _spread(found, rows, shown["change_se"])
            found.columns.append(quantised(f"gain_se.{o}.{s}", spread))
            if s == len(found.sizes) - 1:
                found._worth.append(np.abs(change))


_PROXIES_SQL: Final = """select
    objective,
    proxy,
    size,
    count(value_in) > 0 as inside
from proxies
group by objective, proxy, size, size_rank
having count(value_in) + count(value_out) > 0
qualify row_number() over (
    partition by objective, proxy
    order by size_rank desc nulls last, size
) = 1
order by objective desc, proxy"""


_VALUES_SQL: Final = f"""with wanted as (
    {_PROXIES_SQL}
)
select objective, proxy, example_id, case when inside then value_in else value_out end as value
from proxies
inner join wanted using (objective, proxy, size)"""


def _proxies(reading: Reading, found: Numbers) -> None:
    """Each proxy's means at the largest size that has it: of models with the example in train.

    Proxies that were observed held out alone are means over the models without the example.
    """
    wanted = reading.sql(_PROXIES_SQL)
    values_of = reading.sql(_VALUES_SQL).partition_by("objective", "proxy", as_dict=True)
    for place, row in enumerate(wanted.iter_rows(named=True)):
        rows, shown = _places(found, values_of[row["objective"], row["proxy"]])
        values = _spread(found, rows, shown["value"])
        found.columns.append(quantised(f"proxy.{place}", values))
        known = find(row["proxy"])
        found.proxies.append(
            {
                "name": row["proxy"],
                "title": known.title if known else row["proxy"],
                "objective": row["objective"],
                "size": row["size"],
                "inside": row["inside"],
                "hard": orientation(row["proxy"], reading.manifest.proxies),
            }
        )
