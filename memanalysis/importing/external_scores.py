"""Scores and pairs from elsewhere, as rows of ``proxies`` and ``influence`` without counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis import proxies
from memanalysis.importing.example_names import positions
from memanalysis.importing.match_examples import Roster
from memanalysis.importing.model_metadata import note_proxy
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import Contents, Options, Pairs, Scores
from memanalysis.storage.schema import INFLUENCE, PROXIES, TABLES
from memanalysis.storage.store import Store

_SHOWN: Final = 5
_LARGEST: Final = float(np.finfo(np.float32).max)
_MOST_EQUAL: Final = 0.01  # share of different values that may become equal without a word


def proxy_rows(
    store: Store | None, contents: Contents, options: Options, roster: Roster
) -> tuple[pa.Table, dict[str, dict[str, Any]], list[str]]:
    """(rows of ``proxies``, what the manifest says of each proxy, notes)."""
    faults = Faults(contents.source)
    taken = _taken(store)
    tables, about, notes = [PROXIES.empty_table()], {}, []
    known = dict(store.manifest.proxies) if store is not None else {}
    for scores in contents.scores:
        key = (scores.objective, scores.size, scores.name)
        where = scores.where or f"'{contents.source}'"
        note_proxy(faults, where, scores.name)
        if not len(scores.values):
            faults.add(where, "no values", "at least one")
        if key in taken:
            expected = "one that the store does not have at this size and objective"
            faults.add(where, f"a proxy '{scores.name}'", expected, "Give another name or --size.")
        taken.add(key)
        _require_direction(faults, scores, where, known.get(scores.name, {}).get("hard_is"))
        notes += _noted_precision(faults, scores, where)
        finite = np.isfinite(scores.values)
        if not finite.all() and not options.missing:
            at = int(np.argmin(finite))
            faults.add(
                where,
                f"{scores.values[at]} at position {at}, {np.count_nonzero(~finite):,} such values",
                "finite numbers",
                "With --missing they become NULL.",
            )
        elif not finite.all():
            notes.append(
                f"{scores.name}: {np.count_nonzero(~finite):,} values that are not finite are NULL."
            )
        known[scores.name] = about[scores.name] = {
            "hard_is": scores.hard_is, "source": scores.source, "formula": scores.formula,
        }  # fmt: skip
        ids = _positions(scores, roster, where)
        tables.append(_rows(scores, ids[finite], scores.values[finite]))
    faults.raise_any()
    return pa.concat_tables(tables), about, notes


def influence_rows(store: Store | None, contents: Contents, roster: Roster) -> pa.Table:
    """Rows of ``influence``, errors and counts NULL."""
    tables = [INFLUENCE.empty_table()]
    taken = set()
    if store is not None:
        rows = store.read_table("influence", ["objective", "size"])
        taken = {
            tuple(r.values()) for r in rows.group_by(rows.column_names).aggregate([]).to_pylist()
        }
    for pairs in contents.pairs:
        if (pairs.objective, pairs.size) in taken:
            raise fault(
                pairs.where, f"influence at size '{pairs.size}', {pairs.objective}",
                "a size and objective without influence in the store", "Give another --size.",
            )  # fmt: skip
        tables.append(_pairs(pairs, roster))
    return pa.concat_tables(tables)


def copy_imported(
    store: Store | None, added: pa.Table, ranks: dict[str, int], to: pq.ParquetWriter
) -> None:
    """Write the proxies that ``build`` needs to find: those of the store, then ``added``.

    Rows of model files are written again by ``build``, unless the store is packed. Ranks may have
    moved with a size that came in between.
    """
    if store is not None:
        store.require_intact(TABLES["proxies"][0])
        for batch in pq.ParquetFile(store.table_path("proxies")).iter_batches():
            rows = pa.Table.from_batches([batch])
            if not store.manifest.packed:
                rows = rows.filter(pc.and_(pc.is_null(rows["n_in"]), pc.is_null(rows["n_out"])))
            to.write_table(_ranked(rows, ranks))
    to.write_table(_ranked(added, ranks))


def _ranked(rows: pa.Table, ranks: dict[str, int]) -> pa.Table:
    sizes = rows["size"].to_pylist()
    column = pa.array([ranks.get(size) for size in sizes], pa.int32())
    at = rows.schema.get_field_index("size_rank")
    return rows.set_column(at, "size_rank", column).cast(PROXIES)


def _taken(store: Store | None) -> set[tuple[str, str, str]]:
    if store is None:
        return set()
    rows = store.read_table("proxies", ["objective", "size", "proxy"])
    distinct = rows.group_by(rows.column_names).aggregate([]).to_pylist()
    return {(row["objective"], row["size"], row["proxy"]) for row in distinct}


def _noted_precision(faults: Faults, scores: Scores, where: str) -> list[str]:
    """A note on values that a store's float32 makes equal; a fault of what it cannot hold."""
    values = scores.values[np.isfinite(scores.values)]
    if len(values) and abs(values).max() > _LARGEST:
        at = int(np.argmax(abs(values) > _LARGEST))
        faults.add(
            where, f"{values[at]:g}", f"numbers of at most {_LARGEST:.3g}, which float32 can hold",
            "Divide all of them by one number: no rank changes.",
        )  # fmt: skip
        return []
    distinct, kept = (len(np.unique(v)) for v in (values, values.astype(np.float32)))
    if distinct - kept <= _MOST_EQUAL * distinct:
        return []
    return [
        f"{scores.name}: of {distinct:,} different values {kept:,} stay different in float32, in "
        "which a store keeps them; subtract their mean, or multiply what is tiny, to keep more."
    ]


def _require_direction(faults: Faults, scores: Scores, where: str, declared: str | None) -> None:
    """A proxy that has a definition, or was imported before, points where it always points."""
    definition = proxies.find(scores.name)
    expected = definition.hard_is if definition is not None else declared
    if expected is not None and expected != scores.hard_is:
        faults.add(
            where,
            f"proxy '{scores.name}' with hard = {scores.hard_is}",
            f"hard = {expected}, as this name says elsewhere",
            "Give it another name, or turn it.",
        )


def _positions(scores: Scores, roster: Roster, where: str) -> NDArray[np.int64]:
    """The example_id of each value."""
    if scores.ids is not None and len(scores.ids) != len(scores.values):
        raise fault(where, f"{len(scores.ids):,} ids", f"{len(scores.values):,}, as of scores")
    if scores.ids is None:
        if len(scores.values) != roster.n_train:
            expected = f"{roster.n_train:,}, one for each training example"
            raise fault(where, f"{len(scores.values):,} values", expected)
        return np.arange(roster.n_train)
    if isinstance(scores.ids, np.ndarray):
        ids = scores.ids.astype(np.int64)
        outside = (ids < 0) | (ids >= roster.n_train)
        if outside.any():
            first = ", ".join(map(str, ids[outside][:_SHOWN]))
            raise fault(where, f"ids such as {first}", f"0 to {roster.n_train - 1}")
    else:
        ids = _named(scores.ids, roster, where)
    values, counts = np.unique(ids, return_counts=True)
    if len(values) != len(ids):
        first = ", ".join(map(str, values[counts > 1][:_SHOWN]))
        raise fault(where, f"ids more than once, first {first}", "each example once")
    return ids


def _named(names: Sequence[str], roster: Roster, where: str) -> NDArray[np.int64]:
    places = positions(names, roster.source_ids)
    missing = [name for name, at in zip(names, places.tolist(), strict=True) if at < 0]
    if missing:
        shown = ", ".join(f"'{name}'" for name in missing[:_SHOWN])
        named = any(name is not None for name in roster.source_ids)
        have = "names of the store's source_id" if named else "positions: no example has a name"
        hint = "Positions go into a column 'example_id' of `scores`." if named else ""
        raise fault(where, f"{len(missing):,} unknown ids, first {shown}", have, hint)
    return places


def _rows(scores: Scores, ids: NDArray[np.int64], values: NDArray[np.float64]) -> pa.Table:
    n = len(ids)
    order = np.argsort(ids)
    data = {
        "objective": pa.array([scores.objective] * n, pa.string()),
        "size": pa.array([scores.size] * n, pa.string()),
        "example_id": ids[order],
        "proxy": pa.array([scores.name] * n, pa.string()),
        f"value_{scores.side}": values[order],
    }
    return _filled(data, n, PROXIES)


def _pairs(pairs: Pairs, roster: Roster) -> pa.Table:
    n = len(pairs.influence)
    for ids, length, what in (
        (pairs.train_ids, roster.n_train, "training"),
        (pairs.test_ids, roster.n_test, "test"),
    ):
        if n and (ids.min() < 0 or ids.max() >= length):
            found = f"{what} ids from {ids.min()} to {ids.max()}"
            raise fault(pairs.where, found, f"0 to {length - 1}", f"See --n-{what}.")
    if not np.isfinite(pairs.influence).all():
        raise fault(pairs.where, "values that are not finite", "finite numbers")
    both = np.stack([pairs.train_ids, pairs.test_ids])
    if np.unique(both, axis=1).shape[1] != n:
        raise fault(pairs.where, "pairs more than once", "each pair once")
    order = np.lexsort(both[::-1])
    data = {
        "train_id": pairs.train_ids[order],
        "test_id": pairs.test_ids[order] + roster.n_train,
        "objective": pa.array([pairs.objective] * n, pa.string()),
        "size": pa.array([pairs.size] * n, pa.string()),
        "split": pa.array(["test"] * n, pa.string()),
        "influence": pairs.influence[order],
    }
    return _filled(data, n, INFLUENCE)


def _filled(data: dict[str, Any], n: int, schema: pa.Schema) -> pa.Table:
    columns = [
        pa.array(data[f.name]).cast(f.type) if f.name in data else pa.nulls(n, f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)
