"""Contents of the explorer: packed numbers, thumbnails, and a line for what is not there."""

import base64
import gzip
import io
import json
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crowds import png, replace_examples
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from memanalysis.reporting.context import Reading
from memanalysis.reporting.explorer import explorer, payload, sprites
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store
from memanalysis.studies import Study


def unpacked(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header, and columns of numbers with None for NULL: the format read independently."""
    content = gzip.decompress(base64.b64decode(text))
    length = struct.unpack("<I", content[:4])[0]
    header = json.loads(content[4 : 4 + length])
    columns = {}
    for c in header["columns"]:
        kind = {"u": "BHI", "i": "bhi"}[c["type"][0]][{"1": 0, "2": 1, "4": 2}[c["type"][1]]]
        codes = struct.unpack_from(f"<{c['length']}{kind}", content, 4 + length + c["start"])
        columns[c["name"]] = [
            None if code == c["null"] else c["offset"] + c["scale"] * code for code in codes
        ]
        assert (4 + length + c["start"]) % int(c["type"][1]) == 0
    return header, columns


@given(
    st.lists(st.integers(-(2**31), 2**31 - 1)),
    st.lists(st.floats(-1e6, 1e6) | st.just(float("nan"))),
    st.text(),
)
def test_columns_come_back(whole: list[int], real: list[float], name: str) -> None:
    """Whole numbers come back exactly, real ones within half a step, NaN as NULL, texts whole."""
    numbers = np.array(real, dtype=np.float64)
    columns = [
        payload.whole("whole", np.array(whole, dtype=np.int64)),
        payload.quantised("real", numbers),
    ]
    header, found = unpacked(payload.pack(columns, {"name": name}))
    assert header["name"] == name
    assert found["whole"] == whole
    known = numbers[~np.isnan(numbers)]
    step = (known.max() - known.min()) / 65_534 if len(known) else 0.0
    for given_, got in zip(real, found["real"], strict=True):
        assert got is None if np.isnan(given_) else abs(got - given_) <= step / 2 + 1e-9 * 1e6


def bomb() -> bytes:
    """A PNG of a few bytes that claims 60,000 by 60,000 pixels."""

    def chunk(tag: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("content", [b"", b"no image", bomb(), png(np.random.default_rng(0))[:200]])
def test_broken_images_are_no_images(content: bytes) -> None:
    """Nothing, text, a decompression bomb and half a file give None."""
    assert sprites.thumbnail(content) is None


@given(st.integers(0, 60), st.binary(min_size=1, max_size=8))
def test_damaged_images_never_raise(place: int, damage: bytes) -> None:
    """Whatever bytes of a file's head are overwritten, there is an image or None."""
    content = bytearray(png(np.random.default_rng(0), 8))
    content[place : place + len(damage)] = damage
    found = sprites.thumbnail(bytes(content))
    assert found is None or max(found.size) <= 64


def test_large_images_become_thumbnails() -> None:
    """An image of 300 by 150 pixels keeps its proportions in 64 pixels."""
    content = io.BytesIO()
    Image.new("RGB", (300, 150), "red").save(content, "PNG")
    found = sprites.thumbnail(content.getvalue())
    assert found is not None
    assert found.size == (64, 32)


@pytest.fixture
def many_images(simulated_store: Store, tmp_path: Path) -> Reading:
    """The 200 examples with images of noise in colour, 64 pixels wide; every fourth is broken."""
    shutil.copytree(simulated_store.path, tmp_path / "store")
    store = Store.open(tmp_path / "store")
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(200)]
    contents = []
    for picture in pictures:
        content = io.BytesIO()
        Image.fromarray(picture).save(content, "PNG")
        contents.append(content.getvalue())
    contents[2::4] = [b"broken"] * 50
    replace_examples(store, image=[*contents, *[None] * 40])
    return Reading(Study(store))


def test_images_stay_within_their_budget(many_images: Reading) -> None:
    """Sheets end before the budget does, and no example has a tile that is not there."""
    ids = np.arange(200)
    all_of_them = sprites.sprites(many_images, ids)
    assert len(all_of_them.slots) == 150
    assert all_of_them.broken == 50
    assert not all_of_them.lossless
    none = sprites.sprites(many_images, ids, budget=1_000)
    assert none.sheets == none.slots == []
    assert none.slot_of(ids).tolist() == [-1] * 200
    slots = all_of_them.slot_of(ids)
    assert [all_of_them.slots[slot] for slot in slots if slot >= 0] == [
        i for i in range(200) if i % 4 != 2
    ]


def test_the_most_telling_examples_carry_images(simulated_store: Store) -> None:
    """With room for 30 images, the ten highest scores have theirs, and the page says how many."""
    study = Study(simulated_store)
    made = explorer(Reading(study), 30)
    assert made is not None
    _, columns = unpacked(made.data)
    pictured = {i for i, slot in enumerate(columns["slot"]) if slot is not None}
    assert len(pictured) == 30
    highest = study.sql(
        "select example_id from memorization where split = 'train' and objective = 'one_hot' "
        "and size = 's3' order by memorization desc, example_id limit 10"
    )
    assert set(highest["example_id"]) <= pictured
    assert any(note.startswith("30 of 200 examples carry their image") for note in made.notes)
    study.close()


def notes_of(store: Store) -> tuple[list[str], list[str]]:
    """Names of the table's columns and the remarks below it."""
    study = Study(store)
    made = explorer(Reading(study))
    study.close()
    assert made is not None
    return [name for name, _ in made.columns], list(made.notes)


def emptied(store: Store, *names: str) -> None:
    """Leave tables without rows, derived ones too: they stand for the present outcomes."""
    for name in (*names, "influence", *DERIVED):
        store.write_table(name, store.read_table(name).slice(0, 0))


def test_one_size_one_objective_no_images_say_so(tiny_store: Store) -> None:
    """The tiny store shows number, class, score and proxy, and says what it lacks, a line each."""
    columns, notes = notes_of(tiny_store)
    assert columns == ["id", "label", "score", "proxy"]
    text = " ".join(notes)
    for line in (
        "keeps no images",
        "One size: no trajectories",
        "One training objective",
        "no pair",
    ):
        assert line in text


def test_a_store_without_anything_still_lists_its_examples(tiny_store: Store) -> None:
    """Without outcomes, models, proxies and labels the numbers of the examples are left."""
    emptied(tiny_store, "outcomes", "models", "proxies")
    tiny_store.manifest.class_names = []
    replace_examples(tiny_store, label=[None] * 6)
    columns, notes = notes_of(tiny_store)
    assert columns == ["id"]
    text = " ".join(notes)
    for line in ("no scores to show", "No proxies", "no labels"):
        assert line in text


def test_imported_scores_without_models_are_ranked(tiny_store: Store) -> None:
    """A store of published scores alone shows them as proxies of the size that they name."""
    proxies = tiny_store.read_table("proxies")
    named = proxies.set_column(
        proxies.schema.get_field_index("size"),
        proxies.schema.field("size"),
        [["unknown"] * len(proxies)],
    )
    tiny_store.write_table("proxies", named)
    emptied(tiny_store, "outcomes", "models")
    tiny_store.write_manifest()
    columns, _ = notes_of(tiny_store)
    assert columns == ["id", "label", "proxy"]


def test_a_thousand_classes(tiny_store: Store) -> None:
    """Only classes that occur are offered, by name, beyond the names by number."""
    tiny_store.manifest.class_names = [f"class {c}" for c in range(1_000)]
    replace_examples(tiny_store, label=[0, 999, 500, 1_200, 0, 0])
    study = Study(tiny_store)
    made = explorer(Reading(study))
    study.close()
    assert made is not None
    assert made.classes == [
        (0, "class 0"),
        (500, "class 500"),
        (999, "class 999"),
        (1_200, "class 1200"),
    ]
