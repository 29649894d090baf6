"""Other people's artefacts into a store: per-example outcomes of many models, and scores.

A format module says what a source holds (``source.Contents``); ``bring`` checks it against
itself and the store, writes it beside the store and moves it in, all or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from memanalysis.building.build import Progress
from memanalysis.errors import DataError, did_you_mean
from memanalysis.importing.annotating import annotate
from memanalysis.importing.attributing import attribute
from memanalysis.importing.committing import commit, held_store
from memanalysis.importing.labels import split_key
from memanalysis.importing.match_examples import of_store
from memanalysis.importing.planning import make_plan
from memanalysis.importing.registry import FORMATS
from memanalysis.importing.source import Contents, Format, Options
from memanalysis.importing.summary import summary
from memanalysis.storage import atomic
from memanalysis.storage.store import Store

__all__ = ["FORMATS", "Contents", "Format", "Imported", "Options", "bring", "import_source"]

# A gigabyte; beyond that an import would read its source once more for nothing but a checksum.
_LARGEST_HASHED: Final = 2**30


@dataclass(frozen=True)
class Imported:
    """Result of an import or a dry run: ``lines`` of text, and the store if built."""

    lines: list[str]
    store: Store | None


def import_source(
    format_: str,
    source: str | Path,
    out: str | Path,
    options: Options | None = None,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Import ``source``, laid out as ``format_`` says, into the store at ``out``, and build it.

    A dry run reads and checks everything but the outcomes themselves, and writes nothing.

    Raises
    ------
    DataError
        If the source is not what its format says, or contradicts itself or the store. The store is
        then what it was.
    StoreError
        If the store is damaged, not built or in use.
    """
    if format_ not in FORMATS:
        known = ", ".join(FORMATS)
        raise DataError(
            f"There is no format '{format_}'.{did_you_mean(format_, FORMATS)} Known: {known}."
        )
    path = Path(source)
    file = split_key(path)[0] if FORMATS[format_].keyed else path
    if not file.exists():
        raise DataError(f"'{path}' does not exist; expected {FORMATS[format_].reads}.")
    said = options or Options()
    with held_store(Path(out), writing=not dry_run) as store:
        known_options = replace(said, **of_store(store))
        contents = FORMATS[format_].read(path, known_options)
        if not dry_run:
            contents = replace(contents, provenance={**contents.provenance, **_fingerprint(file)})
        return _bring(contents, Path(out), store, known_options, dry_run, progress)


def _fingerprint(source: Path) -> dict[str, Any]:
    """Size of a source, and the checksum of a file that is read in seconds."""
    if source.is_dir():
        return {"files": sum(1 for path in source.rglob("*") if path.is_file())}
    n_bytes = source.stat().st_size
    checked = {"sha256": atomic.sha256(source)} if n_bytes <= _LARGEST_HASHED else {}
    return {"bytes": n_bytes, **checked}


def bring(
    contents: Contents,
    out: str | Path,
    options: Options | None = None,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """The same for contents that are described already."""
    with held_store(Path(out), writing=not dry_run) as store:
        return _bring(contents, Path(out), store, options or Options(), dry_run, progress)


def _bring(
    contents: Contents,
    out: Path,
    store: Store | None,
    options: Options,
    dry_run: bool,
    progress: Progress | None,
) -> Imported:
    if contents.annotations or contents.attributions:
        add = annotate if contents.annotations else attribute
        lines = add(store, contents, options, dry_run=dry_run)
        return Imported(lines, None if dry_run else Store.open(out))
    plan = make_plan(store, contents, options, out.resolve().name)
    lines = summary(plan, store)
    if dry_run:
        return Imported(lines, None)
    made, notes = commit(out, store, plan, progress)
    return Imported([*lines, *(f"note: {note}" for note in notes)], made)
