"""Texts for a paper: a paragraph, tables and references, from what the store says.

Nothing is invented: what the store does not know is said to be unknown.
"""

from __future__ import annotations

from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.paper import paragraph, tables, works


def parts(reading: Reading) -> list[blocks.Block]:
    """The paragraph as text and LaTeX, tables as LaTeX, and BibTeX of what they cite."""
    sentences = paragraph.sentences(reading)
    cited = works.cited(sentences)
    unknown = " What it does not know is named at the end." if paragraph.unknown(reading) else ""
    return [
        blocks.Snippet(
            name="paragraph",
            title="How to report this in a paper",
            text=works.as_text(" ".join(sentences)),
            language="text",
            caption="A paragraph for the section on experiments, written from what this store "
            f"knows of itself.{unknown}",
        ),
        blocks.Snippet(
            name="paragraph-latex",
            title="The same paragraph in LaTeX",
            text="\n".join(works.as_latex(sentence) for sentence in sentences),
            language="latex",
            caption="Citations need the package natbib.",
        ),
        *tables.tables(reading),
        blocks.Snippet(
            name="bibtex",
            title="References in BibTeX",
            text=works.bibtex(cited, reading.manifest.dataset),
            language="bibtex",
            caption="The works that the paragraph cites, this program and the data set.",
        ),
    ]
