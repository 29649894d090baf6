"""One trial after the other, what came of each, and the table of all."""

from __future__ import annotations

import collections
import contextlib
import io
import random
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeVar

from memanalysis.cli import run
from memanalysis.errors import MemanalysisError

Verdict = Literal["survived", "lost", "confusing"]
VERDICTS: Final = ("survived", "lost", "confusing")
_SHOWN: Final = 400  # characters of a message in the list of what went wrong
Answer = TypeVar("Answer")
Case = TypeVar("Case")


@dataclass(frozen=True)
class Result:
    """Output of a command."""

    code: int
    text: str


@dataclass
class Table:
    """Trials by kind; ``size`` scales their number, ``draw`` decides everything that is random."""

    size: float
    draw: random.Random
    folder: Path
    counts: dict[str, collections.Counter[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def times(self, full: int) -> range:
        """``full`` trials at size 1, at least one."""
        return range(max(1, round(full * self.size)))

    def some(self, cases: Iterable[Case]) -> list[Case]:
        """All of ``cases`` from size .1 on, fewer below, at least a third."""
        every = list(cases)
        share = min(1.0, max(1 / 3, 10 * self.size))
        return self.draw.sample(every, max(1, round(share * len(every))))

    def note(self, kind: str, verdict: Verdict, detail: str = "") -> None:
        """Count one trial."""
        self.counts.setdefault(kind, collections.Counter())[verdict] += 1
        if verdict != "survived":
            self.wrong.append(f"{verdict}: {kind}: {detail}")

    def expect(self, kind: str, right: bool, detail: str) -> None:
        """Count a trial that is lost unless ``right``."""
        self.note(kind, "survived" if right else "lost", detail)

    def answered(self, kind: str, what: str, call: Callable[[], Answer], right: Answer) -> None:
        """An answer must be the right one, or one message; any other error confuses."""
        try:
            answer = call()
        except MemanalysisError as error:
            self.said(kind, what, Result(1, str(error)))
        except Exception:
            self.note(kind, "confusing", f"{what}: {traceback.format_exc()[-_SHOWN:]}")
        else:
            self.expect(kind, answer == right, f"{what}: another answer in silence")

    def said(self, kind: str, what: str, result: Result, *names: str) -> None:
        """A message is one: no internal error, and one of ``names`` in it where any is given."""
        bad = result.code not in (0, 1, 2) or "internal error" in result.text
        bad = bad or "Traceback" in result.text or not result.text.strip()
        if result.code and names:
            bad = bad or not any(name in result.text for name in names)
        detail = f"{what}: exit {result.code}: {result.text[:_SHOWN]}"
        self.note(kind, "confusing" if bad else "survived", detail)

    @contextlib.contextmanager
    def room(self) -> Iterator[Path]:
        """A folder for one trial, gone after it."""
        with tempfile.TemporaryDirectory(dir=self.folder) as path:
            yield Path(path)

    def __str__(self) -> str:
        """Kind, tried, survived, lost, confusing; what went wrong before it."""
        width = max(map(len, self.counts), default=4)
        lines = [*self.wrong, f"{'kind':{width}}  tried  {'  '.join(VERDICTS)}"]
        total: collections.Counter[str] = sum(self.counts.values(), collections.Counter())
        for kind, count in (*self.counts.items(), ("all", total)):
            cells = "  ".join(f"{count[verdict]:{len(verdict)}}" for verdict in VERDICTS)
            lines.append(f"{kind:{width}}  {count.total():5}  {cells}")
        return "\n".join(lines)


def command(*arguments: object) -> Result:
    """Run ``memanalysis ARGUMENTS`` in this process; what escapes it becomes its text."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                code = run([str(argument) for argument in arguments])
        except BaseException:
            code = 99
            print(traceback.format_exc(), file=sys.stderr)  # noqa: T201 - captured above
    text = out.buffer.getvalue().decode(errors="replace")  # type: ignore[attr-defined]
    return Result(code, text)


def damaged(draw: random.Random, content: bytes) -> tuple[str, bytes]:
    """``content`` with a bit flipped, cut, emptied, longer, or a stretch of it overwritten."""
    bad = bytearray(content)
    place = draw.randrange(len(bad)) if bad else 0
    kind = draw.choice(("flip", "cut", "empty", "tail", "noise", "zeros"))
    if kind == "flip" and bad:
        bad[place] ^= 1 << draw.randrange(8)
    elif kind == "cut":
        del bad[place:]
    elif kind == "empty":
        bad.clear()
    elif kind == "tail":
        bad += draw.randbytes(draw.randrange(1, 40))
    else:
        length = min(draw.randrange(1, 64), len(bad) - place)
        bad[place : place + length] = bytes(length) if kind == "zeros" else draw.randbytes(length)
    return f"{kind} at {place}", bytes(bad)
