"""Every training example in one table, with its image, numbers and partners."""

from __future__ import annotations

from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.explorer import explorer

_INTRODUCTION = (
    "All training examples: choose one to see its image, its score at every size with its 95 % "
    "interval, and what else is known of it."
)


def section(reading: Reading) -> blocks.Section:
    """Return the section with the explorer."""
    made = explorer(reading, reading.examples)
    title = f"Look up any {reading.things.removesuffix('s')}"
    if made is None:
        return blocks.Section("explorer", title, asks="training examples")
    return blocks.Section("explorer", title, [blocks.Text(_INTRODUCTION), made])
