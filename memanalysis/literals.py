"""Values as they are written in SQL."""

from __future__ import annotations


def literal(value: str | float | bool | None) -> str:
    """``value`` as an SQL literal: text in quotes, a number, ``true``, ``false`` or ``null``.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    raise TypeError(f"{value!r} cannot be written in SQL: text, a number or None can.")
