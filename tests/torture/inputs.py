"""Fuzzed inputs for every reader: one message with the file, or a store without faults."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import artefacts
import layouts
import numpy as np
import polars as pl
from trials import Result, Table, command, damaged

from memanalysis import settings
from memanalysis.errors import MemanalysisError
from memanalysis.producer.data.dataset import load

TOKENS: Final = (
    "NaN", "-Infinity", "1e308", "-1", "9" * 400, "0x10", "''", "null", "[" * 3000, "{}", "\x00",
    "tensor(3)", "1;2", '"', "\ufeff", "=1+1", "\u202e", "1_000", "٣", "true",
)  # fmt: skip
# Format, what its source is and the options that it needs; see _sources.
Made = dict[str, tuple[Path, list[object]]]


def sources(folder: Path) -> Made:
    """A small source of every format that is imported."""
    world = artefacts.make_world(n_models=4, n_train=12, n_test=4)
    rng = np.random.default_rng(0)
    labels = folder / "y.npy"
    np.save(labels, world.labels)
    frame = pl.DataFrame({"example_id": range(12), "score": rng.random(12), "label": world.labels})
    frame.write_csv(folder / "scores.csv")
    frame.write_parquet(folder / "scores.parquet")
    frame.write_ndjson(folder / "scores.jsonl")
    np.save(folder / "scores.npy", rng.random(12))
    np.savez(folder / "models.npz", **artefacts.zenodo(world))
    artefacts.write_lira(folder / "lira", {"wrn": world})
    artefacts.write_aux_arrays(folder / "feldman" / "0.7", world, rng)
    artefacts.write_cartography(folder / "carto", rng.normal(size=(3, 12, 3)), world.labels % 3)
    artefacts.write_aum(folder / "aum.csv", {i: float(i) for i in range(12)})
    artefacts.write_leakpro(folder / "leakpro", world.masks, world.logits)
    margins = rng.normal(size=(4, 12)).astype(np.float16)
    artefacts.write_released_datamodels(
        folder / "datamodels", train_masks=world.masks, train_margins=margins
    )
    signals = rng.random((12, 4))
    pairs = np.stack([world.masks[0], ~world.masks[0], world.masks[2], ~world.masks[2]])
    artefacts.write_privacy_meter(folder / "pm", pairs, signals, models=["m"] * 4)
    hard: list[object] = ["--hard-is", "high"]
    size: list[object] = ["--size", "s"]
    return {
        "scores csv": (folder / "scores.csv", ["scores", *hard]),
        "scores parquet": (folder / "scores.parquet", ["scores", *hard]),
        "scores jsonl": (folder / "scores.jsonl", ["scores", *hard]),
        "scores npy": (folder / "scores.npy", ["scores", *hard]),
        "npz": (folder / "models.npz", ["npz", *size]),
        "lira": (folder / "lira", ["lira"]),
        "feldman": (folder / "feldman", ["feldman", *size]),
        "dynamics jsonl": (folder / "carto", ["dynamics", *size]),
        "dynamics csv": (folder / "aum.csv", ["dynamics", *size]),
        "leakpro": (folder / "leakpro", ["leakpro", *size, "--labels", labels]),
        "datamodels": (folder / "datamodels", ["datamodels", *size]),
        "privacy-meter": (folder / "pm", ["privacy-meter", "--labels", labels]),
    }


def formats(table: Table) -> None:
    """Every importer meets damage in every file of its source."""
    with table.room() as room:
        made = sources(room)
        for name, (source, given) in made.items():
            _must_work(room, name, source, given)
            files = [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]
            files = sorted(p for p in files if p.suffix != ".pkl")
            for _ in table.times(120):
                file = table.draw.choice(files)
                good = file.read_bytes()
                text = file.suffix in (".csv", ".jsonl", ".json")
                change = retold if text and table.draw.random() < 0.7 else damaged
                what, bad = change(table.draw, good)
                file.write_bytes(bad)
                try:
                    out = room / "out"
                    result = command("import", given[0], source, *given[1:], "--out", out)
                    _judge(table, f"import {name}", f"{file.name}, {what}", result, out, file)
                finally:
                    file.write_bytes(good)
                    shutil.rmtree(room / "out", ignore_errors=True)


def _must_work(room: Path, name: str, source: Path, given: list[object]) -> None:
    """An untouched source is imported: else the fuzzing would test nothing."""
    result = command("import", given[0], source, *given[1:], "--out", room / "out")
    if result.code:
        raise RuntimeError(f"{name} does not import: {result.text}")
    shutil.rmtree(room / "out")


def _judge(table: Table, kind: str, what: str, result: Result, out: Path, file: Path) -> None:
    """A success leaves a store without faults, a failure a message with the file and no store."""
    if result.code == 0:
        faults = command("check", out)
        table.expect(kind, faults.code == 0, f"{what}: imported with faults: {faults.text[:200]}")
        return
    if out.exists() and any(out.iterdir()):
        table.note(kind, "lost", f"{what}: refused, and a store was left")
        return
    table.said(kind, what, result, file.name, file.parent.name, file.stem)


def retold(draw, content: bytes) -> tuple[str, bytes]:
    """Text with a word of it replaced, or a line lost, doubled or moved."""
    lines = content.decode().splitlines()
    i = draw.randrange(len(lines))
    kind = draw.choice(("token", "token", "token", "lost", "doubled", "moved"))
    if kind == "token":
        separator = draw.choice((",", ":", " "))
        words = lines[i].split(separator)
        words[draw.randrange(len(words))] = token = draw.choice(TOKENS)
        lines[i] = separator.join(words)
        kind = f"token {token[:12]!r}"
    elif kind == "lost":
        del lines[i]
    elif kind == "doubled":
        lines.insert(i, lines[i])
    else:
        lines.append(lines.pop(i))
    return f"{kind} in line {i}", ("\n".join(lines) + "\n").encode()


STUDY: Final = """
name = "tiny"
seed = 3

[data]
source = "digits"
train_examples = 40

[subsets]
ratio = 0.5
groups = 2

[sizes]
family = "resnet"
depth = 8
width = [2, 3]

[training]
epochs = 2
batch_size = 10
learning_rate = 0.1

[distillation]
temperature = 3.0
weight = 0.5
"""


def studies(table: Table) -> None:
    """Study files with odd words: parsed, or one message."""
    extreme = ("a = " + "[" * 5000, "a." * 3000 + "b = 1", "x = 1e999", "seed = " + "9" * 5000)
    for text in (*extreme, "\x00", "", "[" * 1000):
        _parsed(table, text[:20], text)
    for _ in table.times(2000):
        what, content = retold(table.draw, STUDY.encode())
        if table.draw.random() < 0.3:
            what, content = damaged(table.draw, STUDY.encode())
        _parsed(table, what, content.decode(errors="replace"))


def _parsed(table: Table, what: str, text: str) -> None:
    try:
        settings.parse(text)
    except MemanalysisError as error:
        table.said("study files", what, Result(1, str(error)))
    except Exception as error:
        table.note("study files", "confusing", f"{what}: {type(error).__name__}: {error}")
    else:
        table.note("study files", "survived")


def _bomb(side: int) -> bytes:
    """A PNG of ``side`` squared black pixels, a few kilobytes long."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(min(side * (side + 1), 10**7)))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


SETS: Final[dict[str, tuple[Callable[..., object], int, str]]] = {
    "mnist": (layouts.write_idx, 28, 'source = "mnist"\nfolder = "set"'),
    "cifar10": (layouts.write_cifar, 32, 'source = "cifar10"\nfolder = "set"'),
    "folder": (layouts.write_folder, 8, 'source = "folder"\nfolder = "set"'),
    "npz": (layouts.write_npz, 8, 'source = "npz"\nfile = "set/mine.npz"'),
    "parquet": (layouts.write_parquet, 8, 'source = "parquet"\nfolder = "set"'),
}


def images(table: Table) -> None:
    """Every reader of images meets damage, and pictures that unfold to gigabytes."""
    for name, (write, side, data) in SETS.items():
        with table.room() as room:
            colours, classes = 3 if name == "cifar10" else 1, 10 if name == "mnist" else 3
            made = layouts.made(side, colours, n_train=30, n_test=10, classes=classes)
            (room / "set").mkdir()
            write(room / "set", made)
            study = room / "study.toml"
            study.write_text(STUDY.replace('source = "digits"\ntrain_examples = 40', data))
            load(settings.load(study).data, 0)  # untouched, it is read
            files = sorted(p for p in (room / "set").rglob("*") if p.is_file())
            for turn in table.times(40):
                file = table.draw.choice(files)
                good = file.read_bytes()
                what, bad = damaged(table.draw, good)
                if name == "folder" and turn % 5 == 0:
                    what, bad = "bomb", _bomb(table.draw.choice((20_000, 200_000, 2**31 - 1)))
                file.write_bytes(bad)
                _loaded(table, name, f"{file.name}, {what}", study, file)
                file.write_bytes(good)


def _loaded(table: Table, name: str, what: str, study: Path, file: Path) -> None:
    kind = f"images {name}"
    try:
        load(settings.load(study).data, 0)
    except MemanalysisError as error:
        table.said(kind, what, Result(1, str(error)), file.name, "set")
    except Exception as error:
        table.note(kind, "confusing", f"{what}: {type(error).__name__}: {error}")
    else:
        table.note(kind, "survived")


def zip_bombs(table: Table) -> None:
    """Arrays that claim more than their file holds, and that unfold to more than is wanted."""
    for shape in ((10**12,), (10**5, 10**5), (-1, 4), (4, 12, 9), ()):
        with table.room() as room:
            file = room / "bomb.npz"
            masks = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                masks, {"descr": "|b1", "fortran_order": False, "shape": shape}
            )
            np.savez_compressed(file, masks=np.zeros((4, 12), bool))
            _replace(file, "trainset_mask.npy", masks.getvalue() + bytes(48))
            result = command("import", "npz", file, "--size", "s", "--out", room / "out")
            table.said("bombs", f"npz {shape}", result, "bomb.npz")
    with table.room() as room:
        deep = room / "deep.jsonl"
        deep.write_text(json.dumps({"example_id": 0}) + "\n" + "[" * 200_000 + "\n")
        result = command("import", "scores", deep, "--hard-is", "high", "--out", room / "out")
        table.said("bombs", "deep JSON", result, "deep.jsonl")


def _replace(file: Path, member: str, content: bytes) -> None:
    import zipfile

    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
        archive.writestr("trainset_correctness.npy", content)
