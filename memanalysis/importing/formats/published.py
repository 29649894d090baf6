"""Published memorisation scores and influence of Feldman and Zhang: no masks, hence no counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import (
    Archive,
    Array,
    floats,
    integers,
    require_line,
    require_numbers,
    require_shape,
)
from memanalysis.importing.example_names import examples_of, read_rows
from memanalysis.importing.labels import checked
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.ranges import require_range
from memanalysis.importing.source import (
    UNKNOWN,
    Contents,
    Examples,
    Options,
    Pairs,
    Scores,
    unknown_keys,
)

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

# "High-influence pairs" of Feldman and Zhang 2020, section 3.3: influence and memorisation.
_INFLUENCE: Final = 0.15
_MEMORIZATION: Final = 0.25
_PAIR_KEYS: Final = ("tr_idx", "tt_idx", "infl", "mem")
_NAME: Final = "memorization_published"
_NO_COUNTS: Final = (
    "Published scores without masks: counts, errors and intervals are NULL, and memorization "
    "itself has no rows; the scores are the proxy memorization_published."
)
_KEPT: Final = (
    f"Of the influence matrix the pairs with influence >= {_INFLUENCE:g} and memorization >= "
    f"{_MEMORIZATION:g} are kept, Feldman and Zhang's high-influence pairs."
)


def read_pairs(source: Path, archive: Archive, options: Options) -> Contents:
    """A file of high-influence pairs; a training example may be in several."""
    faults = Faults(str(source))
    for key in _PAIR_KEYS:
        if key not in archive:
            faults.add(f"'{source}'", f"keys {', '.join(archive.keys)}", f"'{key}' among them")
    faults.raise_any()
    length = archive["tr_idx"].shape[:1]
    for key in _PAIR_KEYS:
        if archive[key].shape != length or not length:
            faults.add(archive[key].where, f"shape {archive[key].shape}", "one value a pair")
    faults.raise_any()
    train, test = integers(archive["tr_idx"]), integers(archive["tt_idx"])
    ids, values = _distinct(train, floats(archive["mem"]), archive["mem"].where)
    notes = [_NO_COUNTS, *unknown_keys(source.name, archive.keys, _PAIR_KEYS)]
    if not options.has_store and (options.n_train is None or options.n_test is None):
        notes.append(
            "The file does not say how many examples there are: taken from the largest ids. "
            "--n-train and --n-test say it; other scores of the same examples need it."
        )
    examples = Examples(
        n_train=None if options.has_store else _count(options.n_train, train),
        n_test=0 if options.has_store else _count(options.n_test, test),
    )
    if options.has_store and options.n_test is not None:
        examples = Examples(n_test=options.n_test)
    pairs = Pairs(
        train,
        test,
        floats(archive["infl"]),
        size=options.size or UNKNOWN,
        objective=options.objective or "one_hot",
        where=f"'{source}'",
    )
    return _contents(source, options, examples, (values, ids), [pairs], notes)


def read_matrix(source: Path, archive: Archive, options: Options) -> Contents:
    """Scores of all training examples and, where there are, influence matrices by class."""
    labels = checked(archive["tr_labels"]) if "tr_labels" in archive else None
    tests = checked(archive["tt_labels"]) if "tt_labels" in archive else None
    names = [str(n) for n in archive["tr_filenames"].whole()] if "tr_filenames" in archive else None
    for key in ("tr_mem", *(k for k in archive.keys if "_classidx_" in k or "_filenames" in k)):
        require_line(archive[key], "values")
    values = floats(archive["tr_mem"])
    classes = [key.removeprefix("tr_classidx_") for key in archive.keys if "tr_classidx_" in key]
    known = ["tr_labels", "tt_labels", "tr_mem", "tr_filenames", "tt_filenames"]
    parts = []
    for name in classes:
        keys = [f"tr_classidx_{name}", f"tt_classidx_{name}", f"infl_matrix_class{name}"]
        known += keys
        train, test = (integers(archive[key]) for key in keys[:2])
        parts.append(_high(archive[keys[2]], train, test, values))
    n_test = _tests(options, tests)
    rows = None if names is None else read_rows(names, options, f"'{source}', tr_filenames")
    pairs = [_joined(parts, source, options)] if classes else []
    require_range(_NAME, values, archive["tr_mem"].where, (-1.0, 1.0))
    notes = [_NO_COUNTS, *([_KEPT] if classes else []), *(rows.notes if rows else ()),
             *unknown_keys(source.name, archive.keys, known)]  # fmt: skip
    examples = Examples(
        n_train=len(values), n_test=n_test, labels=labels, test_labels=tests, source_ids=names
    )
    if rows is not None and (rows.are_positions or options.has_store):
        joined = examples_of(rows, labels, options)
        examples = replace(joined, n_test=n_test, test_labels=tests)
    ids = None if rows is None else rows.ids
    return _contents(source, options, examples, (values, ids), pairs, notes)


def read_demo(source: Path, archive: Archive, options: Options) -> Contents:
    """``memorization`` [train] and ``influence`` [test, train] of the MNIST demo."""
    require_line(archive["memorization"], "scores")
    values = floats(archive["memorization"])
    notes = [_NO_COUNTS, *unknown_keys(source.name, archive.keys, ("memorization", "influence"))]
    pairs, n_test = [], 0
    if "influence" in archive:
        matrix = archive["influence"]
        require_numbers(matrix)
        require_shape(matrix, (None, len(values)), ("test examples", "training examples"))
        n_test = matrix.shape[0]
        parts = list(_rows(matrix, values))
        pairs = [_joined(parts, source, options)]
        notes.append(_KEPT)
    examples = Examples(n_train=len(values), n_test=n_test)
    return _contents(source, options, examples, (values, None), pairs, notes)


def _contents(
    source: Path,
    options: Options,
    examples: Examples,
    scores: tuple[Floats, Any],
    pairs: list[Pairs],
    notes: list[str],
) -> Contents:
    published = Scores(
        name=_NAME,
        values=scores[0],
        hard_is="high",
        ids=scores[1],
        size=options.size or UNKNOWN,
        objective=options.objective or "one_hot",
        source="Feldman and Zhang 2020 (arXiv 2008.03703), published scores",
        formula="P[correct | in train] - P[correct | held out], subsets of 70 %",
        where=f"'{source}'",
    )
    return Contents("feldman", source.name, examples, scores=(published,), pairs=pairs, notes=notes)


def _distinct(train: Ids, memorization: Floats, where: str) -> tuple[Ids, Floats]:
    """Each training example once; its score stands beside every pair it is in."""
    ids, first, inverse = np.unique(train, return_index=True, return_inverse=True)
    values = memorization[first]
    differs = values[inverse] != memorization
    if differs.any():
        at = int(train[np.argmax(differs)])
        raise fault(where, f"several scores of training example {at}", "one score an example")
    return ids, values


def _count(given: int | None, ids: Ids) -> int:
    return int(ids.max(initial=-1)) + 1 if given is None else given


def _tests(options: Options, labels: Ids | None) -> int:
    return len(labels) if labels is not None else options.n_test or 0


def _high(matrix: Array, train: Ids, test: Ids, memorization: Floats) -> tuple[Ids, Ids, Floats]:
    """High-influence pairs of one class's matrix [train, test]."""
    require_numbers(matrix)
    require_shape(matrix, (len(train), len(test)), ("training examples", "test examples"))
    if len(train) and not 0 <= train.min() <= train.max() < len(memorization):
        found_ = f"training ids from {train.min()} to {train.max()}"
        raise fault(matrix.where, found_, f"0 to {len(memorization) - 1}, as tr_mem has")
    found: list[tuple[Ids, Ids, Floats]] = []
    for example, row in zip(train, matrix.rows(), strict=True):
        if memorization[example] >= _MEMORIZATION:
            at = np.flatnonzero(row >= _INFLUENCE)
            found.append((np.full(len(at), example), test[at], row[at].astype(np.float64)))
    return _stacked(found)


def _rows(matrix: Array, memorization: Floats) -> Iterator[tuple[Ids, Ids, Floats]]:
    """High-influence pairs of a matrix [test, train], test example by test example."""
    memorised = memorization >= _MEMORIZATION
    for example, row in enumerate(matrix.rows()):
        at = np.flatnonzero((row >= _INFLUENCE) & memorised)
        yield at, np.full(len(at), example), row[at].astype(np.float64)


def _stacked(parts: list[tuple[Ids, Ids, Floats]]) -> tuple[Ids, Ids, Floats]:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    train, test, influence = (np.concatenate(column) for column in zip(*parts, strict=True))
    return train, test, influence


def _joined(parts: list[tuple[Ids, Ids, Floats]], source: Path, options: Options) -> Pairs:
    return Pairs(
        *_stacked(parts),
        size=options.size or UNKNOWN,
        objective=options.objective or "one_hot",
        where=f"'{source}'",
    )
