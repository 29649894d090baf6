"""Measure which training examples image classifiers memorise, and how that changes with size.

``ma.study(model, dataset)`` makes a study of a torch network and ``ma.open()`` opens one,
``study.sql(...)`` asks it, ``ma.charts`` draws it, ``ma.report`` writes it up. Everything is
imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from memanalysis._version import __version__

if TYPE_CHECKING:
    from memanalysis import charts, store
    from memanalysis.building.build import build
    from memanalysis.experiments.own_network import study
    from memanalysis.experiments.simulate import simulate
    from memanalysis.producer.api import produce
    from memanalysis.producer.ordinary import Recorder
    from memanalysis.reporting import report
    from memanalysis.studies import Study, compare, open  # noqa: A004 - the contract's: ma.open()

# Public name -> the module that it comes from; charts and store are modules themselves.
_SOURCES: Final[dict[str, str]] = {
    "Recorder": "memanalysis.producer.ordinary",
    "Study": "memanalysis.studies",
    "build": "memanalysis.building.build",
    "charts": "memanalysis.charts",
    "compare": "memanalysis.studies",
    "open": "memanalysis.studies",
    "produce": "memanalysis.producer.api",
    "report": "memanalysis.reporting",
    "simulate": "memanalysis.experiments.simulate",
    "store": "memanalysis.store",
    "study": "memanalysis.experiments.own_network",
}

__all__ = [
    "Recorder",
    "Study",
    "__version__",
    "build",
    "charts",
    "compare",
    "open",
    "produce",
    "report",
    "simulate",
    "store",
    "study",
]


def __getattr__(name: str) -> Any:
    if name not in _SOURCES:
        raise AttributeError(f"module 'memanalysis' has no attribute '{name}'")
    module = importlib.import_module(_SOURCES[name])
    value = module if module.__name__ == f"memanalysis.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
