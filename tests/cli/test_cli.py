"""The boundary: exit codes, one message per error, results apart from everything else."""

import subprocess
import sys

import click
import pytest

from memanalysis import cli
from memanalysis.errors import StoreError

COMMANDS = (
    "report", "sql", "tables", "produce", "plan", "build", "check", "compare", "judge",
    "notebooks", "removal", "reproduce", "simulate", "import", "images", "export", "init",
    "suspects",
)  # fmt: skip


def test_every_command_has_help_with_an_example() -> None:
    """--help of each command says what it does and shows a call of it."""
    assert sorted(COMMANDS) == sorted(cli.cli.commands)
    for name, command in cli.cli.commands.items():
        text = command.get_help(click.Context(command, info_name=name))
        assert f"memanalysis {name}" in text.partition("Example:")[2], name
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name not in ("help", "seed"):
                assert parameter.help, f"{name} --{parameter.name}"


@pytest.mark.parametrize(
    "arguments",
    [("bogus",), ("sql",), ("build",), ("sql", "--format", "xml", "from x"), ("produce", "digits")],
)
def test_wrong_usage_exits_with_2(memanalysis, arguments) -> None:
    """Unknown commands, missing arguments and wrong options are usage errors."""
    result = memanalysis(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert "Usage:" in result.err


def test_our_errors_are_one_message_and_exit_with_1(memanalysis, tmp_path) -> None:
    """A user's mistake gives its message on standard error, no traceback, and 1."""
    for command in (("tables",), ("check",), ("build",), ("sql",)):
        extra = ("from accuracy",) if command == ("sql",) else ()
        result = memanalysis(*command, tmp_path / "nothing", *extra)
        assert result.code == 1
        assert result.out == ""
        assert result.err.startswith("memanalysis: error: There is no store at")
        assert "Traceback" not in result.err


def raising(error: BaseException):
    """A function that raises, whatever it is called with."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    return fail


def test_an_interrupt_says_how_to_go_on(memanalysis, monkeypatch, tmp_path) -> None:
    """Ctrl-C exits with 130 and says that the same command continues."""
    import memanalysis.checking as module

    monkeypatch.setattr(module, "check", raising(KeyboardInterrupt()))
    result = memanalysis("check", tmp_path)
    assert result.code == 130
    assert "interrupted; the same command continues" in result.err


def test_our_own_faults_are_short_unless_debugged(memanalysis, monkeypatch, tmp_path) -> None:
    """An unexpected error is one line that names itself; --debug lets it through."""
    import memanalysis.checking as module

    monkeypatch.setattr(module, "check", raising(ZeroDivisionError("by zero")))
    result = memanalysis("check", tmp_path)
    assert result.code == 1
    assert "internal error: ZeroDivisionError: by zero" in result.err
    assert "--debug" in result.err
    with pytest.raises(ZeroDivisionError):
        memanalysis("--debug", "check", tmp_path)


def test_help_and_version_exit_with_0(memanalysis) -> None:
    """--help and --version are results."""
    assert memanalysis("--help").code == 0
    version = memanalysis("--version")
    assert version.code == 0
    assert "memanalysis, version" in version.out


def test_the_command_line_starts_light() -> None:
    """Help needs none of the heavy packages, and `python -m memanalysis` is the command line."""
    program = (
        "import sys, memanalysis.cli as c\n"
        "code = c.run(['--help'])\n"
        "assert not {'duckdb', 'polars', 'numpy', 'altair', 'torch', 'rich'} & sys.modules.keys()\n"
        "sys.exit(code)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    told = subprocess.run(
        [sys.executable, "-m", "memanalysis", "sql"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert told.stdout == ""


def test_errors_of_any_kind_of_ours_are_caught(memanalysis, monkeypatch, tmp_path) -> None:
    """The boundary catches the base class, so no kind of error of ours can slip through."""
    import memanalysis.checking as module

    monkeypatch.setattr(module, "check", raising(StoreError("first line\nsecond line")))
    result = memanalysis("check", tmp_path)
    assert (result.code, result.err) == (1, "memanalysis: error: first line\nsecond line\n")
