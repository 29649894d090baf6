"""Files of an export: one for each objective and size, and which may be replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from memanalysis.errors import MemanalysisError, QueryError, StoreError
from memanalysis.literals import literal
from memanalysis.storage import atomic
from memanalysis.storage.schema import is_objective, is_size
from memanalysis.studies import Study

_ARCHIVE = ".npz"


@dataclass(frozen=True)
class Condition:
    """One objective and size that has outcomes."""

    objective: str
    size: str

    @property
    def where(self) -> str:
        """The SQL that selects its rows."""
        return f"objective = {literal(self.objective)} and size = {literal(self.size)}"

    def __str__(self) -> str:
        """As a user reads it."""
        return f"{self.objective} {self.size}"


def conditions(study: Study, objective: str | None, size: str | None) -> list[Condition]:
    """The conditions with outcomes, of one objective and size if these are given.

    Raises
    ------
    QueryError
        If there are none.
    StoreError
        If one cannot be part of a file's name.
    """
    rows = study.sql(
        "select objective, size from outcomes group by all "
        "order by objective desc, min(size_rank), size"
    )
    known = [Condition(*row) for row in rows.iter_rows()]
    for condition in known:
        if not (is_objective(condition.objective) and is_size(condition.size)):
            raise StoreError(
                f"'{study.path}' has outcomes of {str(condition)!r}, which cannot be part of a "
                f"file's name. Run: memanalysis check {study.path}"
            )
    chosen = [c for c in known if objective in (None, c.objective) and size in (None, c.size)]
    if not known:
        raise QueryError(
            f"'{study.path}' has no outcomes of models, only scores; what needs masks and "
            "correctness cannot be exported. The relation 'proxies' holds the scores."
        )
    if not chosen:
        asked = " ".join(part for part in (objective, size) if part)
        raise QueryError(f"There is no '{asked}'. The study has: {', '.join(map(str, known))}.")
    return chosen


def archives(out: Path, chosen: list[Condition]) -> Mapping[Condition, Path]:
    """A file for each condition: ``out`` itself if it ends in .npz, else files in that folder.

    Raises
    ------
    QueryError
        If one file is named for several conditions.
    """
    if out.suffix.lower() != _ARCHIVE:
        return {c: out / f"{c.objective}-{c.size}{_ARCHIVE}" for c in chosen}
    if len(chosen) > 1:
        raise QueryError(
            f"'{out}' is one file, but {len(chosen)} are to be written: "
            f"{', '.join(map(str, chosen))}. Choose with --objective and --size, or name a folder."
        )
    return {chosen[0]: out}


def require_replaceable(paths: Iterable[Path], *, force: bool) -> None:
    """Refuse existing files unless ``force``; done before anything is computed.

    Raises
    ------
    MemanalysisError
        If one exists, or a folder stands in its place.
    """
    for path in paths:
        if path.is_dir():
            raise MemanalysisError(f"'{path}' is a folder; expected the name of a file.")
        if path.exists() and not force:
            raise MemanalysisError(
                f"'{path}' exists. Give another --out, or --force to replace it."
            )


@contextmanager
def placing(path: Path) -> Iterator[Path]:
    """``atomic.replacing`` whose faults of the file system are messages for users."""
    try:
        with atomic.replacing(path) as temporary:
            yield temporary
    except OSError as error:
        raise MemanalysisError(f"'{path}' cannot be written: {error.strerror}.") from error


def write_new(path: Path, content: bytes, *, force: bool = False) -> Path:
    """Write ``content`` to ``path``, which must not exist unless ``force``."""
    require_replaceable([path], force=force)
    with placing(path) as temporary:
        temporary.write_bytes(content)
    return path
