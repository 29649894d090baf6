"""A study in the layouts of other tools: NumPy archives, data sets, tables for papers.

Every writer takes an open study and a path, writes each file whole or not at all, and replaces an
existing one only if told to.
"""

from memanalysis.exporting.cleanlab import write_cleanlab
from memanalysis.exporting.database import write_database
from memanalysis.exporting.examples import write_examples
from memanalysis.exporting.formats import FORMATS
from memanalysis.exporting.huggingface import write_huggingface
from memanalysis.exporting.npz import write_npz
from memanalysis.exporting.placing import require_replaceable, write_new
from memanalysis.exporting.print_tables import latex, markdown
from memanalysis.exporting.scores import write_scores

__all__ = [
    "FORMATS",
    "latex",
    "markdown",
    "require_replaceable",
    "write_cleanlab",
    "write_database",
    "write_examples",
    "write_huggingface",
    "write_new",
    "write_npz",
    "write_scores",
]
