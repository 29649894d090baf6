"""Packed stores: complete groups, and the rows and files that are shipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from memanalysis.errors import StoreError, did_you_mean
from memanalysis.storage import laid_images
from memanalysis.storage.store import Store


def shipped_proxies(store: Store, names: Collection[str]) -> pa.Table:
    """Rows of the proxies called ``names``, and of imported ones; the manifest notes the others.

    Raises
    ------
    StoreError
        If the store has no proxy of a name.
    """
    table = store.read_table("proxies")
    present = set(pc.unique(table["proxy"]).to_pylist()) | {*store.manifest.dropped_proxies}
    if unknown := sorted(set(names) - present):
        raise StoreError(
            f"'{store.path}' has no proxy '{unknown[0]}'.{did_you_mean(unknown[0], present)} It "
            f"has: {', '.join(sorted(present))}."
        )
    imported = pc.and_(pc.is_null(table["n_in"]), pc.is_null(table["n_out"]))
    named = pc.is_in(table["proxy"], pa.array(sorted(names), pa.string()))
    kept = table.filter(pc.or_(imported, named))
    left = present - set(pc.unique(kept["proxy"]).to_pylist())
    store.manifest.dropped_proxies = sorted(left)
    return kept


def shipped_examples(store: Store) -> pa.Table:
    """The examples; of the test images those that a training example helps or nearly repeats."""
    examples = store.read_table("examples")
    pairs = store.read_table("influence", ["test_id", "split"])
    helped = pairs.filter(pc.equal(pairs["split"], "test"))["test_id"]
    wanted = [*helped.chunks, *store.read_table("near_duplicates", ["other_id"])["other_id"].chunks]
    shown = pc.or_(
        pc.equal(examples["split"], "train"),
        pc.is_in(examples["example_id"], pa.chunked_array(wanted, pa.int64()).combine_chunks()),
    )
    images = pc.if_else(shown, examples["image"], pa.scalar(None, pa.binary()))
    return examples.set_column(examples.column_names.index("image"), "image", images)


def complete_groups(store: Store) -> dict[int, set[int]]:
    """Return the groups trained at every size and objective, with their subsets.

    Other groups stay whole: students still to be trained need the files of their teachers. Sizes
    that were imported are complete as they are: nothing here will train more of them.
    """
    imported = {size for entry in store.manifest.imports for size in entry["sizes"]}
    planned = [size for size in store.manifest.sizes if size not in imported]
    rows = store.read_table("models", ["objective", "size", "group_id", "subset_id"])
    ours = pc.is_in(rows["size"], pa.array(planned, pa.string()))
    models = rows.filter(ours).to_pydict()
    objectives = store.manifest.objectives or set(models["objective"])
    subsets_planned = [
        store.manifest.planned_subsets(objective, size)
        for objective in objectives
        for size in planned
    ]
    trained = Counter(models["group_id"])
    members: dict[int, set[int]] = {}
    for group, subset in zip(models["group_id"], models["subset_id"], strict=True):
        members.setdefault(group, set()).add(subset)
    complete = {
        group: subsets
        for group, subsets in members.items()
        if trained[group] == len(subsets) * sum(n > min(subsets) for n in subsets_planned)
        and len(subsets) == (store.manifest.group_size or len(subsets))
    }
    planned_subsets = set(models["subset_id"])
    everything = rows.select(["group_id", "subset_id"]).to_pydict()
    for group, subset in zip(everything["group_id"], everything["subset_id"], strict=True):
        if subset not in planned_subsets:
            complete.setdefault(group, set()).add(subset)
    return complete


def remove_files(store: Store, groups: Mapping[int, set[int]]) -> None:
    """Remove the files of models and teachers of ``groups``, of second models, and laid pictures.

    Bits of second models are in the tables, whatever else is missing; pictures are a reader's own.
    """
    complete = set().union(*groups.values())
    (store.path / laid_images.FILE).unlink(missing_ok=True)
    for path in sorted((store.path / "models").glob("*/*/*.safetensors")):
        if int(path.stem) in complete:
            path.unlink()
    for path in store.repeat_paths():
        path.unlink()
    for path in store.teacher_paths():
        if int(path.stem) in groups:
            path.unlink()
    for root in (store.path / "models", store.path / "teachers", store.path / "repeats"):
        _remove_empty(root)


def _remove_empty(root: Path) -> None:
    for folder in (*sorted(root.rglob("*"), reverse=True), root):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
