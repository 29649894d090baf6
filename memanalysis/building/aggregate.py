"""Adding up the models of one objective and size: bits placed, signals and proxies summed.

Memory is that of the bits and sums of one objective and size, however many groups there are: model
files are read one by one, and a group's own sums are handed over after its last model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memanalysis.building.recorded import Recorded, recall
from memanalysis.errors import StoreError
from memanalysis.storage import bits
from memanalysis.storage.model_files import ModelInfo, ModelRecord, read_model, read_model_info, utc
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import HALVES, SIGNALS
from memanalysis.storage.store import Manifest, Store, half_of_group

SIDES: Final = ("in", "out")
MOMENTS: Final = ("sum", "sumsq")
# Over which groups sums run: all, or those of one half. Also the suffix of their columns.
PARTS: Final = ("", *HALVES)
MARGIN: Final = SIGNALS.index("margin")


@dataclass(frozen=True)
class Condition:
    """One objective and size, and where its models are.

    ``placed`` are rows of ``models`` by subset_id whose outcomes a packed store holds; ``files``
    are model files by subset_id, some of which may have been placed before.
    """

    objective: str
    size: str
    size_rank: int
    placed: dict[int, dict[str, Any]]
    files: dict[int, Path]

    @property
    def has_new(self) -> bool:
        """True if there are model files that no table holds yet."""
        return bool(self.files.keys() - self.placed.keys())


class Sums:
    """Sums over some models.

    ``signals`` float64 [signals, sides, moments, examples]; a signal that a model lacks or that is
    not finite makes its sums NaN. ``proxies`` by name: sums float64 and counts int32, both
    [sides, n_train], over the models that observed the proxy.
    """

    def __init__(self, n_examples: int, n_train: int) -> None:
        self.n_train = n_train
        self.signals = np.zeros((len(SIGNALS), len(SIDES), len(MOMENTS), n_examples))
        self.proxies: dict[str, tuple[NDArray[np.float64], NDArray[np.int32]]] = {}

    @classmethod
    def of(cls, record: ModelRecord) -> Sums:
        """The sums over one model."""
        n_examples, n_train = len(record.correct), len(record.in_train)
        one = cls(n_examples, n_train)
        outside = np.ones(n_examples, dtype=np.bool_)
        outside[:n_train] = ~record.in_train
        for s, name in enumerate(SIGNALS):
            values = record.signals.get(name, np.full(n_examples, np.nan)).astype(np.float64)
            for side, chosen in enumerate((~outside, outside)):
                one.signals[s, side, 0] = np.where(chosen, values, 0.0)
                one.signals[s, side, 1] = np.where(chosen, values * values, 0.0)
        for name, proxy in record.proxies.items():
            sums, counts = one.proxy(name)
            for side, chosen in enumerate((record.in_train, ~record.in_train)):
                observed = chosen & np.isfinite(proxy)
                sums[side] = np.where(observed, proxy, 0.0)
                counts[side] = observed
        return one

    def add(self, other: Sums) -> None:
        """Add the sums over other models."""
        self.signals += other.signals
        for name, (sums, counts) in other.proxies.items():
            own_sums, own_counts = self.proxy(name)
            own_sums += sums
            own_counts += counts

    def proxy(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Sums and counts of one proxy, zeros if it is new."""
        if name not in self.proxies:
            shape = (len(SIDES), self.n_train)
            self.proxies[name] = np.zeros(shape), np.zeros(shape, dtype=np.int32)
        return self.proxies[name]


@dataclass
class Tally:
    """Everything of one objective and size.

    ``in_train``, ``correct``: uint8 [bytes, examples], bytes first, since a model then sets one bit
    along one contiguous row. ``trained``: uint8 [bytes]. ``parts``: sums over each of ``PARTS``.
    ``groups``: sums over each group, empty unless every group's model files are there.
    """

    n_subsets: int
    n_examples: int
    n_train: int
    in_train: NDArray[np.uint8] = field(init=False)
    correct: NDArray[np.uint8] = field(init=False)
    trained: NDArray[np.uint8] = field(init=False)
    parts: dict[str, Sums] = field(init=False)
    infos: dict[int, ModelInfo] = field(default_factory=dict)
    keep_margins: bool = False
    recorded: Recorded = field(init=False)

    def __post_init__(self) -> None:
        """Start from nothing."""
        n_bytes = bits.width(self.n_subsets)
        self.in_train = np.zeros((n_bytes, self.n_examples), dtype=np.uint8)
        self.correct = np.zeros((n_bytes, self.n_examples), dtype=np.uint8)
        self.trained = np.zeros(n_bytes, dtype=np.uint8)
        self.parts = {part: Sums(self.n_examples, self.n_train) for part in PARTS}
        self.recorded = Recorded(self.n_subsets, self.n_train, keep_margins=self.keep_margins)

    def place(self, record: ModelRecord, one: Sums) -> None:
        """Add a model's bits and sums to the tables."""
        subset = record.info.subset_id
        byte, bit = subset >> 3, np.uint8(0x80 >> (subset & 7))
        self.trained[byte] |= bit
        self.in_train[byte, : self.n_train] |= record.in_train * bit
        self.correct[byte] |= record.correct * bit
        self.parts[""].add(one)
        self.parts[half_of_group(record.info.group_id)].add(one)
        self.recorded.add(record)
        self.infos[subset] = record.info


class Masks:
    """All models of one subset were trained on the same examples; kept as digests."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple[bytes, str]] = {}

    def check(self, subset: int, in_train: NDArray[np.bool_], where: Path | str) -> None:
        """Raise StoreError if an earlier model of ``subset`` had another ``in_train``."""
        digest = hashlib.sha256(np.packbits(in_train).tobytes()).digest()
        first = self.seen.setdefault(subset, (digest, str(where)))
        if first[0] != digest:
            raise StoreError(
                f"'{where}' and '{first[1]}' both have subset_id {subset} and were trained on "
                "different examples; expected the same. One of them is of another study."
            )


def tally(
    store: Store,
    condition: Condition,
    masks: Masks,
    report: Callable[[], None],
    finish: Callable[[int, Sums], None] | None = None,
) -> Tally:
    """Add up a condition; ``report`` is called after each model file.

    ``finish`` is called with each group's id and sums, once all of its model files are added.

    Raises
    ------
    StoreError
        If a model file is damaged, or contradicts the manifest, its place or another model.
    """
    manifest = store.manifest
    n_examples = manifest.n_train + manifest.n_test
    keep_margins = bool(manifest.settings.get("observe", {}).get("keep_margins"))
    result = Tally(manifest.n_subsets, n_examples, manifest.n_train, keep_margins=keep_margins)
    files = sorted(condition.files.items())
    if condition.placed:
        _recall(store, condition, result, masks)
    last = {read_model_info(path).group_id: subset for subset, path in files} if finish else {}
    groups: dict[int, Sums] = {}
    for subset, path in files:
        record = read_model(path)
        _require_fits(manifest, condition, path, record)
        masks.check(subset, record.in_train, path)
        one = Sums.of(record)
        if subset in condition.placed:
            _require_same_training(condition.placed[subset], path, record)
        else:
            result.place(record, one)
        if finish:
            group = record.info.group_id
            groups.setdefault(group, Sums(n_examples, manifest.n_train)).add(one)
            if subset == last[group]:
                finish(group, groups.pop(group))
        report()
    return result


def _require_fits(
    manifest: Manifest, condition: Condition, path: Path, record: ModelRecord
) -> None:
    """Raise StoreError unless a model file is what its place says, and of this store."""
    n_train, n_examples = len(record.in_train), len(record.correct)
    for what, found, expected in (
        *_identity(manifest, condition, path, record.info),
        ("training examples", n_train, manifest.n_train),
        ("test examples", n_examples - n_train, manifest.n_test),
        *((f"values of {name}", len(v), n_examples) for name, v in record.signals.items()),
        *((f"values of {name}", len(v), n_train) for name, v in record.proxies.items()),
    ):
        if found != expected:
            raise StoreError(
                f"'{path}': {what}: found {found}, expected {expected}. It is not of this study: "
                "move it away, or produce it again."
            )
    if record.info.subset_id >= manifest.n_subsets:
        raise StoreError(
            f"'{path}': subset_id: found {record.info.subset_id}, expected less than the "
            f"{manifest.n_subsets} subsets of the manifest."
        )


def _identity(
    manifest: Manifest, condition: Condition, path: Path, info: ModelInfo
) -> Iterator[tuple[str, Any, Any]]:
    yield "objective", info.objective, condition.objective
    yield "size", info.size, condition.size
    yield "subset_id", info.subset_id, int(path.stem)
    if manifest.group_size:
        yield "group_id", info.group_id, info.subset_id // manifest.group_size


def _require_same_training(row: dict[str, Any], path: Path, record: ModelRecord) -> None:
    if utc(record.info.finished_at) != row["finished_at"]:
        raise StoreError(
            f"'{path}' was finished at {record.info.finished_at}; the packed store holds another "
            f"training of it, finished at {row['finished_at']}. Remove the file."
        )


# What a packed store holds already


def _recall(store: Store, condition: Condition, result: Tally, masks: Masks) -> None:
    """Put the placed models' bits, sums and rows back into ``result``."""
    chosen = [("objective", "=", condition.objective), ("size", "=", condition.size)]
    rows = store.read_table("outcomes", filters=chosen)
    _recall_bits(result.in_train, blob_array(rows["in_train"]).T, store)
    _recall_bits(result.correct, blob_array(rows["correct"]).T, store)
    _recall_bits(result.trained, blob_array(rows["trained"])[0], store)
    for part, at, column in signal_columns():
        result.parts[part].signals[at] = _float64(rows[column])
    total, first, second = (result.parts[part].signals for part in PARTS)
    second[:, :, 0] = total[:, :, 0] - first[:, :, 0]
    squares = recall(store, condition.objective, condition.size, result.recorded)
    # Packed without them, they are unknown and not those of the models that come.
    first[MARGIN, :, 1, : result.n_train] = np.nan if squares is None else squares
    _recall_proxies(store.read_table("proxies", filters=chosen), result)
    for subset, row in condition.placed.items():
        result.infos[subset] = _info(row)
        in_train = bits.column(result.in_train.T, subset)[: result.n_train]
        masks.check(subset, in_train, f"outcomes.parquet, {condition.objective}, {condition.size}")


def _recall_bits(target: NDArray[np.uint8], found: NDArray[np.uint8], store: Store) -> None:
    """Copy uint8 [bytes, ...]; later subsets only ever add bytes at the end."""
    if len(found) > len(target):
        raise StoreError(
            f"'{store.path}' holds bits of {len(found)} bytes, too many for the "
            f"{store.manifest.n_subsets} subsets of its manifest; restore the manifest."
        )
    target[: len(found)] = found


def _recall_proxies(rows: pa.Table, result: Tally) -> None:
    rows = rows.filter(pc.is_valid(rows["n_in"]))  # imported scores have no counts
    for name in pc.unique(rows["proxy"]).to_pylist():
        chosen = rows.filter(pc.equal(rows["proxy"], name))
        at = chosen["example_id"].to_numpy()
        for part, part_sums in result.parts.items():
            sums, counts = part_sums.proxy(name)
            for side, (value, count) in enumerate(proxy_columns(part)):
                n = chosen[count].to_numpy()
                counts[side, at] = n
                sums[side, at] = np.where(n > 0, _float64(chosen[value]) * n, 0.0)


def signal_columns() -> Iterator[tuple[str, tuple[int, int, int], str]]:
    """The part, the place in its ``Sums.signals`` and the name of each signal's columns."""
    for s, signal in enumerate(SIGNALS):
        for i, side in enumerate(SIDES):
            for m, moment in enumerate(MOMENTS):
                yield "", (s, i, m), f"{signal}_{side}_{moment}"
            yield HALVES[0], (s, i, 0), f"{signal}_{side}_sum_{HALVES[0]}"


def proxy_columns(part: str) -> Iterator[tuple[str, str]]:
    """The columns of ``proxies`` with mean and count, inside then outside, for a part."""
    suffix = f"_{part}" if part else ""
    for side in SIDES:
        yield f"value_{side}{suffix}", f"n_{side}{suffix}"


def _info(row: dict[str, Any]) -> ModelInfo:
    values = {field.name: row[field.name] for field in fields(ModelInfo)}
    finished = row["finished_at"]
    return ModelInfo(**{**values, "finished_at": finished and finished.isoformat()})


def _float64(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def mean_of(sums: NDArray[np.float64], counts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Sums over counts, NaN where nothing was observed."""
    out = np.full(sums.shape, np.nan)
    return np.asarray(np.divide(sums, counts, out=out, where=counts > 0))
