"""One figure, declared once: its query, how the rows are drawn, and what readers are told."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import altair as alt
import polars as pl

from memanalysis.figures import paper, sizes, theme
from memanalysis.literals import literal

_PARAMETER: Final = re.compile(r"\$(\w+)")


class Facts(theme.Tables, Protocol):
    """Facts of a study that captions ask for, besides the rows that are drawn."""

    @property
    def n_classes(self) -> int:
        """Number of classes that the study names."""
        ...

    @property
    def alphas(self) -> Mapping[str, float]:
        """The smallest relevant change of a score by objective, where there is one."""
        ...

    def stars(self, *objectives: str) -> str:
        """Say what the stars behind sizes mean; empty where there are none."""
        ...


@dataclass(frozen=True)
class Asked:
    """A study and the parameters that a figure is drawn with."""

    study: theme.Tables
    parameters: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """The value of a parameter."""
        return self.parameters[name]

    def stars(self, *objectives: str) -> str:
        """A Vega expression that marks the sizes saturated under ``objectives``."""
        return sizes.labels(self.study, *objectives)


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure; called with a study, it is an Altair chart.

    ``query`` is the only source: its rows are drawn, printed as SQL, and saved as CSV and JSON. It
    names its parameters as DuckDB does (``$objective``); ``parameters`` has their defaults.
    ``draw`` takes the rows (never above 5,000, never none) and must draw them as they are.
    ``title`` and ``caption`` may be made of rows and parameters; ``nothing`` says why there may be
    no rows. ``result`` is what the rows show in one sentence without a stop, empty where they show
    nothing that can be said so; the title then stands below it. The first line of ``draw``
    documents the figure.
    """

    name: str
    title: str | Callable[[pl.DataFrame, Asked], str]
    query: str
    draw: Callable[[pl.DataFrame, Asked], theme.AnyChart]
    caption: str | Callable[[pl.DataFrame, Asked, Facts], str]
    nothing: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    result: Callable[[pl.DataFrame, Asked], str] | None = None

    def __post_init__(self) -> None:
        for name, value in (
            ("__name__", self.name),
            ("__doc__", inspect.getdoc(self.draw)),
            ("__signature__", self._signature()),
        ):
            object.__setattr__(self, name, value)

    def __call__(self, study: theme.Tables, /, *values: Any, **named: Any) -> theme.AnyChart:
        """Draw the figure of ``study``, or anything else with ``sql`` and ``table``."""
        bound = self._signature().bind(study, *values, **named).arguments
        asked = {name: value for name, value in bound.items() if name != "study"}
        frame = self.frame(study, **asked)
        chart = self.chart(frame, study, **asked)
        return paper.drawn(chart, frame) if paper.is_asked() else chart

    def sql(self, **parameters: Any) -> str:
        """The query with the values of its parameters in their places."""
        values = {**self.parameters, **parameters}
        return _PARAMETER.sub(lambda match: literal(values[match[1]]), self.query.strip())

    def frame(self, study: theme.Tables, **parameters: Any) -> pl.DataFrame:
        """The rows of the figure, in the order in which they are drawn."""
        return study.sql(self.sql(**parameters))

    def chart(self, frame: pl.DataFrame, study: theme.Tables, **parameters: Any) -> theme.AnyChart:
        """The chart of ``frame``, the rows of the figure; one line of text where there are none."""
        asked = Asked(study, {**self.parameters, **parameters})
        if frame.is_empty():
            chart = theme.nothing(self.nothing)
        else:
            chart = self.draw(frame, asked)
            chart.title = self._heading(frame, asked)
        given = [f"{name}={value!r}" for name, value in self._differing(parameters)]
        call = f"{self.name}({', '.join(['study', *given])})"
        chart.usermeta = {**chart.usermeta, "call": call}
        return chart

    def words(self, frame: pl.DataFrame, facts: Facts, **parameters: Any) -> str:
        """The caption of the figure of ``frame``."""
        if isinstance(self.caption, str):
            return self.caption
        if frame.is_empty():
            return ""
        return self.caption(frame, Asked(facts, {**self.parameters, **parameters}), facts)

    def _heading(self, frame: pl.DataFrame, asked: Asked) -> str | alt.Title:
        """The title; where there is a result, that, and the title below it."""
        title = self.title if isinstance(self.title, str) else self.title(frame, asked)
        result = self.result(frame, asked) if self.result else ""
        return alt.Title(theme.lines(result), subtitle=title) if result else title

    def _differing(self, parameters: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
        """The parameters that are not their defaults, in the order of the signature."""
        return [
            (name, parameters[name])
            for name, default in self.parameters.items()
            if name in parameters and parameters[name] != default
        ]

    def _signature(self) -> inspect.Signature:
        study = inspect.Parameter("study", inspect.Parameter.POSITIONAL_ONLY)
        others = [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
            for name, default in self.parameters.items()
        ]
        return inspect.Signature([study, *others])
