"""A document in, the bytes of a PDF out.

The template is ``report.typ``; everything that a store says reaches it as JSON strings, which Typst
sets as they are and never reads as markup.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from memanalysis import wording
from memanalysis._version import __version__
from memanalysis.errors import MemanalysisError, MissingDependencyError
from memanalysis.reporting.document import Document
from memanalysis.reporting.pdf.document import Contents, breakable, shortened

_TEMPLATE: Final = "report.typ"
_DATA: Final = "report.json"


def require() -> ModuleType:
    """Return Typst's compiler.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise MissingDependencyError.for_feature("The report as PDF", "pdf") from error
    module: ModuleType = typst
    return module


def render(document: Document) -> bytes:
    """Return the report as PDF.

    Raises
    ------
    MissingDependencyError
        If Typst is not installed.
    MemanalysisError
        If Typst refuses the document.
    """
    pages = typeset(document, "pdf")
    return pages[0]


def typeset(document: Document, kind: str, ppi: float = 144) -> Sequence[bytes]:
    """The document as ``pdf``, one file, or ``png``, one file a page, at ``ppi`` dots per inch."""
    typst = require()
    with tempfile.TemporaryDirectory(prefix="memanalysis-") as name:
        template = lay_out(document, Path(name))
        try:
            found = typst.compile(template, root=name, format=kind, ppi=ppi)
        except typst.TypstError as error:
            raise MemanalysisError(
                f"The report as PDF could not be typeset: {error}. "
                "An image of the store may be damaged: `memanalysis check` looks; "
                "`--examples 0` leaves images out."
            ) from error
    return found if isinstance(found, list) else [found]


def lay_out(document: Document, folder: Path) -> Path:
    """Write the template, its data, charts and images into ``folder``; return the template."""
    template = folder / _TEMPLATE
    template.write_bytes((files(__package__) / _TEMPLATE).read_bytes())
    content = _data(document, Contents(folder))
    (folder / _DATA).write_bytes(json.dumps(content).encode())
    return template


def _data(document: Document, contents: Contents) -> dict[str, Any]:
    opening = document.opening
    return {
        "title": breakable(opening.title),
        "short_title": breakable(shortened(opening.title, 80)),
        "study": breakable(document.study),
        "run": breakable(opening.run),
        "answer": breakable(wording.prose(opening.answer)),
        "picture": contents.picture(opening.picture) if opening.picture else None,
        "results": [
            {"headline": breakable(wording.prose(item.headline)), "verdict": item.verdict}
            for item in opening.results
        ],
        "definition": breakable(f"{opening.definition} {opening.limits}"),
        "facts": [[breakable(cell) for cell in fact] for fact in opening.facts],
        "size_columns": document.size_columns,
        "sizes": [[breakable(cell) for cell in size] for size in opening.sizes],
        "version": __version__,
        "sections": [
            {
                "name": section.name,
                "title": section.title,
                "blocks": [contents.block(block) for block in section.blocks],
                "more": breakable(section.fold.summary) if section.fold else "",
            }
            for section in document.sections
        ],
    }
