"""Which call made a chart: the report shows it, so that readers can draw the chart themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from memanalysis.figures.theme import AnyChart, Tables

_P = ParamSpec("_P")


def recorded(
    function: Callable[Concatenate[Tables, _P], AnyChart],
) -> Callable[Concatenate[Tables, _P], AnyChart]:
    """``function``, with its own call as ``usermeta["call"]`` of the chart that it returns."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(study: Tables, /, *args: _P.args, **kwargs: _P.kwargs) -> AnyChart:
        chart = function(study, *args, **kwargs)
        given = signature.bind(study, *args, **kwargs).arguments
        shown = ", ".join(["study", *_differing(signature, given)])
        chart.usermeta = {**chart.usermeta, "call": f"{function.__name__}({shown})"}
        return chart

    return call


def _differing(signature: inspect.Signature, given: dict[str, object]) -> list[str]:
    """The arguments after the study that differ from their defaults, by name."""
    return [
        f"{name}={value!r}"
        for name, value in list(given.items())[1:]
        if value != signature.parameters[name].default
    ]
