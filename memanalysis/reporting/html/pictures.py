"""Charts as pictures inside the page: what is seen before, or without, the scripts that draw them.

A picture is SVG as vl-convert draws it, in the page's colours, without what only a drawn chart
needs, so that thirty of them weigh less than a megabyte. The page's script puts the chart itself in
its place when the reader comes near.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, Final

from markupsafe import Markup

from memanalysis.reporting.html.svg import lean
from memanalysis.reporting.xml_safe import drawable

# The width of a chart on a page of 1,024 pixels or more; the page's script knows the same limits.
WIDTH: Final = 930
LIMITS: Final = {"panel": 430, "chart": 760, "square": 290, "narrowest": 90}
# What an axis with its labels and title takes beside a panel, and the gap between two panels.
_AXIS: Final = 46
_GAP: Final = 26
# The reader's font may be wider than the one that places are measured with here.
_LOOSER: Final = {"padding": {"left": 14, "right": 8, "top": 5, "bottom": 5}}
_LOOSER_LEGEND: Final = {"columnPadding": 20}

# vl_convert keeps Python's lock and ends the process on some input: it gets processes of its own.
_DRAWING: Final = """
import json, sys, vl_convert
config = json.loads(sys.argv[1])
def drawn(line):
    try:
        return vl_convert.vegalite_to_svg(json.loads(line), config=config)
    except ValueError:
        return ""
json.dump([drawn(line) for line in sys.stdin], sys.stdout)
"""
_MOST_PROCESSES: Final = 4
# A process that draws fewer takes longer to start than to draw.
_FEWEST_CHARTS: Final = 8


def draw(specs: Mapping[str, Mapping[str, Any]], config: Mapping[str, Any]) -> dict[str, Markup]:
    """The picture of each chart by name; empty where it could not be drawn."""
    looser = {**config, **_LOOSER, "legend": {**config["legend"], **_LOOSER_LEGEND}}
    texts = {name: json.dumps(drawable(fitted(spec))) for name, spec in specs.items()}
    # Charts with much to draw have long texts: dealt out by length, shares take equally long.
    names = sorted(specs, key=lambda name: len(texts[name]))
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES, len(names) // _FEWEST_CHARTS + 1)
    shares = [names[i::processes] for i in range(processes)]
    with ThreadPoolExecutor(processes) as pool:
        tasks = ["\n".join(texts[name] for name in share) for share in shares]
        drawn = list(pool.map(_drawn_or_empty, tasks, repeat(json.dumps(looser))))
    svgs = dict(zip(chain(*shares), chain(*drawn), strict=True))
    return {name: Markup(lean(svgs[name], name) if svgs[name] else "") for name in specs}


def fitted(spec: Mapping[str, Any]) -> dict[str, Any]:
    """``spec`` with as many columns and as wide panels as about fill ``WIDTH``."""
    if "facet" not in spec:
        return {**spec, "width": LIMITS["chart"] - _AXIS - _GAP}
    columns = columns_for(spec["usermeta"]["panel"], spec["usermeta"]["count"], WIDTH)
    own_axes = spec.get("resolve", {}).get("scale", {}).get("y") == "independent"
    between = (columns - 1) * (_GAP + (_AXIS if own_axes else 0))
    square = spec["usermeta"]["square"]
    room = (WIDTH - _AXIS - between) // columns
    width = max(min(room, LIMITS["square" if square else "panel"]), LIMITS["narrowest"])
    unit = {**spec["spec"], "width": width, **({"height": width} if square else {})}
    return {**spec, "columns": columns, "spec": unit}


def columns_for(panel: int, count: int, width: int) -> int:
    """As many columns as fit, but none that leave the last row nearly empty."""
    most = max(1, min(count, width // panel))
    return -(-count // -(-count // most))


def _drawn_or_empty(specs: str, config: str) -> list[str]:
    """The SVG of each line of ``specs``, a chart as JSON; all empty where the process fails."""
    try:
        return _drawn(specs, config)
    except (OSError, subprocess.SubprocessError):  # the page's script draws them all the same
        return [""] * len(specs.splitlines())


@lru_cache(maxsize=_MOST_PROCESSES)
def _drawn(specs: str, config: str) -> list[str]:
    """The same, kept for the next report of the same charts; failures are not kept."""
    command = [sys.executable, "-c", _DRAWING, config]
    done = subprocess.run(command, input=specs.encode(), capture_output=True, check=True)
    texts: list[str] = json.loads(done.stdout)
    return texts
