"""A built store as arrays: outcomes, groups of models, proxies."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from memanalysis.analysis.correlations import HalfSums
from memanalysis.analysis.outcomes import Counts, Outcomes
from memanalysis.errors import StoreError
from memanalysis.evidence.conditions import (
    Condition,
    Evidence,
    ProxyEvidence,
    Teacher,
    alpha_of,
    half_sums,
)
from memanalysis.proxies import orientation
from memanalysis.rules import load
from memanalysis.storage import bits
from memanalysis.storage.model_files import read_tensors
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import HALVES, OBJECTIVES, SIGNALS
from memanalysis.storage.store import Store

_PRIMARY = "one_hot"
_ROWS: Final = 32_768  # read at once: 25 MB of bits for 2,000 subsets
# The size of imported scores whose models nobody knows.
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Study:
    """Everything that the derived tables are computed from.

    ``conditions``, ``alphas``, ``proxies`` and ``teachers`` are by objective; ``labels`` int64 [n]
    go with the examples of every condition, -1 where there is none.
    """

    evidence: Evidence
    conditions: dict[str, Condition]
    alphas: dict[str, float | None]
    proxies: dict[str, ProxyEvidence]
    teachers: dict[str, Teacher]
    size_rank: dict[str, int]
    labels: NDArray[np.int64]
    class_names: list[str]
    seed: int
    title: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Detail:
    """``groups/<objective>/<size>.safetensors``: what a packed store no longer has."""

    group_ids: NDArray[np.int64]
    proxy_names: tuple[str, ...]
    tensors: dict[str, NDArray[Any]]


def read_study(store: Store, proxies_named: Collection[str] | None = None) -> Study:
    """Read all that ``derive`` needs; of the proxies only ``proxies_named``, if given.

    Raises
    ------
    StoreError
        If a table is missing or the outcomes do not fit the manifest.
    """
    models = store.read_table("models")
    # The bits are read condition by condition; together they may not fit into memory.
    outcomes = store.read_table(
        "outcomes", ["objective", "size", "size_rank", "example_id", "label", "split"]
    )
    outcomes = outcomes.filter(pc.equal(outcomes["split"], "train"))
    conditions, proxies = {}, {}
    examples, labels = _examples(outcomes)
    proxy_table = store.read_table("proxies")
    if proxies_named is not None:
        names = pa.array(sorted(proxies_named), pa.string())
        proxy_table = proxy_table.filter(pc.is_in(proxy_table["proxy"], names))
    for objective in _objectives(outcomes):
        sizes = _sizes(store, outcomes, objective)
        details = [_read_detail(store.intact_sums(objective, size)) for size in sizes]
        condition = _condition(store, models, objective, sizes, examples, details)
        conditions[objective] = condition
        recorded = _proxies(store, proxy_table, objective, condition, details)
        if recorded is not None:
            proxies[objective] = recorded
    alphas = {
        name: alpha_of(condition, Evidence(None).rules) for name, condition in conditions.items()
    }
    found_teachers = {name: _teacher(models, name) for name in conditions if name != _PRIMARY}
    teachers = {name: teacher for name, teacher in found_teachers.items() if teacher is not None}
    evidence = Evidence(
        one_hot=conditions.get(_PRIMARY),
        distilled=conditions.get("distilled"),
        teacher=teachers.get("distilled"),
        proxies=proxies.get(_PRIMARY),
        alpha=alphas.get(_PRIMARY),
        probability_lost=_probability_lost(store, conditions.get(_PRIMARY)),
        post_hoc=store.manifest.dataset.get("name") in load().made_after,
    )
    ranks = {
        row["size"]: row["size_rank"]
        for row in outcomes.select(["size", "size_rank"]).group_by(["size", "size_rank"])
        .aggregate([]).to_pylist()
    }  # fmt: skip
    return Study(
        evidence, conditions, alphas, proxies, teachers, ranks, labels,
        list(store.manifest.class_names), store.manifest.seed or 0, store.manifest.title,
    )  # fmt: skip


def _probability_lost(store: Store, condition: Condition | None) -> bool:
    """True if a store has the label's probability in sums over all groups alone."""
    if condition is None or condition.probability is not None:
        return False
    sums = store.read_table("outcomes", ["probability_in_sum"]).column(0)
    return bool(sums.null_count < len(sums))


def _objectives(outcomes: pa.Table) -> list[str]:
    """Those of the contract first, then named distillation variants."""
    present = set(pc.unique(outcomes["objective"]).to_pylist())
    return [name for name in OBJECTIVES if name in present] + sorted(present - set(OBJECTIVES))


def _sizes(store: Store, outcomes: pa.Table, objective: str) -> list[str]:
    rows = outcomes.filter(pc.equal(outcomes["objective"], objective))
    pairs = rows.group_by(["size", "size_rank"]).aggregate([]).to_pylist()
    order = {size: rank for rank, size in enumerate(store.manifest.sizes)}
    return [
        p["size"] for p in sorted(pairs, key=lambda p: (p["size_rank"], order.get(p["size"], 0)))
    ]


def _examples(outcomes: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ids = outcomes["example_id"].to_numpy()
    labels = pc.fill_null(outcomes["label"].cast(pa.int64()), -1).to_numpy()
    examples, first = np.unique(ids, return_index=True)
    return examples.astype(np.int64), labels[first].astype(np.int64)


def _condition(
    store: Store,
    models: pa.Table,
    objective: str,
    sizes: list[str],
    examples: NDArray[np.int64],
    details: list[_Detail | None],
) -> Condition:
    width = bits.width(store.manifest.n_subsets)
    shape = (len(sizes), len(examples), width)
    in_train, correct = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    trained = np.zeros((len(sizes), width), np.uint8)
    for row, size in enumerate(sizes):
        for batch in _bits_of(store, objective, size):
            position = np.searchsorted(examples, batch["example_id"].to_numpy())
            in_train[row, position] = _blobs(batch["in_train"], width, store)
            correct[row, position] = _blobs(batch["correct"], width, store)
            trained[row] |= np.bitwise_or.reduce(_blobs(batch["trained"], width, store), axis=0)
    group_ids, masks = _groups(
        models, store.manifest.n_subsets, np.bitwise_or.reduce(trained, axis=0)
    )
    packed = Outcomes(tuple(sizes), in_train, correct, trained, masks, examples)
    counts = packed.group_counts()
    rows = models.filter(pc.equal(models["objective"], objective))
    test_sum, test_n = _test_accuracy(rows, group_ids, sizes)
    return Condition(
        outcomes=packed,
        group_ids=group_ids,
        counts=counts,
        parameters=_parameters(rows, sizes),
        test_sum=test_sum,
        test_n=test_n,
        probability=_probability(details, group_ids, counts),
    )


def _bits_of(store: Store, objective: str, size: str) -> Iterator[pa.Table]:
    """The bits of a condition's training examples, some thousand rows at a time."""
    predicate = (
        (pc.field("objective") == objective)
        & (pc.field("size") == size)
        & (pc.field("split") == "train")
    )
    columns = ["example_id", "trained", "in_train", "correct"]
    batches = ds.dataset(store.table_path("outcomes")).to_batches(
        columns=columns, filter=predicate, batch_size=_ROWS, batch_readahead=1, use_threads=False
    )
    yield from (pa.Table.from_batches([batch]) for batch in batches if len(batch))


def _blobs(column: pa.ChunkedArray, width: int, store: Store) -> NDArray[np.uint8]:
    try:
        blobs = blob_array(column)
    except StoreError:
        blobs = np.zeros((0, 0), dtype=np.uint8)
    if blobs.shape[1] != width:
        raise StoreError(
            f"'{store.table_path('outcomes')}' has bit strings that are not {width} bytes long, as "
            f"{store.manifest.n_subsets} subsets need; build the store again."
        )
    return blobs


def _groups(
    models: pa.Table, n_subsets: int, trained: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Ids of the groups with any trained subset, and one mask each over the subsets' bits."""
    width = bits.width(n_subsets)
    grouped = models.filter(
        pc.and_(pc.is_valid(models["group_id"]), pc.less(models["subset_id"], n_subsets))
    )
    # Bit k is subset k, whether it has models or not.
    groups = np.full(n_subsets, -1, dtype=np.int64)
    groups[grouped["subset_id"].to_numpy()] = grouped["group_id"].to_numpy()
    ids = np.unique(groups[groups >= 0])
    members = groups == ids[:, None]
    masks = bits.pack(members) if len(ids) else np.zeros((0, width), np.uint8)
    used = (masks & trained).any(axis=1)
    return ids[used], masks[used]


def _test_accuracy(
    models: pa.Table, group_ids: NDArray[np.int64], sizes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shape = (len(group_ids), len(sizes))
    total, n = np.zeros(shape), np.zeros(shape)
    rows = {group: row for row, group in enumerate(group_ids.tolist())}
    columns = {size: column for column, size in enumerate(sizes)}
    for model in models.select(["group_id", "size", "accuracy_test"]).to_pylist():
        value = model["accuracy_test"]
        if value is None or not np.isfinite(value) or model["group_id"] not in rows:
            continue
        where = rows[model["group_id"]], columns.get(model["size"], -1)
        if where[1] >= 0:
            total[where] += value
            n[where] += 1
    return total, n


def _parameters(models: pa.Table, sizes: list[str]) -> NDArray[np.float64]:
    by_size = dict(zip(models["size"].to_pylist(), models["parameters"].to_pylist(), strict=True))
    return np.array([by_size.get(size) or np.nan for size in sizes], dtype=np.float64)


def _teacher(models: pa.Table, objective: str) -> Teacher | None:
    taught = pc.and_(pc.is_valid(models["teacher_size"]), pc.equal(models["objective"], objective))
    students = models.filter(taught)
    if students.num_rows == 0:
        return None
    first = students.slice(0, 1).to_pylist()[0]
    of_size = models.filter(pc.equal(models["size"], first["teacher_size"]))
    parameters = next((p for p in of_size["parameters"].to_pylist() if p), np.nan)
    scopes = sorted(set(students["teacher_scope"].drop_null().to_pylist()))
    return Teacher(
        first["teacher_size"], scopes[0] if len(scopes) == 1 else " and ".join(scopes) or "unknown",
        float(parameters), first["temperature"], first["distillation_weight"],
    )  # fmt: skip


def _read_detail(path: Path | None) -> _Detail | None:
    if path is None:
        return None
    header, tensors = read_tensors(path, "file of sums per group")
    try:
        names = tuple(json.loads(header.get("proxy_names", "[]")))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"'{path}' has no names of proxies; build the store again.") from error
    if "group_ids" not in tensors:
        raise StoreError(f"'{path}' lacks group_ids; build the store again.")
    return _Detail(tensors.pop("group_ids").astype(np.int64), names, tensors)


def _probability(
    details: list[_Detail | None], group_ids: NDArray[np.int64], counts: Counts
) -> Counts | None:
    """Sums of the label's probability per group: [G, L, n]; None unless every size has them."""
    signal = SIGNALS.index("probability")
    shape = counts.n_in.shape
    sums = {side: np.zeros(shape, np.float64) for side in ("in", "out")}
    for row, detail in enumerate(details):
        if detail is None or "signal_in" not in detail.tensors:
            return None
        if not set(group_ids.tolist()) <= set(detail.group_ids.tolist()):
            return None
        position = np.searchsorted(detail.group_ids, group_ids)
        for side, total in sums.items():
            total[:, row] = detail.tensors[f"signal_{side}"][position, signal]
        # Files of correctness alone have the place for sums, with NaN in it.
        if not np.isfinite(sums["in"][:, row]).any() or not np.isfinite(sums["out"][:, row]).any():
            return None
    return Counts(sums["in"], counts.n_in, sums["out"], counts.n_out) if details else None


def _proxies(
    store: Store,
    table: pa.Table,
    objective: str,
    condition: Condition,
    details: list[_Detail | None],
) -> ProxyEvidence | None:
    """Proxies of one objective: sums per half, and per group where every size has the detail."""
    rows = table.filter(pc.equal(table["objective"], objective))
    names = tuple(sorted(pc.unique(rows["proxy"]).to_pylist()))
    if not names:
        return None
    declared = store.manifest.proxies
    signs = np.array([orientation(name, declared) for name in names], dtype=np.int64)
    sums = _group_proxies(rows, names, condition, details)
    if sums is None:
        sums = _half_proxies(rows, names, condition)
    return ProxyEvidence(names, signs, sums, condition.group_ids)


def _group_proxies(
    table: pa.Table,
    names: tuple[str, ...],
    condition: Condition,
    details: list[_Detail | None],
) -> HalfSums | None:
    """Sums per group; a score of foreign origin stands in every group, with the same value."""
    foreign = foreign_names(table)
    recorded_names = set(names) - foreign
    shape = (condition.n_groups, len(names), len(condition.sizes), condition.outcomes.n_examples)
    total, n = np.zeros(shape, np.float32), np.zeros(shape, np.uint16)
    for row, detail in enumerate(details):
        recorded = () if detail is None or "proxy_in" not in detail.tensors else detail.proxy_names
        if recorded_names - set(recorded):
            return None
        for column, name in enumerate(names):
            if detail is None or name in foreign:
                value = _foreign_values(table, name, condition, row)
                total[:, column, row] = np.nan_to_num(value)
                n[:, column, row] = np.isfinite(value)
                continue
            shared = np.isin(condition.group_ids, detail.group_ids)
            position = np.searchsorted(detail.group_ids, condition.group_ids[shared])
            source = detail.proxy_names.index(name)
            observed_in = bool(detail.tensors["proxy_n_in"][:, source].any())
            side = "in" if observed_in else "out"
            values = detail.tensors[f"proxy_{side}"][position, source]
            numbers = detail.tensors[f"proxy_n_{side}"][position, source]
            total[shared, column, row] = np.where(numbers > 0, np.nan_to_num(values), 0) * numbers
            n[shared, column, row] = numbers
    return half_sums(total, n, condition.half)


def foreign_names(table: pa.Table) -> set[str]:
    """Proxies of which every row came from elsewhere, without counts."""
    counted = pc.or_(pc.is_valid(table["n_in"]), pc.is_valid(table["n_out"]))
    own = set(pc.unique(table.filter(counted)["proxy"]).to_pylist())
    return set(pc.unique(table["proxy"]).to_pylist()) - own


def _foreign_values(
    table: pa.Table, name: str, condition: Condition, row: int
) -> NDArray[np.float64]:
    """A score of foreign origin at one size, float64 [n], NaN where there is none."""
    part = _at_size(table.filter(pc.equal(table["proxy"], name)), condition, row)
    part = part.filter(pc.and_(pc.is_null(part["n_in"]), pc.is_null(part["n_out"])))
    examples = condition.outcomes.example_id
    aligned = np.full(len(examples), np.nan)
    matched = np.isin(part["example_id"].to_numpy(), examples)
    position = np.searchsorted(examples, part["example_id"].to_numpy()[matched])
    values = pc.coalesce(part["value_in"], part["value_out"])
    aligned[position] = _floats(values)[matched]
    return aligned


def _at_size(rows: pa.Table, condition: Condition, row: int) -> pa.Table:
    """The rows of one size; those of a proxy that belongs to none of the sizes serve every size."""
    sizes = pc.unique(rows["size"]).to_pylist()
    if _UNKNOWN in sizes and not set(sizes) & set(condition.sizes):
        return rows.filter(pc.equal(rows["size"], _UNKNOWN))
    return rows.filter(pc.equal(rows["size"], condition.sizes[row]))


def _half_proxies(table: pa.Table, names: tuple[str, ...], condition: Condition) -> HalfSums:
    """Sums per half from the stored means; what has no halves stands in both of them.

    A score of foreign origin does not come from our models, so the same values may meet either half
    of the groups.
    """
    examples = condition.outcomes.example_id
    shape = (2, len(names), len(condition.sizes), len(examples))
    total, n = np.zeros(shape), np.zeros(shape, np.int64)
    for column, name in enumerate(names):
        of_name = table.filter(pc.equal(table["proxy"], name))
        side = "in" if of_name["value_in"].null_count < of_name.num_rows else "out"
        for row in range(len(condition.sizes)):
            part = _at_size(of_name, condition, row)
            position = np.searchsorted(examples, part["example_id"].to_numpy())
            inside = (position < len(examples)) & np.isin(part["example_id"].to_numpy(), examples)
            for half, suffix in enumerate(HALVES):
                value, number = _half_values(part, side, suffix)
                total[half, column, row, position[inside]] = (value * number)[inside]
                n[half, column, row, position[inside]] = number[inside]
    return HalfSums(total, n)


def _half_values(
    part: pa.Table, side: str, half: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    value = _floats(part[f"value_{side}_{half}"])
    number = np.nan_to_num(_floats(part[f"n_{side}_{half}"])).astype(np.int64)
    if not np.isfinite(value).any():
        value = _floats(part[f"value_{side}"])
        number = np.isfinite(value).astype(np.int64)
    finite = np.isfinite(value)
    return np.where(finite, value, 0.0), np.where(finite, np.maximum(number, 1), 0)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
