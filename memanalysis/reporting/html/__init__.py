"""The report as one HTML page: templates, styles, scripts, and what goes into them."""

from memanalysis.report.html.page import render

__all__ = ["render"]
