"""Text of strangers on a terminal: what would steer it, or turn its direction, is shown instead."""

from __future__ import annotations

import sys
import unicodedata
from typing import Final

import click

# Control characters, half surrogates, separators of lines, and what formats without being seen.
_STEERING: Final = ("Cc", "Cs", "Zl", "Zp", "Cf")
# Joiners, which scripts and emoji need, and the soft hyphen.
_HARMLESS: Final = "\u200c\u200d\u00ad"


def say(text: str, *, err: bool = False, exact: bool = False) -> None:
    """Print ``text``, on standard error with ``err``; every line of every command comes here.

    ``exact`` is for text that programs read: only a terminal gets escapes in it.
    """
    if exact and not sys.stdout.isatty():
        sys.stdout.write(f"{text}\n")  # click would drop escape sequences
    else:
        click.echo(visible(text, keep="\n"), err=err)


def visible(text: str, keep: str = "") -> str:
    r"""``text`` with its control and direction characters as escapes, such as ``\x1b``.

    Those in ``keep`` stay, for texts of several lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if _steers(c, keep) else c for c in text)


def visible_json(text: str) -> str:
    r"""JSON whose strings have the same characters as JSON's own escapes, ``\u202e``."""
    return "".join(_json_escaped(c) if _steers(c, "\n") else c for c in text)


def _steers(character: str, keep: str) -> bool:
    steering = unicodedata.category(character) in _STEERING
    return steering and character not in _HARMLESS and character not in keep


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _json_escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
