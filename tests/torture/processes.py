"""Processes that die, run out of room, write at once, or read while others write."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import tiny_study
from trials import Table, command

import memanalysis as ma
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.errors import MemanalysisError
from memanalysis.storage.store import Store

# Runs a command and kills itself before the N-th time that it opens, renames or removes something
# below a folder: moments that do not depend on the machine. With N = 0 it counts them.
_DYING: Final = """
import os, signal, sys
moment, folder, *arguments = sys.argv[1:]
import memanalysis.building.build as building
if {quick}:
    building._derive = lambda _staged: None
from memanalysis.cli import run
seen = 0
def hook(event, given):
    global seen
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link"):
        if given and isinstance(given[0], (str, os.PathLike)) and folder in os.fspath(given[0]):
            seen += 1
            if seen == int(moment):
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
code = run(arguments)
print(seen, file=sys.stderr)
sys.exit(code)
"""


def _process(
    moment: int, folder: Path, line: Sequence[object], *, quick: bool = True, **more: object
) -> subprocess.CompletedProcess[str]:
    program = _DYING.replace("{quick}", str(quick))
    arguments = [sys.executable, "-c", program, str(moment), str(folder), *map(str, line)]
    return subprocess.run(arguments, check=False, capture_output=True, text=True, **more)  # type: ignore[call-overload, no-any-return]


def contents(store: Path) -> dict[str, bytes]:
    """The tables that hold what was measured."""
    names = ("outcomes", "proxies", "examples", "models")
    found = Store.open(store)
    return {name: found.table_path(name).read_bytes() for name in names}


def kills(table: Table, kind: str, full: int, prepare: Callable[[Path], list[object]]) -> None:
    """Kill a command at seeded moments and repeat it: every table as if nothing had happened.

    ``prepare`` makes what the command needs in an empty folder and returns its line; the store is
    ``store`` in it.
    """
    with table.room() as room:
        whole = _process(0, room, prepare(room))
        if whole.returncode:
            raise RuntimeError(f"{kind} does not run: {whole.stderr}")
        moments, right = int(whole.stderr.split()[-1]), contents(room / "store")
    for _ in table.times(full):
        moment = table.draw.randrange(1, moments + 1)
        with table.room() as room:
            line = prepare(room)
            killed = _process(moment, room, line)
            if killed.returncode != -signal.SIGKILL:
                table.note(kind, "confusing", f"moment {moment}: {killed.stderr[-300:]}")
                continue
            again = command(*line)
            if again.code:
                table.said(kind, f"again after {moment}", again)
                table.note(kind, "lost", f"moment {moment} of {moments}: {again.text[:300]}")
                continue
            table.expect(kind, contents(room / "store") == right, f"moment {moment}: other tables")
            faults = check(room / "store")
            table.expect(kind, not faults, f"moment {moment}: {faults}")


def produce(table: Table) -> None:
    """Kills of training: what is resumed has the bits of the undisturbed run."""

    def prepare(room: Path) -> list[object]:
        (room / "study.toml").write_text(tiny_study.STUDY)
        return ["produce", room / "study.toml", "--out", room / "store", "--workers", "1"]

    with table.room() as room:
        line = prepare(room)
        whole = _process(0, room, line)
        if whole.returncode:
            raise RuntimeError(f"produce does not run: {whole.stderr}")
        right = Store.open(room / "store").read_table("outcomes")
        moments = int(whole.stderr.split()[-1])
    for _ in table.times(8):
        moment = table.draw.randrange(1, moments + 1)
        with table.room() as room:
            line = prepare(room)
            _process(moment, room, line)
            again = _process(0, room, line)
            if again.returncode:
                table.note("kills of produce", "lost", f"moment {moment}: {again.stderr[-300:]}")
                continue
            same = Store.open(room / "store").read_table("outcomes").equals(right)
            table.expect("kills of produce", same, f"moment {moment}: other outcomes")


def disk_full(table: Table, kind: str, full: int, prepare: Callable[[Path], list[object]]) -> None:
    """Files that may not grow beyond a seeded size: one message, and the same command goes on."""
    with table.room() as room:
        line = prepare(room)
        _process(0, room, line)
        largest = max(p.stat().st_size for p in (room / "store").rglob("*") if p.is_file())
        right = contents(room / "store")
    for _ in table.times(full):
        limit = table.draw.randrange(1, largest)
        with table.room() as room:
            line = prepare(room)
            before = _readable(room / "store")
            stopped = _process(0, room, line, preexec_fn=_limited(limit))
            text = stopped.stderr
            if stopped.returncode not in (0, 1) or "internal error" in text or "Traceback" in text:
                table.note(kind, "confusing", f"{limit} bytes: {text[-300:]}")
                continue
            if stopped.returncode:
                table.expect(kind, _readable(room / "store") == before, f"{limit} bytes: changed")
            again = command(*line)
            ok = again.code == 0 and contents(room / "store") == right
            table.expect(kind, ok, f"{limit} bytes, again: {again.text[:300]}")


def _limited(limit: int) -> Callable[[], None]:
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return limited


def _readable(store: Path) -> dict[str, bytes] | None:
    try:
        return contents(store)
    except (MemanalysisError, OSError):
        return None


def two_writers(table: Table, prepare: Callable[[Path], list[object]]) -> None:
    """Two at once: one waits or is refused in a sentence, and the tables are those of one."""
    for _ in table.times(4):
        with table.room() as room:
            line = prepare(room)
            arguments = [sys.executable, "-m", "memanalysis", *map(str, line)]
            pair = [
                subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
                for _ in range(2)
            ]
            said = [process.communicate()[1].decode() for process in pair]
            codes = [process.returncode for process in pair]
            clear = not any("internal error" in text or "Traceback" in text for text in said)
            if not clear or 0 not in codes:
                table.note("two writers", "confusing", f"{codes}: {said}")
                continue
            faults = check(room / "store")
            table.expect("two writers", not faults, f"{codes}: {faults}")


_READER: Final = """
import sys, pathlib
import memanalysis as ma
from memanalysis.errors import MemanalysisError
store, stop = sys.argv[1], pathlib.Path(sys.argv[2])
right = {eval(line) for line in open(sys.argv[3])}
good = said = 0
while not stop.exists():
    try:
        study = ma.open(store)
        both = tuple(map(int, study.sql(sys.argv[4]).row(0)))
        study.close()
    except MemanalysisError as error:
        said += 1
        if "under way" not in str(error) and "anew" not in str(error):
            sys.exit(f"misled: {error}")
        continue
    if both not in right:
        sys.exit(f"mixed: {both}")
    good += 1
print(good, said)
"""


_COUNTS: Final = (
    "select (select count(*) from models), "
    "(select sum(1000 * (probability_in_sum + probability_out_sum)) from outcomes)"
)


def readers(table: Table, make: Callable[[Path], Store]) -> None:
    """Eight readers while a store is replaced over and over: each sees one build, or a sentence."""
    with table.room() as room:
        store = make(room / "store")
        spare = room / "spare.safetensors"
        model = sorted(store.path.glob("models/*/*/*.safetensors"))[-1]
        rights = []
        for there in (True, False):
            shutil.move(model, spare) if not there else None
            build(store.path)
            study = ma.open(store.path)
            rights.append(study.sql(_COUNTS).row(0))
            study.close()
        (room / "right").write_text("".join(f"{tuple(map(int, right))}\n" for right in rights))
        count = max(2, round(8 * min(1, table.size)))
        reading = [
            subprocess.Popen(
                [sys.executable, "-c", _READER, store.path, room / "stop", room / "right", _COUNTS],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for _ in range(count)
        ]  # fmt: skip
        for turn in table.times(200):
            shutil.move(*((spare, model) if turn % 2 == 0 else (model, spare)))
            build(store.path)
        (room / "stop").touch()
        for process in reading:
            out, said = process.communicate()
            if process.returncode:
                table.note("readers while building", "lost", said[-400:])
            else:
                good, refused = map(int, out.split())
                for _ in range(good + refused):
                    table.note("readers while building", "survived")
