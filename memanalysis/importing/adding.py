"""Rows added to one table of a store that is there, all or none; nothing is rebuilt."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from memanalysis.building.build import move_commit
from memanalysis.importing.problems import fault
from memanalysis.importing.source import Contents, Options
from memanalysis.storage.confinement import COMMIT
from memanalysis.storage.schema import ADDED
from memanalysis.storage.store import Store

_STAGING: Final = ".import"
_LONGEST: Final = 64  # characters of a name


def require_store(store: Store | None, contents: Contents) -> Store:
    """The store to add to; DataError where there is none."""
    if store is None:
        hint = "Import models or scores first, or correct --out."
        raise fault(f"'{contents.source}'", "no store at --out", "one with these examples", hint)
    return store


def others(store: Store, table: str, coming: Mapping[str, str], options: Options) -> pa.Table:
    """The rows of ``table`` that stay beside those of the names that come.

    ``coming`` maps names to what messages call their source.

    Raises
    ------
    DataError
        If a name is none, or the store has it and is not told to replace it.
    """
    for name, where in coming.items():
        if not name.isprintable() or not 0 < len(name) <= _LONGEST:
            expected = f"1 to {_LONGEST} printable characters"
            raise fault(where, f"the name {name!r}", expected, "Give another --name.")
    if not store.table_path(table).exists():
        return ADDED[table].empty_table()
    present = store.read_table(table).cast(ADDED[table])
    names = set(pc.unique(present["name"]).to_pylist())
    taken = next((name for name in coming if name in names), None)
    if taken is not None and not options.replace:
        raise fault(
            coming[taken], f"an {table.removesuffix('s')} '{taken}'",
            "one that the store does not have", "Give another --name, or --replace.",
        )  # fmt: skip
    return present.filter(pc.invert(pc.is_in(present["name"], pa.array([*coming], pa.string()))))


def entry(contents: Contents, **facts: Any) -> dict[str, Any]:
    """The manifest's entry of what was added."""
    return {
        "source": contents.source,
        **facts,
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **contents.provenance,
    }


def commit_added(
    store: Store, name: str, table: pa.Table, about: Mapping[str, dict[str, Any]]
) -> None:
    """Put the table in its place, the manifest after it, both or neither."""
    staging = store.path / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    manifest = replace(store.manifest, files=dict(store.manifest.files))
    setattr(manifest, name, {**getattr(manifest, name), **about})
    staged = Store(staging, manifest)
    try:
        staging.mkdir()
        staged.write_table(name, table)
        staged.write_manifest()
        staging.rename(store.path / COMMIT)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    move_commit(store.path)
