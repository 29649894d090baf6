"""Imports that a command spares itself at its start."""

from __future__ import annotations

import sys


def without_iri_grammar() -> None:
    """Let JSON Schema, which Altair imports, do without its grammar of international addresses.

    jsonschema compiles that grammar on import wherever ``rfc3987_syntax`` is installed, as it is
    beside JupyterLab; that takes several times as long as the rest of Altair. Charts have no such
    addresses, and jsonschema takes a missing package for "cannot check these".
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: not there
