"""Every training example in one table, with its image, numbers and partners."""

from __future__ import annotations

from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.explorer import explorer

_INTRODUCTION = (
    "Search, sort and filter all training examples; choose one to see its image, its score at "
    "every size with its 95 % interval, and what else is known of it. A score near 1 says that "
    "models get the example right only if they trained on it."
)


def section(reading: Reading) -> blocks.Section:
    """Return the section with the explorer."""
    made = explorer(reading, reading.examples)
    content: list[blocks.Block]
    if made is None:
        content = [blocks.Note("This store holds no training examples.")]
    else:
        content = [blocks.Text(_INTRODUCTION), made]
    return blocks.Section("explorer", "Look up any example", content)
