"""Commands and options that the pages name exist, and every command is in its table."""

import re

import click
import pytest
import readme_parts

from memanalysis.cli import cli

TABLE = readme_parts.table(readme_parts.section("The commands"), "command")
SPANS = {s for s in readme_parts.spans(readme_parts.TEXT) if s.startswith("memanalysis ")}
NAMES = {span for span in SPANS if re.fullmatch(r"memanalysis \w+( labels| influence)?", span)}
# Lines of blocks, and commands in tables and text that are whole (FORMAT and "..." stand for one).
LINES = sorted({
    *readme_parts.commands(readme_parts.TEXT),
    *(span for span in SPANS - NAMES if not re.search(r"\[|FORMAT|\.\.\.", span)),
})  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_every_command_is_understood(line: str) -> None:
    """The command line takes it, though nothing runs; the job has a number, as in a shell."""
    arguments = readme_parts.words(line.replace("$SLURM_ARRAY_TASK_ID", "2"))
    command = cli.commands[arguments[0]]
    context = command.make_context(arguments[0], arguments[1:])
    assert context.params


def test_every_name_is_that_of_a_command() -> None:
    """Where text names a command and no more, there is one."""
    assert {name.split()[1] for name in NAMES} == cli.commands.keys()


def test_the_table_has_every_command() -> None:
    """Each command of the program once, and no other."""
    found = [re.search(r"`memanalysis (\w+)`", cells[0])[1] for cells in TABLE]
    assert sorted(found) == sorted(cli.commands)


def test_every_option_in_the_text_exists() -> None:
    """What inline code calls an option is one of some command."""
    options = {
        name
        for command in cli.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    named = {
        word.split("=")[0]
        for span in readme_parts.spans(readme_parts.TEXT)
        for word in span.split()
        if word.startswith("--")
    }
    assert len(named) > 10
    # Of every command; of the controls, which are no command.
    assert named - options == {"--help", "--halves", "--rates", "--worlds"}


def test_targets_of_make_exist() -> None:
    """Every ``make TARGET`` of blocks and text is in the Makefile."""
    makefile = (readme_parts.ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert "report" in targets
    assert set(re.findall(r"(?:^    |`)make ([a-z-]+)", readme_parts.TEXT, re.MULTILINE)) <= targets
