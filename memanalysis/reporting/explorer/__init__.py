"""The example explorer: every training example's numbers and image, packed into the page."""

from memanalysis.reporting.explorer.build import explorer

__all__ = ["explorer"]
