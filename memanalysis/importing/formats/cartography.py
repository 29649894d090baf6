"""Data maps of allenai/cartography: logits of every epoch, or finished coordinates."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.example_names import Guids, Rows, examples_of, read_rows
from memanalysis.importing.labels import given_labels, positional_count
from memanalysis.importing.outcomes import require_quantity
from memanalysis.importing.problems import fault
from memanalysis.importing.ranges import require_range
from memanalysis.importing.source import UNKNOWN, Contents, Options, Scores
from memanalysis.proxies import PROXIES, HardIs

_SOURCE: Final = "data maps (Swayamdipta et al. 2020)"
_EPOCH: Final = re.compile(r"dynamics_epoch_(\d+)\.jsonl")
# What `forgetfulness` says of an example that was never classified correctly.
_NEVER: Final = 1000
# Lines of JSON that are turned into one array at a time.
_LINES: Final = 8192

# Outputs of which so many say whether they are better than chance.
_MANY: Final = 100
# Sums of margins and losses over epochs must fit into the float32 of a store.
_LARGEST: Final = 1e30
_DIVERGED: Final = "A training that diverged has no dynamics."
# Where coordinates lie; losses and margins go beyond.
_RANGES: Final[dict[str, tuple[float | None, float | None]]] = {
    "confidence": (0.0, 1.0), "variability": (0.0, 0.5), "threshold_closeness": (0.0, 0.25),
    "correctness": (0.0, None), "forgetfulness": (0.0, None),
}  # fmt: skip
# Coordinates: column -> (proxy, direction, formula).
_COORDINATES: Final[dict[str, tuple[str, HardIs, str]]] = {
    "confidence": ("cumulative_confidence", "low", "(1/T) sum_t p_t(y)"),
    "variability": ("confidence_variability", "none", "population standard deviation of p_t(y)"),
    "correctness": ("correctness", "low", "sum_t 1[argmax p_t = y], a count of epochs"),
    "threshold_closeness": ("threshold_closeness", "none", "confidence (1 - confidence)"),
    "forgetfulness": ("forgetting_events", "high", "sum_t 1[correct at t-1 and wrong at t]"),
}


# Logits of every epoch


@dataclass
class _Sums:
    """Sums over epochs, [examples] each; numbered from the first epoch, which is 1."""

    n: int
    correct: NDArray[np.int64] = field(init=False)
    events: NDArray[np.int64] = field(init=False)
    first: NDArray[np.int64] = field(init=False)
    before: NDArray[np.bool_] = field(init=False)
    sums: dict[str, NDArray[np.float64]] = field(init=False)
    epochs: int = 0
    converted: int = 0
    ties: int = 0

    def __post_init__(self) -> None:
        self._gold = np.zeros(1)
        self.correct, self.events, self.first = (np.zeros(self.n, np.int64) for _ in range(3))
        self.before = np.zeros(self.n, np.bool_)
        self.sums = {name: np.zeros(self.n) for name in ("p", "pp", "margin", "loss")}

    def add(self, logits: NDArray[np.float64], gold: NDArray[np.int64], where: str) -> None:
        """Add an epoch: logits [n, classes], gold int64 [n].

        Probabilities are turned into their logarithms, which are logits up to a constant.
        """
        if require_quantity(logits, where) == "probabilities":
            logits = np.log(np.maximum(logits, np.finfo(np.float32).tiny))
            self.converted += 1
        if (abs(logits) > _LARGEST).any():
            found = f"a logit of {logits[abs(logits) > _LARGEST][0]:g}"
            raise fault(where, found, f"logits of at most {_LARGEST:g}", _DIVERGED)
        rows = np.arange(self.n)
        own = logits[rows, gold]
        top = logits.max(axis=1)
        self.ties += int(np.count_nonzero((logits == top[:, None]).sum(axis=1) > 1))
        loss = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + (top - own)
        correct = logits.argmax(axis=1) == gold
        others = logits.copy()
        others[rows, gold] = -np.inf
        p = np.exp(-loss)
        margin = own - others.max(axis=1)
        for name, values in (("p", p), ("pp", p * p), ("margin", margin), ("loss", loss)):
            self.sums[name] += values
        self.epochs += 1
        self._gold = np.bincount(gold).astype(np.float64)
        self.first[correct & (self.first == 0)] = self.epochs
        self.events += self.before & ~correct
        self.correct += correct
        self.before = correct

    def notes(self) -> list[str]:
        """Notes on these numbers."""
        notes = []
        if self.converted:
            notes.append(
                f"In {self.converted} of {self.epochs} epochs the logits are probabilities (rows "
                "within 0 and 1 that sum to 1): their logarithms are taken."
            )
        if self.ties:
            notes.append(
                f"{self.ties:,} outputs have their largest logit in several classes: the first of "
                "them counts as predicted."
            )
        share = float(self.correct.mean() / self.epochs) if self.n else 1.0
        shares = self._gold / max(self.n, 1)
        chance = float(shares @ shares)
        if self.n * self.epochs >= _MANY and share < chance + (1 - chance) / 10:
            notes.append(
                f"WARNING: outputs are right on {share:.1%}, near chance ({chance:.1%}): are gold "
                "labels and logits of the same examples?"
            )
        return notes

    def proxies(self) -> dict[str, NDArray[np.float64]]:
        """Values by the names of ``memanalysis.proxies``, NaN where never learned has no value."""
        t = self.epochs
        mean = self.sums["p"] / t
        never = self.correct == 0
        return {
            "cumulative_accuracy": self.correct / t,
            "cumulative_confidence": mean,
            "confidence_variability": np.sqrt(np.maximum(self.sums["pp"] / t - mean**2, 0)),
            "forgetting_events": np.where(never, t, self.events).astype(np.float64),
            "first_learned": np.where(never, np.nan, self.first),
            "aum": self.sums["margin"] / t,
            "cumulative_loss": np.maximum(self.sums["loss"], 0),
        }


def of_epochs(name: str, paths: Sequence[Path], options: Options) -> Contents:
    """Compute proxies from the logits of each epoch, one file in memory at a time.

    Raises
    ------
    DataError
        If an epoch is missing, or its examples or labels differ from the first one's.
    """
    numbered = _numbered(paths)
    guids = Guids(f"'{numbered[0][1]}'")
    gold = np.zeros(0, np.int64)
    sums: _Sums | None = None
    for epoch, path in numbered:
        names, logits, labels = _epoch(path, epoch)
        if sums is None:
            for line, guid in enumerate(names):
                guids.add(guid, f"line {line + 1}")
            gold, sums = labels, _Sums(len(names))
        order = _order(path, names, guids)
        if not np.array_equal(labels, gold[order]):
            at = int(np.argmax(labels != gold[order]))
            expected = f"{gold[order][at]}, as in the first epoch"
            raise fault(f"'{path}'", f"gold {labels[at]} for '{names[at]}'", expected)
        turned = np.empty_like(logits)
        turned[order] = logits
        sums.add(turned, gold, f"'{path}'")
    assert sums is not None  # there is at least one path
    notes = [f"{sums.epochs} epochs; the pass and its augmentation are those of the training."]
    never = int(np.count_nonzero(sums.correct == 0))
    if never:
        notes.append(
            f"{never:,} examples were never classified correctly: first_learned is NULL, "
            f"forgetting_events is {sums.epochs}, the number of epochs."
        )
    rows = _rows(guids, options)
    notes += [*rows.notes, *sums.notes()]
    scores = [
        _scores(rows, proxy, values, PROXIES[proxy].hard_is, PROXIES[proxy].formula, options, name)
        for proxy, values in sums.proxies().items()
    ]
    known = options
    if options.labels is not None and rows.are_positions:
        known = replace(options, store_labels=given_labels(options))
    examples = examples_of(rows, gold, known)
    provenance = {"epochs_of_dynamics": sums.epochs}
    return Contents(
        "dynamics", name, examples, (), scores, notes=notes, provenance=provenance
    )  # fmt: skip


def _numbered(paths: Sequence[Path]) -> list[tuple[int, Path]]:
    """(epoch, path) in order, without a gap."""
    epochs = sorted((int(m[1]), p) for p in paths if (m := _EPOCH.fullmatch(p.name)))
    numbers = [epoch for epoch, _ in epochs]
    expected = list(range(numbers[0], numbers[0] + len(numbers))) if numbers else []
    if not epochs or numbers != expected or numbers[0] > 1:
        listed = ", ".join(map(str, numbers)) or "none"
        raise fault(f"'{paths[0].parent}'", f"epochs {listed}", "every epoch from 0 or 1")
    return epochs


def _epoch(path: Path, epoch: int) -> tuple[list[str], NDArray[np.float64], NDArray[np.int64]]:
    """(guids, logits [n, classes], gold [n]) of one file; the epoch is part of a key's name."""
    key = f"logits_epoch_{epoch}"
    names: list[str] = []
    blocks: list[NDArray[np.float64]] = []
    gold: list[int] = []
    rows: list[list[float]] = []
    for line, record in enumerate(_lines(path), 1):
        if not {"guid", "gold", key} <= record.keys():
            found = f"keys {', '.join(record)} in line {line}"
            raise fault(f"'{path}'", found, f"guid, gold and {key}")
        names.append(str(record["guid"]))
        gold.append(record["gold"])
        rows.append(record[key])
        if len(rows) == _LINES:
            blocks.append(_block(path, rows))
            rows = []
    if rows:
        blocks.append(_block(path, rows))
    if not blocks:
        raise fault(f"'{path}'", "no lines", "one JSON object for each example")
    if len({block.shape[1] for block in blocks}) > 1:
        raise fault(f"'{path}'", "rows of different lengths", "one logit for each class")
    logits = np.concatenate(blocks)
    classes = range(logits.shape[1])
    wrong = [g for g in gold if isinstance(g, bool) or not isinstance(g, int) or g not in classes]
    if wrong:
        raise fault(f"'{path}'", f"gold {wrong[0]!r}", f"classes 0 to {len(classes) - 1}")
    return names, logits, np.array(gold, np.int64)


def _block(path: Path, rows: list[list[float]]) -> NDArray[np.float64]:
    try:
        block = np.array(rows, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        expected = "equally many numbers in each line"
        raise fault(f"'{path}'", f"logits that are no array ({error})", expected) from error
    if block.ndim != 2 or block.shape[1] < 2 or not np.isfinite(block).all():
        expected = "finite numbers, one for each class"
        raise fault(f"'{path}'", f"logits of shape {block.shape}, or not finite", expected)
    return block


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise fault(f"'{path}'", f"line {number} with no object", "a JSON object")
                yield record
    except (OSError, ValueError, RecursionError) as error:
        raise fault(f"'{path}'", f"no JSON lines ({error})", "a JSON object a line") from error


def _order(path: Path, names: list[str], guids: Guids) -> NDArray[np.int64]:
    """Number of each of this epoch's examples, which must be the first epoch's."""
    order = [guids.rank.get(name, -1) for name in names]
    if sorted(order) != list(range(len(guids))):
        unknown = [name for name, at in zip(names, order, strict=True) if at < 0]
        what = f"unknown ones such as '{unknown[0]}'" if unknown else "some again or missing"
        expected = f"the {len(guids):,} of the first epoch, each once"
        hint = "Cut epochs short by none, or take the epochs that are whole."
        raise fault(f"'{path}'", f"{len(names):,} examples, {what}", expected, hint)
    return np.array(order, np.int64)


# Coordinates


def of_coordinates(path: Path, options: Options) -> Contents:
    """Scores of a finished data map: confidence, variability, correctness and their like.

    Raises
    ------
    DataError
        If a line lacks what the first has, or a value is no finite number.
    """
    guids = Guids(f"'{path}'")
    columns: dict[str, list[float]] = {}
    for line, record in enumerate(_lines(path), 1):
        present = [name for name in _COORDINATES if name in record]
        if line == 1:
            columns = {name: [] for name in present}
        if not columns or present != list(columns) or "guid" not in record:
            found = f"keys {', '.join(record)} in line {line}"
            expected = f"guid and {', '.join(columns or _COORDINATES)}"
            raise fault(f"'{path}'", found, expected)
        guids.add(record["guid"], f"line {line}")
        for name in present:
            columns[name].append(_finite(path, record, name, line))
    if not columns:
        raise fault(f"'{path}'", "no lines", "one JSON object for each example")
    rows = _rows(guids, options)
    notes, scores = list(rows.notes), []
    for column, numbers in columns.items():
        proxy, hard_is, formula = _COORDINATES[column]
        values = np.array(numbers)
        if column in _RANGES:
            require_range(column, values, f"'{path}'", _RANGES[column])
        if column == "correctness" and (values != np.rint(values)).any():
            require_range(column, values, f"'{path}'", (0.0, 1.0))
            proxy, formula = "cumulative_accuracy", PROXIES["cumulative_accuracy"].formula
            notes.append("correctness is a share of the epochs, not a count: cumulative_accuracy.")
        if column == "forgetfulness" and (note := _mark_never(values, options)):
            notes.append(note)
        scores.append(_scores(rows, proxy, values, hard_is, formula, options, path.name))
    examples = examples_of(rows, None, options)
    return Contents("dynamics", path.name, examples, (), scores, notes=notes)


def _rows(guids: Guids, options: Options) -> Rows:
    return read_rows(
        list(guids.rank), options, guids.where, n_train=positional_count(options.labels)
    )


def _mark_never(values: NDArray[np.float64], options: Options) -> str:
    """Replace the sentinel in ``values``; return a note, empty where there is none."""
    never = values == _NEVER
    count = int(np.count_nonzero(never))
    if not count:
        return ""
    values[never] = np.nan if options.epochs is None else options.epochs
    became = "NULL; --epochs counts them" if options.epochs is None else f"{options.epochs} epochs"
    return f"{count:,} examples of forgetfulness {_NEVER} were never learned: {became}."


def _finite(path: Path, record: dict[str, Any], name: str, line: int) -> float:
    value = record[name]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not abs(value) <= sys.float_info.max:  # false for NaN, too
        raise fault(f"'{path}'", f"{name} = {value!r:.40} in line {line}", "a finite number")
    return float(value)


def _scores(
    rows: Rows,
    proxy: str,
    values: NDArray[np.float64],
    hard_is: HardIs,
    formula: str,
    options: Options,
    source: str,
) -> Scores:
    """``values`` in the order of ``rows``; NaN is left out, which is NULL."""
    finite = np.isfinite(values)
    return Scores(
        proxy, values[finite], hard_is, rows.of(finite), "in", options.size or UNKNOWN,
        options.objective or "one_hot", _SOURCE, formula, f"'{source}'",
    )  # fmt: skip
