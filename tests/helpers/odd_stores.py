"""Small stores that lack something, or have too much of it, for tests of what shows them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import handmade
import numpy as np
import pyarrow as pa
from PIL import Image

from memanalysis.importing import import_source
from memanalysis.importing.source import Options
from memanalysis.importing.writing import write as write_arrays
from memanalysis.relations import derive
from memanalysis.storage.schema import TABLES
from memanalysis.storage.store import Store

N_TRAIN: Final = 40
N_TEST: Final = 6
GROUPS: Final = 6
# Markup of every format, quotes, an emoji, right-to-left text with an override, 500 characters.
HOSTILE: Final = (
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "a|b #c $d$ `e` *f* _g_ [h](i) ~~j~~ &amp; \\k{l} %m @n",
    "🦊 שלום \u202eabc\u202c العربية",
    "x" * 500,
    "two\nlines\tand\x00null",
)


def small(path: Path, **changes: Any) -> Store:
    """Two sizes, two objectives, three classes, six groups of ten; random outcomes."""
    n_test = changes.pop("n_test", N_TEST)
    asked = {"sizes": ("small", "large"), "balanced": True, "n_subsets": 10 * GROUPS} | changes
    conditions = handmade.random_conditions(n_train=N_TRAIN, n_test=n_test, **asked)
    return handmade.write(path, conditions, n_test=n_test, design="balanced")


def set_column(store: Store, table: str, name: str, values: Sequence[Any]) -> None:
    """Replace a column of a table."""
    old = store.read_table(table)
    field = TABLES[table][1].field(name)
    place = old.schema.get_field_index(name)
    store.write_table(table, old.set_column(place, field, pa.array(values, field.type)))
    store.write_manifest()


def relabel(store: Store, labels: Sequence[int | None], names: Sequence[str]) -> None:
    """Give each example of a store another label."""
    set_column(store, "examples", "label", labels)
    examples = store.read_table("outcomes")["example_id"].to_pylist()
    set_column(store, "outcomes", "label", [labels[i] for i in examples])
    store.manifest.class_names = list(names)
    store.write_manifest()


def derived(store: Store) -> Store:
    """The store with its derived tables."""
    derive(store)
    return store


def one_size(path: Path) -> Store:
    """One size, two classes."""
    store = small(path, sizes=("only",))
    relabel(store, [i % 2 for i in range(N_TRAIN + N_TEST)], ["cat", "dog"])
    return derived(store)


def one_objective(path: Path) -> Store:
    """Models trained on labels alone, no proxies, no test examples."""
    store = small(path, objectives=("one_hot",), n_test=0)
    store.write_table("proxies", TABLES["proxies"][1].empty_table())
    store.write_manifest()
    return derived(store)


def one_group(path: Path) -> Store:
    """Distilled models alone, in one group: nothing to compare with, nothing to resample."""
    return derived(small(path, objectives=("distilled",), n_subsets=10))


def variants(path: Path) -> Store:
    """Two settings of distillation."""
    return derived(small(path, objectives=("one_hot", "distilled", "distilled_hot")))


def no_labels(path: Path) -> Store:
    """No labels, hence no classes."""
    store = small(path)
    relabel(store, [None] * (N_TRAIN + N_TEST), [])
    return derived(store)


def thousand_classes(path: Path) -> Store:
    """1,000 classes with one or two training examples each, two groups of ten models."""
    rng = np.random.default_rng(0)
    n, models = 1250, 20
    masks = (np.arange(n)[None, :] + np.arange(models)[:, None]) % 10 < 7
    correct = [rng.random((models, n)) < np.where(masks, 0.95, p) for p in (0.3, 0.6)]
    return write_arrays(
        path, masks=masks, correct=correct, labels=np.arange(n) % 1000, sizes=["small", "large"],
        class_names=[f"class {i}" for i in range(1000)], group_ids=np.arange(models) // 10,
    )  # fmt: skip


def scores_only(path: Path) -> Store:
    """Imported scores, without masks or models."""
    source = path.parent / "scores.csv"
    rows = [f"{i},{value:.3f}" for i, value in enumerate(np.linspace(0, 1, N_TRAIN))]
    source.write_text("\n".join(["example_id,difficulty", *rows]) + "\n")
    store = import_source("scores", source, path, Options(hard_is="high")).store
    assert store is not None
    return store


def masks_without_test(path: Path) -> Store:
    """Imported masks and correctness alone: no test examples, labels, sizes or recipe."""
    rng = np.random.default_rng(1)
    masks = rng.random((30, N_TRAIN)) < 0.6
    return write_arrays(path, masks=masks, correct=rng.random((30, N_TRAIN)) < 0.4 + 0.5 * masks)


def hostile(path: Path) -> Store:
    """Markup in names, titles and sources; images of two by two pixels."""
    store = small(path)
    n_all = N_TRAIN + N_TEST
    relabel(
        store, [i % 10 for i in range(n_all)], [*HOSTILE, *(f"{i}. {HOSTILE[i]}" for i in range(4))]
    )
    manifest = store.manifest
    manifest.title = HOSTILE[0] + HOSTILE[2] + HOSTILE[4]
    manifest.study = HOSTILE[2]
    manifest.dataset = {"name": HOSTILE[2], "citation": HOSTILE[1], HOSTILE[1]: HOSTILE[5]}
    set_column(store, "examples", "source_id", [HOSTILE[i % 6] for i in range(n_all)])
    set_column(store, "examples", "image", [_png(i) for i in range(n_all)])
    return derived(store)


def _png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (2, 2), shade).save(file, "PNG")
    return file.getvalue()


BUILDERS: Final[dict[str, Callable[[Path], Store]]] = {
    builder.__name__: builder
    for builder in (
        one_size, one_objective, one_group, variants, no_labels, thousand_classes, scores_only,
        masks_without_test, hostile,
    )
}  # fmt: skip
