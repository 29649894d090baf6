"""Measure which training examples image classifiers memorise, and how that changes with size.

``ma.open()`` opens a study, ``study.sql(...)`` asks it, ``ma.charts`` draws it, ``ma.report``
writes it up. Everything is imported when first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from memanalysis._version import __version__

if TYPE_CHECKING:
    from memanalysis import charts, store
    from memanalysis.build import build
    from memanalysis.comparing import compare
    from memanalysis.producer.api import produce
    from memanalysis.report import report
    from memanalysis.simulate import simulate
    from memanalysis.study import Study, open  # noqa: A004 - the contract's name: ma.open()

__all__ = [
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
]

# Public name -> module it comes from; None for a module that is itself the public thing.
_SOURCES: Final[dict[str, tuple[str, str | None]]] = {
    "Study": ("memanalysis.study", "Study"),
    "open": ("memanalysis.study", "open"),
    "build": ("memanalysis.build", None),
    "charts": ("memanalysis.charts", None),
    "compare": ("memanalysis.comparing", "compare"),
    "produce": ("memanalysis.producer.api", "produce"),
    "report": ("memanalysis.report", None),
    "simulate": ("memanalysis.simulate", None),
    "store": ("memanalysis.store", None),
}
# Modules that are called like the one function they are named after: ma.report(study, "page.html").
_CALLABLE: Final = frozenset({"build", "report", "simulate"})


class _CallableModule(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


class _Package(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds a submodule here whoever imports it, and however.
        if name in _CALLABLE and isinstance(value, ModuleType):
            value.__class__ = _CallableModule
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _SOURCES:
        raise AttributeError(f"module 'memanalysis' has no attribute '{name}'")
    module_name, attribute = _SOURCES[name]
    module = importlib.import_module(module_name)
    value = getattr(module, attribute) if attribute else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
