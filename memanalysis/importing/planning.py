"""From what a source holds to what the store will be: every check, and nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.errors import StoreError
from memanalysis.importing import external_scores
from memanalysis.importing.match_examples import in_order, make_roster
from memanalysis.importing.model_metadata import note_facts, note_name, note_options
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import UNKNOWN, Contents, Models, Options, Pairs, Scores
from memanalysis.importing.subset_groups import Design, Subsets, digest, examine, numbered
from memanalysis.storage import bits, provenance
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.store import Manifest, Store

_PACKED: Final = (
    "The store is packed: it no longer has the detail per group of its earlier sizes, so intervals "
    "of their proxies, and checks of findings on probability, are lost by this import. Where that "
    "matters, import before packing."
)
# How far the density of masks may lie from the ratio that somebody declares.
_RATIO_TOLERANCE: Final = 0.02


@dataclass(frozen=True)
class Plan:
    """All that an import will do.

    ``places``: (subset_id, group_id) per model of each of ``contents.models``; ``proxies`` and
    ``influence``: the rows to add; ``takes_test``: whether test outcomes are kept.
    """

    contents: Contents
    manifest: Manifest
    examples: pa.Table
    designs: list[Design]
    places: list[list[tuple[int, int]]]
    proxies: pa.Table
    influence: pa.Table
    takes_test: bool
    notes: list[str]

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """Labels of the training examples int64 [n_train], None unless all are known."""
        labels = self.examples["label"].to_pylist()[: self.manifest.n_train]
        return None if None in labels else np.array(labels, np.int64)


def make_plan(store: Store | None, contents: Contents, options: Options, name: str) -> Plan:
    """Check ``contents`` against itself and ``store`` (None where a new one is made).

    Raises
    ------
    DataError
        If the source contradicts itself or the store.
    StoreError
        If the store is not built, or cannot take these models.
    """
    if not (contents.models or contents.scores or contents.pairs):
        expected = "models, scores or pairs"
        raise fault(f"'{contents.source}'", "nothing that can be imported", expected)
    manifest = _manifest(store, name)
    _require_conditions(store, contents, options)
    roster = make_roster(store, contents, options)
    if roster.order is not None:
        turned = [in_order(models, roster.order) for models in contents.models]
        contents = replace(contents, models=turned)
    manifest.n_train, manifest.n_test = roster.n_train, roster.n_test
    manifest.class_names = list(roster.class_names)
    notes = [*contents.notes, *roster.notes]
    subsets = known_subsets(store) if contents.models else Subsets()
    designs, places = _designs(contents, options, roster.n_train, subsets, manifest)
    if contents.models:
        manifest.n_subsets = max(manifest.n_subsets, subsets.n_subsets)
    manifest.sizes = _sizes(manifest.sizes, contents, options.size_order or contents.size_order)
    for models in contents.models:
        manifest.families.setdefault(models.size, models.family)
    if store is None and designs:
        manifest.ratio = round(float(np.mean([design.density for design in designs])), 4)
        manifest.settings = _settings(contents, designs)
    proxies, about, more = external_scores.proxy_rows(store, contents, options, roster)
    manifest.proxies = {**manifest.proxies, **about}
    notes += more
    influence = external_scores.influence_rows(store, contents, roster)
    if store is not None and store.manifest.packed and contents.models:
        notes.append(_PACKED)
    manifest.imports = [*manifest.imports, _entry(contents, options, notes)]
    return Plan(
        contents, manifest, roster.table, designs, places, proxies, influence,
        roster.takes_test, notes,
    )  # fmt: skip


def known_subsets(store: Store | None) -> Subsets:
    """Subset and group ids of a built store by mask, read from its bits."""
    if store is None:
        return Subsets()
    models = store.read_table("models", ["objective", "size", "subset_id", "group_id"])
    groups = dict(zip(models["subset_id"].to_pylist(), models["group_id"].to_pylist(), strict=True))
    conditions = models.group_by(["objective", "size"]).aggregate([]).to_pylist()
    digests: dict[int, bytes] = {}
    for condition in conditions:
        if not groups.keys() - digests.keys():
            break
        chosen = [("split", "=", "train"), *((key, "=", v) for key, v in condition.items())]
        columns = ["trained", "in_train"]
        rows = store.read_table("outcomes", columns, chosen)
        trained = bits.unpack(blob_array(rows["trained"])[0], store.manifest.n_subsets)
        by_byte = np.ascontiguousarray(blob_array(rows["in_train"]).T)
        for subset in set(np.flatnonzero(trained).tolist()) - digests.keys():
            digests[subset] = digest(bits.column(by_byte.T, subset))
    order = sorted(digests)
    keys = numbered(digests[subset] for subset in order)
    known = {key: (subset, groups[subset]) for key, subset in zip(keys, order, strict=True)}
    n_groups = max(groups.values(), default=-1) + 1
    return Subsets(known, store.manifest.n_subsets, n_groups)


def _manifest(store: Store | None, name: str) -> Manifest:
    if store is not None:
        return replace(store.manifest, families=dict(store.manifest.families))
    return Manifest(
        study=name,
        title=f"{name}, imported",
        dataset={},
        code=provenance.code(),
        packages=provenance.packages(),
        machine=provenance.machine(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _require_conditions(store: Store | None, contents: Contents, options: Options) -> None:
    """Each size and objective has a name that can be a folder's, and is not there yet.

    Numbers and names that are said of models are such as a store can hold.
    """
    faults = Faults(contents.source)
    taken = set()
    if store is not None:
        models = store.read_table("models", ["objective", "size"]).to_pylist()
        taken = {(row["objective"], row["size"]) for row in models}
    parts: list[Models | Scores | Pairs] = [*contents.models, *contents.scores, *contents.pairs]
    for part in parts:
        where = part.where or f"'{contents.source}'"
        note_name(faults, where, part.size, part.objective)
    note_options(faults, options)
    faults.raise_any()
    for models in contents.models:
        note_facts(faults, models)
        condition = (models.objective, models.size)
        if condition in taken:
            faults.add(
                models.where or f"'{contents.source}'",
                f"models of objective '{models.objective}' and size '{models.size}'",
                "a size and objective that the store has no models of yet",
                "Give another --size, or import into a store of its own.",
            )
        taken.add(condition)
    faults.raise_any()


def _designs(
    contents: Contents, options: Options, n_train: int, subsets: Subsets, manifest: Manifest
) -> tuple[list[Design], list[list[tuple[int, int]]]]:
    designs, places = [], []
    for models in contents.models:
        design = examine(models.masks(), models.n_models, n_train)
        _require_sound(models, design, options.ratio or models.ratio)
        if manifest.group_size and any(key not in subsets.known for key in design.keys):
            raise StoreError(
                f"{models.where or contents.source}: masks that the store does not have; expected "
                f"the subsets of its study '{manifest.study}', whose groups are balanced. Import "
                "into a store of its own."
            )
        designs.append(design)
        places.append(subsets.place(design, models.group_ids))
    return designs, places


def _require_sound(models: Models, design: Design, ratio: float | None) -> None:
    if design.n_models != models.n_models or not design.n_models:
        expected = f"{models.n_models:,}, at least one"
        raise fault(models.where, f"{design.n_models:,} masks", expected)
    if not design.n_in.any() or design.n_in.min() == design.n_models:
        raise fault(
            models.where,
            f"masks with a share of {design.density:.2f} in train",
            "some examples in train and some held out",
            "Without both there is nothing to compare.",
        )
    if ratio is None:
        return
    # Independent draws scatter, and int(ratio K) of K models rounds down.
    noise = 4 * (ratio * (1 - ratio) / (len(design.n_in) * design.n_models)) ** 0.5
    tolerance = max(_RATIO_TOLERANCE, noise, 1 / design.n_models)
    if abs(design.density - ratio) > tolerance:
        swapped = abs(1 - design.density - ratio) <= tolerance
        raise fault(
            models.where,
            f"{design.density:.3f} of the examples in train",
            f"{ratio:g}, as declared",
            "The mask seems to mark what was held out; turn it over." if swapped else "",
        )


def _sizes(present: Sequence[str], contents: Contents, order: Sequence[str]) -> list[str]:
    """Sizes with models in order, smallest first: those of the store, then those of the source.

    ``order`` decides among the sizes that it names.
    """
    sizes = list(dict.fromkeys([*present, *(models.size for models in contents.models)]))
    rank = {size: at for at, size in enumerate(order)}
    named = iter(sorted((size for size in sizes if size in rank), key=rank.__getitem__))
    return [next(named) if size in rank else size for size in sizes]


def _settings(contents: Contents, designs: list[Design]) -> dict[str, object]:
    """Settings of the subsets' drawing, as far as the masks tell."""
    varies = any(design.n_in.min() != design.n_in.max() for design in designs)
    declared = contents.models[0].group_ids is not None
    assigned = f"assigned: consecutive models, in blocks of {designs[0].block} that stay whole"
    return {
        "subsets": {
            "design": "independent" if varies else "",
            "grouping": "that of the source" if declared else assigned,
        }
    }


def _entry(contents: Contents, options: Options, notes: list[str]) -> dict[str, object]:
    """The manifest's entry of this import."""
    return {
        "format": contents.format,
        "source": contents.source,
        "order": options.order or UNKNOWN,
        "sizes": sorted({models.size for models in contents.models}),
        "models": sum(models.n_models for models in contents.models),
        "proxies": sorted({scores.name for scores in contents.scores}),
        "pairs": sum(len(pairs.influence) for pairs in contents.pairs),
        "notes": list(notes),
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **contents.provenance,
    }
