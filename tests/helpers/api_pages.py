"""The API reference of the public names, built from their docstrings by pdoc: `make api`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pdoc

from memanalysis import charts
from memanalysis.figures import BY_NAME


def main(folder: Path) -> None:
    """Write the pages into ``folder``; what a module's ``__all__`` names is public."""
    for name, figure in BY_NAME.items():
        setattr(charts, name, function_of(figure))
    pdoc.render.configure(docformat="numpy", show_source=False)
    pdoc.pdoc("memanalysis", output_directory=folder)
    sys.stderr.write(f"wrote {folder / 'memanalysis.html'}\n")


def function_of(figure: Any) -> Callable[..., Any]:
    """A figure as the function that it is called like: pdoc takes other objects for constants."""

    def function() -> None:
        raise NotImplementedError

    for name in ("__name__", "__doc__", "__signature__"):
        setattr(function, name, getattr(figure, name))
    function.__qualname__, function.__module__ = figure.__name__, charts.__name__
    return function


if __name__ == "__main__":
    main(Path(sys.argv[1]))
