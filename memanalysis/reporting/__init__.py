"""The report: one file that shows a study; as a page it opens anywhere, without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from memanalysis.reporting import data, html, markdown, pdf
from memanalysis.reporting.document import SECTIONS, Document, compose
from memanalysis.reporting.options import Options, format_of, read_options
from memanalysis.storage import atomic
from memanalysis.studies import Study

__all__ = ["Options", "check", "render", "report"]

_WRITERS: Final[dict[str, Callable[[Document], str | bytes]]] = {
    "html": html.render,
    "md": markdown.render,
    "json": data.render,
    "pdf": pdf.render,
}


def report(
    study: Study,
    out: str | Path,
    *,
    sections: str | Sequence[str] | None = None,
    title: str | None = None,
    examples: int | None = None,
    format: str | None = None,  # noqa: A002 - what the command line calls it
    progress: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Write the report on ``study`` to the file ``out`` and return its path.

    The file needs nothing but itself: an HTML page has its scripts, styles, images and data
    inside. A file that is already there is replaced, once the new one is complete.

    Parameters
    ----------
    sections
        Names of sections, in the order wanted; by default all. Links to sections that are left out
        become text.
    title
        By default the study's.
    examples
        How many examples carry their images in the explorer, and at most in each gallery.
    format
        ``html``, ``md``, ``json`` or ``pdf``; by default as the ending of ``out`` says. ``md`` has
        every number and no chart; the layout of ``json`` is ``report.schema.json`` beside
        ``memanalysis.reporting.data``; ``pdf`` needs the extra ``pdf``.
    progress
        Called with what is being done, how many of it are done, and of how many.

    Raises
    ------
    MemanalysisError
        If a section or format is unknown, or the format contradicts the ending of ``out``.
    MissingDependencyError
        If the format needs an extra that is not installed.
    """
    path = Path(out)
    chosen, options = check(path, sections=sections, title=title, examples=examples, format=format)
    atomic.write_bytes(path, _content(study, options, chosen, progress))
    return path


def check(
    out: Path | None,
    *,
    sections: str | Sequence[str] | None = None,
    title: str | None = None,
    examples: int | None = None,
    format: str | None = None,  # noqa: A002 - as above
) -> tuple[str, Options]:
    """The format and the options that ``report`` would use; its errors, before any work."""
    chosen = format_of(out, format)
    options = read_options(list(SECTIONS), sections, title, examples)
    if chosen == "pdf":
        pdf.require()
    return chosen, options


def render(study: Study, options: Options | None = None) -> str:
    """The report on ``study`` as the text of an HTML page."""
    return html.render(compose(study, options))


def _content(
    study: Study,
    options: Options,
    chosen: str,
    progress: Callable[[str, int, int], None] | None,
) -> bytes:
    document = compose(study, options, page=chosen == "html", progress=progress)
    content = _WRITERS[chosen](document)
    # Half a surrogate pair, which JSON can hold and UTF-8 cannot, shows as a question mark.
    return content if isinstance(content, bytes) else content.encode(errors="replace")
