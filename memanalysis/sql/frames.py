"""Relations joined into one wide frame per example, for tools that know nothing of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from memanalysis.literals import literal

Query = Callable[[str], pl.DataFrame]

_EXAMPLES = """
    select
        example_id, split, label, class_name, clean_label, kind, source_id{image}
    from examples left join classes using (label)
    order by example_id
"""
# Every condition of a study, of imported scores without outcomes too.
_CONDITIONS = """
    select objective, size, min(size_rank) as size_rank
    from (
        select objective, size, size_rank from outcomes
        union all
        select objective, size, size_rank from proxies
    )
    group by objective, size
    order by objective desc, size_rank, size
"""


def examples(query: Query, *, images: bool = False) -> pl.DataFrame:
    """One row per example of both splits, in ``example_id`` order, with everything known of it.

    Columns that depend on them end in ``_<objective>_<size>`` or ``_<objective>``:

    - example_id, split, label, class_name, clean_label, kind, source_id, and with ``images``
      image (PNG bytes);
    - per objective and size: memorization, std_error, ci_low, ci_high, accuracy_in, accuracy_out,
      n_in, n_out (see the relation ``memorization``), and each proxy's means over the models with
      the example in train and held out, ``<proxy>_in`` and ``<proxy>_out``;
    - per objective of several sizes: shape, direction, change, change_se, p_value, q_value (see
      the relation ``trajectories``).

    NULL means "cannot be estimated"; a proxy's column that is NULL throughout is left out.

    Parameters
    ----------
    query
        Runs one SQL text over the study's relations.
    """
    frame = query(_EXAMPLES.format(image=", image" if images else ""))
    for addition in _additions(query):
        frame = frame.join(addition, on="example_id", how="left", maintain_order="left")
    return frame


def conditions(query: Query) -> pl.DataFrame:
    """Objective, size and size_rank of every condition with outcomes or scores, in study order."""
    return query(_CONDITIONS)


def _additions(query: Query) -> Iterator[pl.DataFrame]:
    """Frames of example_id and columns to add, one condition at a time to bound memory."""
    found = conditions(query)
    for objective, size, _ in found.iter_rows():
        yield _scores(query, objective, size)
        yield _proxies(query, objective, size)
    for objective, several in found.group_by("objective", maintain_order=True):
        if several.height > 1:
            yield _trajectories(query, str(objective[0]))


def _scores(query: Query, objective: str, size: str) -> pl.DataFrame:
    frame = query(f"""
        select
            example_id, memorization, std_error, ci_low, ci_high,
            accuracy_in, accuracy_out, n_in, n_out
        from memorization
        where objective = {literal(objective)} and size = {literal(size)}
    """)
    return _suffixed(frame, f"{objective}_{size}") if frame.height else frame.select("example_id")


def _proxies(query: Query, objective: str, size: str) -> pl.DataFrame:
    long = query(f"""
        select example_id, proxy, value_in as "in", value_out as "out"
        from proxies
        where objective = {literal(objective)} and size = {literal(size)}
        order by proxy, example_id
    """)
    values = long.unpivot(["in", "out"], index=["example_id", "proxy"], variable_name="side")
    named = values.drop_nulls("value").with_columns(
        pl.format("{}_{}", "proxy", "side").alias("column")
    )
    wide = named.pivot("column", index="example_id", values="value", sort_columns=True)
    return _suffixed(wide, f"{objective}_{size}")


def _trajectories(query: Query, objective: str) -> pl.DataFrame:
    frame = query(f"""
        select example_id, shape, direction, change, change_se, p_value, q_value
        from trajectories
        where objective = {literal(objective)}
    """)
    return _suffixed(frame, objective)


def _suffixed(frame: pl.DataFrame, suffix: str) -> pl.DataFrame:
    return frame.rename({c: f"{c}_{suffix}" for c in frame.columns if c != "example_id"})
