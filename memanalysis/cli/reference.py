"""``python -m memanalysis.cli.reference``: the reference pages, made from what declares things.

A page is prose with blocks between ``<!-- begin NAME -->`` and ``<!-- end -->``, made anew.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import click

from memanalysis import settings
from memanalysis.bundled_studies import embedded_path
from memanalysis.cli import cli
from memanalysis.cli.terminal import say
from memanalysis.exporting import FORMATS as EXPORTS
from memanalysis.importing import FORMATS as IMPORTS
from memanalysis.importing.source import COMMON_OPTIONS
from memanalysis.sql.catalogue import catalogue
from memanalysis.sql.scripts import FOLDERS
from memanalysis.storage.store import Store

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (
    "memanalysis/cli/README.md",
    "memanalysis/exporting/README.md",
    "memanalysis/importing/README.md",
    "memanalysis/settings/README.md",
    "queries/relations.md",
)
_WIDTH: Final = 80  # characters of a line of help
_BLOCK: Final = re.compile(r"(<!-- begin (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page with every block made anew."""
    return _BLOCK.sub(lambda match: f"{match[1]}\n{_BLOCKS[match[2]]()}\n{match[3]}", text)


def main() -> None:
    """Write the pages of this repository."""
    for name in PAGES:
        page = ROOT / name
        page.write_text(filled(page.read_text("utf-8")), "utf-8")
        say(f"wrote {name}", err=True)


# Commands


def _commands() -> str:
    rows = (
        (f"[`memanalysis {name}`](#memanalysis-{name})", _first_paragraph(command.help or ""))
        for name, command in sorted(cli.commands.items())
    )
    return _table(("command", "what it does"), rows)


def _command_help() -> str:
    parent = click.Context(
        cli, info_name="memanalysis", terminal_width=_WIDTH, **cli.context_settings
    )
    return "\n".join(
        f"### `memanalysis {name}`\n\n```text\n{_help(parent, name, command)}\n```\n"
        for name, command in sorted(cli.commands.items())
    )


def _help(parent: click.Context, name: str, command: click.Command) -> str:
    with click.Context(command, parent, name) as context:
        return command.get_help(context).strip()


# Formats


def _imports() -> str:
    uses = [use for format_ in IMPORTS.values() for use in format_.uses]
    rows = ((use.have, f"`memanalysis import {use.example}`", use.gives) for use in uses)
    return _table(("you have", "you run", "you get"), rows)


def _import_contents() -> str:
    docs = {name: importlib.import_module(f.module).__doc__ for name, f in IMPORTS.items()}
    return "\n".join(f"### `{name}`\n\n{_markdown(doc or '')}\n" for name, doc in docs.items())


def _import_options() -> str:
    heeded = {name: {*COMMON_OPTIONS, *format_.options} for name, format_ in IMPORTS.items()}
    everywhere = {
        name for name, _ in _options("import") if name not in set().union(*heeded.values())
    }
    rows = []
    for name, (option, meaning) in _options("import"):
        takers = [f"`{of}`" for of, names in heeded.items() if name in {*names, *everywhere}]
        rows.append((option, meaning, "all" if len(takers) == len(heeded) else ", ".join(takers)))
    return _table(("option", "meaning", "formats"), rows)


def _exports() -> str:
    rows = (
        (format_.wanted, f"`memanalysis export {format_.example}`", format_.gives)
        for format_ in EXPORTS.values()
    )
    return _table(("you want", "you run", "you get"), rows)


def _export_contents() -> str:
    return "\n".join(
        f"### `{name}`\n\n{_markdown(inspect.getdoc(format_.content) or '')}\n"
        for name, format_ in EXPORTS.items()
        if format_.content is not None
    )


def _export_options() -> str:
    rows = []
    for name, (option, meaning) in _options("export"):
        takers = [f"`{of}`" for of, format_ in EXPORTS.items() if name in format_.options]
        rows.append((option, meaning, ", ".join(takers) or "all"))
    return _table(("option", "meaning", "formats"), rows)


def _options(command: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Options of a command by the name of their parameter: how they are written, their help."""
    with click.Context(cli.commands[command], info_name=command) as context:
        for parameter in context.command.params:
            record = parameter.get_help_record(context)
            if record and parameter.name and isinstance(parameter, click.Option):
                yield parameter.name, (f"`{record[0]}`", record[1])


# Study files and relations


def _study_file() -> str:
    entries = list(settings.reference())
    meanings = {entry.key: entry.meaning for entry in entries}
    parts = []
    for section, keys in groupby(entries, _section):
        rows = [(f"`{entry.key.removeprefix(section).lstrip('.')}`", *entry[1:]) for entry in keys]
        heading = f"## `[{section}]`\n\n{meanings[section]}\n\n" if section else ""
        parts.append(heading + _table(("key", "type", "values", "default", "meaning"), rows))
    return "\n".join(parts)


def _section(entry: settings.Entry) -> str:
    """``data.noise`` of the key ``data.noise.flip``; keys of variants belong to ``sizes``."""
    section = entry.key.rpartition(".")[0]
    return section.removesuffix(".variant")


def _relations() -> str:
    relations = catalogue(Store.open(embedded_path()))
    parts = []
    for folder in FOLDERS:
        parts.append(f"## {folder}/\n")
        for relation in (r for r in relations if r.folder == folder):
            rows = ((f"`{c.name}`", c.type, c.comment) for c in relation.columns)
            head = f"### `{relation.call}`\n\n{_cell(relation.comment)}\n"
            parts.append(f"{head}\n{_table(('column', 'type', 'meaning'), rows)}")
    return "\n".join(parts)


# Markdown


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [map(str.strip, header), ["---"] * len(header), *(map(_cell, row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """One line in which nothing but code is markup."""
    code, escaped = re.compile(r"(`[^`]*`)"), []
    for part in code.split(" ".join(text.replace("``", "`").split())):
        plain = part if part.startswith("`") else re.sub(r"(?<!\w)([*_])", r"\\\1", part)
        escaped.append(plain if part.startswith("`") else plain.replace("<", "&lt;"))
    return "".join(escaped).replace("|", r"\|")


def _first_paragraph(text: str) -> str:
    return inspect.cleandoc(text).split("\n\n", 1)[0]


def _markdown(docstring: str) -> str:
    """A docstring as Markdown, without sections such as Parameters."""
    text = re.split(r"\n\n\w+\n-{3,}\n", inspect.cleandoc(docstring))[0]
    tables = r"^(={3,}[= ]*)\n(.*)\n\1\n(.*?)\n\1$"
    text = re.sub(tables, _from_restructured, text, flags=re.MULTILINE | re.DOTALL)
    return text.replace("``", "`")


def _from_restructured(match: re.Match[str]) -> str:
    """A simple table of reStructuredText, whose rules say where columns begin."""
    starts = [rule.start() for rule in re.finditer("=+", match[1])]
    cells = [
        [line[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
        for line in (match[2], *match[3].splitlines())
    ]
    rows: list[list[str]] = []
    for line in cells:
        if line[0].strip():
            rows.append(line)
        else:  # the row before goes on
            rows[-1] = [f"{above} {below}" for above, below in zip(rows[-1], line, strict=True)]
    return _table(rows[0], rows[1:]).rstrip()


_BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "commands": _commands,
    "command-help": _command_help,
    "imports": _imports,
    "import-contents": _import_contents,
    "import-options": _import_options,
    "exports": _exports,
    "export-contents": _export_contents,
    "export-options": _export_options,
    "study-file": _study_file,
    "relations": _relations,
}

if __name__ == "__main__":
    main()
