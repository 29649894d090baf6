"""The example explorer: every training example's numbers and image, packed into the page."""

from memanalysis.report.explorer.contents import explorer

__all__ = ["explorer"]
