"""Annotations of examples into a store that is there: rows added to one table, nothing rebuilt."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memanalysis.building.build import move_commit
from memanalysis.importing.example_names import positions
from memanalysis.importing.problems import fault
from memanalysis.importing.source import Annotation, Contents, Options
from memanalysis.storage.confinement import COMMIT
from memanalysis.storage.schema import ANNOTATIONS
from memanalysis.storage.store import Store

_STAGING: Final = ".import"
_SHOWN: Final = 5
_LONGEST: Final = 64  # characters of a name


def annotate(
    store: Store | None, contents: Contents, options: Options, *, dry_run: bool
) -> list[str]:
    """Add annotations to ``store`` and return lines for people; a dry run writes nothing.

    Raises
    ------
    DataError
        If there is no store yet, rows find no example, labels disagree, or the store has an
        annotation of that name and is not told to replace it.
    """
    if store is None:
        hint = "Import models or scores first, or correct --out."
        raise fault(f"'{contents.source}'", "no store at --out", "one with these examples", hint)
    lines = [f"{contents.format}: {contents.source}"]
    tables, about = [_others(store, contents.annotations, options)], {}
    for annotation in contents.annotations:
        _require_name(annotation)
        table, more = _rows(store, annotation)
        tables.append(table)
        lines += more
        about[annotation.name] = _entry(annotation, contents, table)
    lines += [f"note: {note}" for note in contents.notes]
    if not dry_run:
        _commit(store, pa.concat_tables(tables), about)
    return lines


def _require_name(annotation: Annotation) -> None:
    name = annotation.name
    if not name.isprintable() or not 0 < len(name) <= _LONGEST:
        expected = f"1 to {_LONGEST} printable characters"
        raise fault(annotation.where, f"the name {name!r}", expected, "Give another --name.")


def _others(store: Store, coming: Sequence[Annotation], options: Options) -> pa.Table:
    """The rows that are there and stay."""
    if not store.table_path("annotations").exists():
        return ANNOTATIONS.empty_table()
    present = store.read_table("annotations").cast(ANNOTATIONS)
    names = set(present["name"].to_pylist())
    taken = next((annotation for annotation in coming if annotation.name in names), None)
    if taken is not None and not options.replace:
        raise fault(
            taken.where, f"an annotation '{taken.name}'", "one that the store does not have",
            "Give another --name, or --replace.",
        )  # fmt: skip
    replaced = pa.array([annotation.name for annotation in coming], pa.string())
    return present.filter(pc.invert(pc.is_in(present["name"], replaced)))


def _rows(store: Store, annotation: Annotation) -> tuple[pa.Table, list[str]]:
    """Rows of ``annotations`` in the order of the examples, and lines on what was left out."""
    where, n = annotation.where, len(annotation.texts)
    places = _places(store, annotation)
    inside = places >= 0
    if not inside.any():
        raise fault(
            where, f"{n:,} rows, none of an example of the store", f"names such as {_names(store)}",
            "Names that are built from a number: --row-names 'train/{}'.",
        )  # fmt: skip
    _require_labels(store, annotation, places)
    numbers = annotation.numbers
    filled = np.array([text is not None for text in annotation.texts])
    if numbers is not None:
        filled &= ~np.isnan(numbers)
    order = np.flatnonzero(inside & filled)
    order = order[np.argsort(places[order], kind="stable")]
    values = None if numbers is None else numbers[order]
    table = pa.table(
        {
            "name": pa.array([annotation.name] * len(order), pa.string()),
            "example_id": pa.array(places[order]),
            "value": pa.array([annotation.texts[at] for at in order.tolist()], pa.string()),
            "number": pa.nulls(len(order), pa.float64())
            if values is None
            else pa.array(values, pa.float64(), mask=~np.isfinite(values)),
        },
        schema=ANNOTATIONS,
    )
    kind = "text" if numbers is None else "numbers"
    lines = [
        f"annotation: {annotation.name} ({kind}, column {annotation.column}), {len(order):,} of "
        f"{store.manifest.n_train:,} training examples"
    ]
    if left := int((~inside).sum()):
        lines.append(f"note: {left:,} of {n:,} rows are of examples that the store does not have.")
    if empty := int((inside & ~filled).sum()):
        lines.append(f"note: {empty:,} examples have no value and get no row.")
    return table, lines


def _places(store: Store, annotation: Annotation) -> NDArray[np.int64]:
    """The training example of each row, -1 where the store has none."""
    n, n_train = len(annotation.texts), store.manifest.n_train
    ids = annotation.ids
    if ids is None:
        if n != n_train:
            expected = f"{n_train:,}, one for each training example"
            raise fault(annotation.where, f"{n:,} rows without ids", expected)
        return np.arange(n)
    if isinstance(ids, np.ndarray):
        return np.where(ids < n_train, ids, -1)
    names = store.read_table("examples", ["source_id"])["source_id"][:n_train].to_pylist()
    return positions(ids, names)


def _names(store: Store) -> str:
    names = store.read_table("examples", ["source_id"])["source_id"][:2].to_pylist()
    return " and ".join(f"'{at if name is None else name}'" for at, name in enumerate(names))


def _require_labels(store: Store, annotation: Annotation, places: NDArray[np.int64]) -> None:
    """Compare the labels of a file with those before noise: another order shows in them."""
    if annotation.labels is None:
        return
    examples = store.read_table("examples", ["label", "clean_label"])
    known = pc.coalesce(examples["clean_label"], examples["label"]).cast(pa.float64()).to_numpy()
    at = np.flatnonzero((places >= 0) & ~np.isnan(annotation.labels))
    expected, found = known[places[at]], annotation.labels[at]
    wrong = np.flatnonzero(~np.isnan(expected) & (expected != found))
    if len(wrong):
        first = ", ".join(
            f"{places[at[w]]} ({found[w]:g}, not {expected[w]:g})" for w in wrong[:_SHOWN]
        )
        raise fault(
            annotation.where, f"other labels beside it at {len(wrong):,} of {len(at):,} examples, "
            f"first at example_id {first}", "those of the store",
            "The rows are in another order, or of other examples.",
        )  # fmt: skip


def _entry(annotation: Annotation, contents: Contents, table: pa.Table) -> dict[str, Any]:
    """The manifest's entry of an annotation."""
    return {
        "source": contents.source,
        "column": annotation.column,
        "examples": len(table),
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **contents.provenance,
    }


def _commit(store: Store, table: pa.Table, about: dict[str, dict[str, Any]]) -> None:
    """Put the table in its place, the manifest after it, both or neither."""
    staging = store.path / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    manifest = replace(
        store.manifest,
        files=dict(store.manifest.files),
        annotations={**store.manifest.annotations, **about},
    )
    staged = Store(staging, manifest)
    try:
        staging.mkdir()
        staged.write_table("annotations", table)
        staged.write_manifest()
        staging.rename(store.path / COMMIT)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    move_commit(store.path)
