"""The report as one HTML page: templates, styles, scripts, and what goes into them."""

from memanalysis.reporting.html.page import render

__all__ = ["render"]
