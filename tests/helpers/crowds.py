"""Stores of many examples, written fast: for what must stay small and quick in a page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
from handmade import random_conditions, write
from PIL import Image

from memanalysis.storage.schema import DERIVED, EXAMPLES, PROXIES
from memanalysis.storage.store import Store

SIZES = ("s1", "s2", "s3", "s4", "s5")
OBJECTIVES = ("one_hot", "distilled")
_PROXIES = tuple(f"proxy_{k}" for k in range(8))
_SHAPES = ("fixed", "increasing", "decreasing", "cap", "u", "mixed", "undetermined")


def crowd(path: Path, n: int, *, subsets: int = 10, seed: int = 0) -> Store:
    """A store of ``n`` training examples, 5 sizes, 2 objectives, 8 proxies and colour images."""
    conditions = random_conditions(
        SIZES, OBJECTIVES, n_train=n, n_test=10, n_subsets=subsets, balanced=True, seed=seed
    )
    store = write(path, conditions, n_test=10, design="balanced")
    rng = np.random.default_rng([seed, 1])
    _add_images(store, rng)
    store.write_table("proxies", _proxies(n, rng))
    store.write_table("trajectory_tests", _shapes(n, rng))
    store.write_manifest()
    return store


def png(rng: np.random.Generator, side: int = 32, mode: str = "RGB") -> bytes:
    """An image of smooth colours with some noise, as PNG."""
    small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))
    noisy = np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(noisy).convert(mode).save(content, "PNG")
    return content.getvalue()


def replace_examples(store: Store, **columns: object) -> None:
    """Replace columns of a store's examples by lists of as many values."""
    table = store.read_table("examples")
    for name, values in columns.items():
        place = EXAMPLES.get_field_index(name)
        field = EXAMPLES.field(name)
        table = table.set_column(place, field, pa.array(values, field.type))
    store.write_table("examples", table)
    store.write_manifest()


def _add_images(store: Store, rng: np.random.Generator) -> None:
    pictures = [png(rng) for _ in range(400)]
    n = store.read_table("examples").num_rows
    sources = [f"images/{i % 100:02d}/{i:06d}.png" for i in range(n)]
    replace_examples(store, image=[pictures[i % 400] for i in range(n)], source_id=sources)


def _proxies(n: int, rng: np.random.Generator) -> pa.Table:
    tables = []
    for objective in OBJECTIVES:
        for name in _PROXIES:
            columns = {
                "objective": np.full(n, objective),
                "size": np.full(n, SIZES[-1]),
                "size_rank": np.full(n, len(SIZES) - 1),
                "example_id": np.arange(n),
                "proxy": np.full(n, name),
                "value_in": rng.gamma(1.0, 1.0, n),
            }
            arrays = [
                pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type)
                for f in PROXIES
            ]
            tables.append(pa.table(arrays, schema=PROXIES))
    return pa.concat_tables(tables)


def _shapes(n: int, rng: np.random.Generator) -> pa.Table:
    schema = DERIVED["trajectory_tests"]
    tables = []
    for objective in OBJECTIVES:
        shapes = rng.choice(_SHAPES, n)
        columns = {
            "objective": np.full(n, objective),
            "example_id": np.arange(n),
            "shape": shapes,
            "direction": np.full(n, "undetermined"),
            "alpha": np.full(n, 0.1),
        }
        arrays = [
            pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type)
            for f in schema
        ]
        tables.append(pa.table(arrays, schema=schema))
    return pa.concat_tables(tables)
