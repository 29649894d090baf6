"""The formats that can be imported: modules that declare a ``FORMAT``, ours and of plug-ins.

Ours are the modules of ``formats``. A package of one's own adds some by entry points of the group
``memanalysis.importers``, each of which names a module (or its ``FORMAT``)::

    [project.entry-points."memanalysis.importers"]
    mine = "my_package.my_format"
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from memanalysis.errors import DataError
from memanalysis.importing import formats
from memanalysis.importing.source import Format

GROUP: Final = "memanalysis.importers"


class Formats(Mapping[str, Format]):
    """Formats by name, ours first; modules are imported when somebody looks."""

    @cached_property
    def _by_name(self) -> dict[str, Format]:
        """Every declaration; of two of one name the first is taken, ours before others'."""
        found: dict[str, Format] = {}
        for module in sorted(info.name for info in pkgutil.iter_modules(formats.__path__)):
            declared = vars(importlib.import_module(f"{formats.__name__}.{module}")).get("FORMAT")
            if declared is not None:
                found[declared.name] = declared
        for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
            declared = _declared(point)
            found.setdefault(declared.name, declared)
        return found

    def __getitem__(self, name: str) -> Format:
        """The format called ``name``."""
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        """Names in order."""
        return iter(self._by_name)

    def __len__(self) -> int:
        """Number of formats."""
        return len(self._by_name)


FORMATS: Final = Formats()


def _declared(point: EntryPoint) -> Format:
    """Format that a plug-in declares.

    Raises
    ------
    DataError
        If it cannot be imported, or is no format.
    """
    where = f"The importer '{point.name}' ({point.value})"
    try:
        loaded: Any = point.load()
    except Exception as error:  # a stranger's module fails in whatever way it does
        raise DataError(
            f"{where} cannot be imported: {type(error).__name__}: {error}. Mend or uninstall its "
            "package."
        ) from error
    declared = getattr(loaded, "FORMAT", loaded)
    if not isinstance(declared, Format):
        raise DataError(f"{where} declares no FORMAT; expected a memanalysis.importing.Format.")
    return declared
