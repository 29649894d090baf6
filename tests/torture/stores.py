"""Damage to stores: every file flipped and cut, strange manifests, strange files."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import odd_stores
from trials import Table, command, damaged

import memanalysis as ma
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.storage.store import Store

ASKED: Final = ("outcomes", "examples", "models", "proxies", "influence", "findings")
_ODD: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 10**400, 1e308, float("nan"), "", "x", "../../x", "\x1b[2J", [], [[]], {},
    {"": None}, ["a", 1], "x" * 100_000,
)  # fmt: skip


def answers(path: Path) -> list[str]:
    """Relations as text, read by a study opened anew."""
    study = ma.open(path)
    try:
        return [repr(study.sql(f"from {name} order by all").rows()) for name in ASKED]
    finally:
        study.close()


def files(table: Table, make: Callable[[Path], Store]) -> None:
    """Flips and truncation of every file of a store: the same answer, or a refusal; check sees."""
    with table.room() as room:
        store = make(room / "store")
        right = answers(store.path)
        rebuilt = room / "rebuilt"
        for path in table.some(sorted(p for p in store.path.rglob("*") if p.is_file())):
            name = path.relative_to(store.path).as_posix()
            good = path.read_bytes()
            for _ in table.times(12):
                what, bad = damaged(table.draw, good)
                if bad == good:
                    continue
                path.write_bytes(bad)
                try:
                    table.answered("flips and cuts, asked", f"{name}, {what}",
                                   lambda: answers(store.path), right)  # fmt: skip
                    _checked(table, store.path, name, what)
                    if name.startswith(("models/", "groups/")):
                        shutil.copytree(store.path, rebuilt)
                        result = command("build", rebuilt)
                        named = [path.name] if name.startswith("models/") else []
                        table.said("flips and cuts, built", f"{name}, {what}", result, *named)
                        shutil.rmtree(rebuilt)
                finally:
                    path.write_bytes(good)


def _checked(table: Table, path: Path, name: str, what: str) -> None:
    """``check`` names a changed file; a manifest may change where nothing counts."""
    result = command("check", path)
    if name == "manifest.json" or name.endswith(".lock") or Path(name).name.startswith("."):
        table.said("flips and cuts, checked", f"{name}, {what}", result)
    else:
        table.expect(
            "flips and cuts, checked", name in result.text and result.code == 1, f"{name}, {what}"
        )


def manifests(table: Table) -> None:
    """Every key of a manifest with odd values: opened as it should be, or faults with the key."""
    with table.room() as room:
        store = odd_stores.small(room / "store")
        file = store.path / "manifest.json"
        good = json.loads(file.read_text())
        places = list(_places(good))
        for _ in table.times(400):
            place, odd = table.draw.choice(places), table.draw.choice(_ODD)
            changed = copy.deepcopy(good)
            _put(changed, place, odd)
            try:
                file.write_text(json.dumps(changed))
            except ValueError:  # an integer of more digits than Python writes
                file.write_text(json.dumps(changed | {place[0]: 10**300}))
            what = f"{'.'.join(map(str, place))} = {str(odd)[:30]!r}"
            table.said("manifests", f"check, {what}", command("check", store.path))
            table.said("manifests", f"sql, {what}", command("sql", store.path, "from accuracy"))
        for text in ("", "null", "[]", "{", '{"a":' * 100_000, "\ufeff{}", "\x00", "9" * 5000):
            file.write_text(text)
            for line in (("check",), ("build",), ("report", "--out", room / "r.html")):
                result = command(line[0], store.path, *line[1:])
                table.said("manifests", f"{line[0]}, {text[:20]!r}", result, "manifest.json")


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in items:
        yield (*above, key)
        yield from _places(inner, (*above, key))


def _put(value: Any, place: tuple[Any, ...], odd: Any) -> None:
    for key in place[:-1]:
        value = value[key]
    value[place[-1]] = odd


def strange(table: Table, make: Callable[[Path], Store]) -> None:
    """Links, pipes, folders for files and files of strangers: nothing outside is touched."""
    changes: dict[str, Callable[[Path, Path], object]] = {
        "models is a link": lambda s, o: _linked(s / "models", o),
        "derived is a link": lambda s, o: _linked(s / "derived", o),
        "groups is a link": lambda s, o: _linked(s / "groups", o),
        "staging is a link": lambda s, o: _linked(s / ".build", o),
        "commit is a link": lambda s, o: _linked(s / ".commit", o),
        "a table is a link": lambda s, o: _linked(s / "outcomes.parquet", o / "a.parquet"),
        "the manifest is a link": lambda s, o: _linked(s / "manifest.json", o / "a.parquet"),
        "a table is a folder": lambda s, _: _folder(s / "examples.parquet"),
        "the manifest is a folder": lambda s, _: _folder(s / "manifest.json"),
        "a table is a pipe": lambda s, _: _pipe(s / "proxies.parquet"),
        "a link to itself": lambda s, _: (s / "loop").symlink_to("loop"),
        "commit of a stranger": lambda s, _: _stranger(s / ".commit"),
        "a file called models": lambda s, _: _file(s / "models"),
        "no tables at all": lambda s, _: [p.unlink() for p in s.rglob("*.parquet")],
        "a model that is no number": lambda s, _: _file(s / "models/one_hot/small/x.safetensors"),
    }
    for what, change in table.some(changes.items()):
        with table.room() as room:
            store, outside = make(room / "store").path, room / "outside"
            outside.mkdir()
            (outside / "a.parquet").write_bytes(b"somebody's")
            change(store, outside)
            for line in (("check",), ("build",), ("build", "--pack"), ("sql", "from accuracy")):
                result = command(line[0], store, *line[1:])
                table.said("strange stores", f"{what}, {' '.join(line)}", result)
            left = {p.name: p.read_bytes() for p in outside.iterdir() if p.is_file()}
            table.expect("strange stores", left == {"a.parquet": b"somebody's"}, f"{what}: outside")


def _linked(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _file(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no tensors")


def _stranger(path: Path) -> None:
    path.mkdir()
    (path / "evil.py").write_text("raise SystemExit")


def read_only(table: Table, make: Callable[[Path], Store]) -> None:
    """A store that cannot be written is read, and refused in a sentence by whatever writes."""
    with table.room() as room:
        store = make(room / "store").path
        right = answers(store)
        _permit(store, 0o555, 0o444)
        for path in (table.folder, room):
            path.chmod(0o755)
        with _nobody():
            table.answered("read-only", "asked", lambda: answers(store), right)
            table.said("read-only", "check", command("check", store))
            export = ("export", store, "--to", "npz", "--out", store)
            for line in (("build", store), ("build", store, "--pack"), export):
                result = command(*line)
                table.said("read-only", line[0], result)
                table.expect("read-only", result.code == 1, f"{line}: {result.text[:200]}")
            table.answered("read-only", "asked again", lambda: answers(store), right)
        _permit(store, 0o755, 0o644)
        table.expect("read-only", not check(build(store).path), "built afterwards")


def _permit(store: Path, folder: int, file: int) -> None:
    for path in (store, *store.rglob("*")):
        path.chmod(folder if path.is_dir() else file)


@contextlib.contextmanager
def _nobody() -> Iterator[None]:
    """Root may write everything: be somebody else meanwhile."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
