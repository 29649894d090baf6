"""The data sets that a study can be made of, as plain arrays; nothing is ever downloaded.

One module reads each layout of files and returns a ``source.Source``; ``dataset.load`` draws a
study's examples from it, brings them to one size and plants what the study asks for.
"""

from memanalysis.producer.data.dataset import Dataset, load

__all__ = ["Dataset", "load"]
