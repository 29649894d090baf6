"""Vega, Vega-Lite and Vega-Embed as one script, bundled while the rest of a report is made."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final

import vl_convert

# Functions that the page's scripts use.
_GLOBALS: Final = "window.vegaEmbed = vegaEmbed;"
_BUNDLING: Final = (
    "import sys, vl_convert;"
    "sys.stdout.buffer.write(vl_convert.javascript_bundle(sys.argv[1]).encode())"
)


@cache
def bundle() -> Future[str]:
    """The script, once it is there: bundling takes seconds, so ask early and wait late.

    It takes a process, since vl_convert keeps Python's lock while it bundles.
    """
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="vega")
    future = executor.submit(_bundled)
    executor.shutdown(wait=False)
    return future


def _bundled() -> str:
    command = [sys.executable, "-c", _BUNDLING, _GLOBALS]
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.SubprocessError):  # an embedded Python has no executable to start
        return str(vl_convert.javascript_bundle(_GLOBALS))
