"""The report as PDF: typeset by Typst, whose compiler is one wheel without system libraries."""

from memanalysis.reporting.pdf.typesetting import render, require

__all__ = ["render", "require"]
