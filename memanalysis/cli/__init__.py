"""The command line: parse, call one function, print.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 an error
with one clear message, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from memanalysis._version import __version__
from memanalysis.cli import (
    build,
    check,
    compare,
    export,
    images,
    import_,
    init,
    judge,
    notebooks,
    plan,
    produce,
    removal,
    report,
    reproduce,
    simulate,
    sql,
    suspects,
    tables,
)
from memanalysis.cli.terminal import say
from memanalysis.errors import MemanalysisError, MissingDependencyError
from memanalysis.storage import atomic

INTERRUPTED = 130  # 128 + SIGINT, as shells count it
# Packages of the extras; a command that needs one says so where it can, and else here.
_EXTRAS: Final = {
    "torch": "producer", "numba": "producer", "sklearn": "producer", "ray": "ray", "typst": "pdf",
}  # fmt: skip
_PERMIT: Final = "Change its permissions, or give a place that you may read and write."
_ADVICE: Final = {
    errno.EACCES: _PERMIT,
    errno.EPERM: _PERMIT,
    errno.EROFS: "Give a place that can be written to.",
    errno.ENAMETOOLONG: "Give a shorter name.",
    errno.ENOTDIR: "A part of this path is a file; give another path.",
    errno.ENOENT: "Check that nobody removed it, and that links on its path lead somewhere.",
    errno.ELOOP: "Links on this path lead in a circle; give another path.",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="memanalysis")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def cli(debug: bool) -> None:
    """Measure which training examples a classifier memorises.

    \b
    Example:
      memanalysis report --out report.html
    """
    del debug  # `run` reads it, which sees the errors of every command


for _command in (
    report.command,
    suspects.command,
    sql.command,
    tables.command,
    init.command,
    produce.command,
    plan.command,
    build.command,
    import_.command,
    images.command,
    check.command,
    compare.command,
    export.command,
    judge.command,
    notebooks.command,
    removal.command,
    reproduce.command,
    simulate.command,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line of this process and exit with its code."""
    code = run(sys.argv[1:])
    limits = sys.modules.get("memanalysis.sql.limits")  # loaded by commands that query
    if limits is not None and limits.is_query_left():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors meant for users become one message."""
    try:
        code = cli.main(list(arguments), prog_name="memanalysis", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; the same command continues")
        return INTERRUPTED
    except MemanalysisError as error:
        _say(f"error: {error}")
        return 1
    except BrokenPipeError:
        # The reader of a pipe has seen enough; Python would complain when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if isinstance(error, OSError) and (message := _of_system(error)):
            _say(f"error: {message}")
            return 1
        if isinstance(error, MemoryError):
            _say(f"error: there is not enough memory. {error}".rstrip())
            return 1
        if "--debug" in arguments:
            raise
        if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get(error.name or "")):
            _say(f"error: {MissingDependencyError.for_feature('This command', extra)}")
            return 1
        _say(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a fault of memanalysis. Run `memanalysis --debug ...` to see where."
        )
        return 1
    return code if isinstance(code, int) else 0


def _of_system(error: OSError) -> str:
    """Advice on a refusal by the file system; empty for other errors."""
    if error.errno in atomic.NO_ROOM:
        return f"{os.strerror(error.errno)}. {atomic.INTACT}"
    if error.errno is None or error.filename is None:
        return ""
    place = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
    return f"'{place}': {os.strerror(error.errno)}. {_ADVICE.get(error.errno, '')}".rstrip()


def _show(error: click.ClickException) -> None:
    """Usage and message, in which click quotes what was given as it is."""
    text = io.StringIO()
    error.show(file=text)
    say(text.getvalue().rstrip("\n"), err=True)


def _say(message: str) -> None:
    say(f"memanalysis: {message}", err=True)
