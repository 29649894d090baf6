"""The examples of a store after an import: the same ones, or the fault that says why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.importing.example_names import number, positions, require_named_labels
from memanalysis.importing.labels import (
    Labels,
    read_label_file,
    recognised,
    require_equal,
)
from memanalysis.importing.model_metadata import note_class_names
from memanalysis.importing.outcomes import Outcome
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import Contents, Examples, Models, Options, Output
from memanalysis.storage.schema import EXAMPLES
from memanalysis.storage.store import Store

# More examples than this are believed only of a source that scores one in a thousand of them.
_PLAUSIBLE: Final = 10**7
_PLAUSIBLE_SHARE: Final = 1000
# Kinds of example by whether the label is the clean one.
CLEAN: Final = "clean"
NOISY: Final = "noisy"
_SHOWN: Final = 5


@dataclass(frozen=True)
class Roster:
    """The examples in the store.

    ``table``: the new ``examples``; ``source_ids``: names of the training examples, empty where
    there are none; ``takes_test``: whether the source's test outcomes find their examples;
    ``order``: the source's row of each training example, int64 [n_train], None if they are equal.
    """

    n_train: int
    n_test: int
    table: pa.Table
    class_names: Sequence[str]
    source_ids: Sequence[str | None]
    takes_test: bool
    notes: list[str] = field(default_factory=list)
    order: NDArray[np.int64] | None = None


def make_roster(store: Store | None, contents: Contents, options: Options) -> Roster:
    """Join a source's examples with those of ``store``, if there is one.

    Raises
    ------
    DataError
        If numbers, labels or names disagree.
    """
    given = _with_options(contents, options)
    if store is None:
        return _found(given, contents)
    old = store.read_table("examples")
    manifest = store.manifest
    grows = not len(store.read_table("models", ["model_id"]))
    where = f"'{contents.source}'"
    if given.n_train not in (None, manifest.n_train):
        raise fault(
            where, f"{given.n_train:,} training examples", f"{manifest.n_train:,}, as the store has"
        )
    columns = _known_columns(old)
    order = _order(given, columns["source_id"][: manifest.n_train], where)
    given = given if order is None else _ordered(given, order)
    labels, filled = _merged(columns["label"][: manifest.n_train], given.labels, where)
    n_test, notes = _test_count(given, contents, manifest.n_test, grows)
    tests = columns["label"][manifest.n_train :] + [None] * (n_test - manifest.n_test)
    takes_test = given.n_test == n_test and n_test > 0
    if takes_test:
        tests, more = _merged(tests, given.test_labels, f"{where}, test split")
        filled = filled or more
    clean, relabelled = _merged(
        columns["clean_label"][: manifest.n_train], given.clean_labels, f"{where}, clean labels"
    )
    changed = n_test != manifest.n_test or filled or relabelled
    if changed and manifest.packed:
        notes.append("A packed store keeps its labels: those of this source are not added.")
        changed = False
    table = _extended(old, labels + tests, manifest.n_train, n_test) if changed else old
    if changed and relabelled:
        table = _relabelled(table, clean, manifest.n_train)
    names = list(manifest.class_names) or list(given.class_names)
    _require_named(given, names, where)
    return Roster(
        manifest.n_train, n_test, table, names, columns["source_id"][: manifest.n_train],
        takes_test, notes, order,
    )  # fmt: skip


def store_labels(store: Store | None) -> tuple[Labels | None, Labels | None]:
    """Labels of the training and the test examples, each None unless all are known."""
    if store is None:
        return None, None
    labels = store.read_table("examples", ["label"])["label"].to_pylist()
    parts = labels[: store.manifest.n_train], labels[store.manifest.n_train :]
    train, test = (None if None in part or not part else np.array(part, np.int64) for part in parts)
    return train, test


def of_store(store: Store | None) -> dict[str, Any]:
    """Fields of ``Options`` that tell a format what the store has already."""
    if store is None:
        return {}
    names = store.read_table("examples", ["source_id"])["source_id"][: store.manifest.n_train]
    train, test = store_labels(store)
    return {
        "has_store": True,
        "store_names": () if names.null_count == len(names) else tuple(names.to_pylist()),
        "store_labels": train,
        "store_test_labels": test,
    }


def _with_options(contents: Contents, options: Options) -> Examples:
    """The source's examples with what the user says of them."""
    given = contents.examples
    labels, n_train = given.labels, given.n_train
    clean = given.clean_labels
    if options.labels is not None and not given.labels_are_given:
        labels = _joined(labels, options.labels, options, contents)
    if options.clean_labels is not None:
        clean = _joined(clean, options.clean_labels, options, contents)
    if labels is not None:
        if n_train not in (None, len(labels)):
            raise fault(
                f"'{contents.source}'", f"{n_train:,} training examples", f"{len(labels):,}, one "
                "for each label",
            )  # fmt: skip
        n_train = len(labels)
    lengths = {"labels": labels, "clean_labels": clean, "names": given.source_ids}
    for what, values in lengths.items():
        if values is not None and n_train is not None and len(values) != n_train:
            expected = f"{n_train:,}, one for each training example"
            raise fault(f"'{contents.source}'", f"{len(values):,} {what}", expected)
    if None not in (options.n_train, n_train) and options.n_train != n_train:
        hint = "Leave out --n-train, or correct it."
        expected = f"{n_train:,}, which the source itself says"
        raise fault("--n-train", f"{options.n_train:,}", expected, hint)
    names = options.class_names or given.class_names
    faults = Faults(contents.source)
    note_class_names(faults, f"'{contents.source}'", names)
    faults.raise_any()
    return replace(given, n_train=n_train, labels=labels, clean_labels=clean, class_names=names)


def _joined(own: Labels | None, path: Path, options: Options, contents: Contents) -> Labels:
    """The labels of a file in the order of the source's examples; ``own``: those of the source.

    Rows with names need labels with names, unless the source or the store has labels to prove the
    order.
    """
    file = read_label_file(path)
    names: Sequence[str | None] | None = contents.examples.source_ids
    named_scores = any(isinstance(scores.ids, list) for scores in contents.scores)
    if names is None and (named_scores or (file.names is not None and options.all_named)):
        names = options.store_names
    if names is not None and file.names is None:
        proof = options.store_labels if own is None else own
        if proof is None or not np.array_equal(proof, file.labels):
            require_named_labels(True, False, file.where)
    labels = file.labels if names is None or file.names is None else file.of(names)
    labels = file.in_order() if names is None else labels
    if own is not None:
        require_equal(own, labels, f"'{contents.source}'", f"'{path}'")
    return labels


def in_order(models: Models, order: NDArray[np.int64]) -> Models:
    """The same models with example i in the source's row ``order[i]``."""

    def turned(outcome: Outcome) -> Outcome:
        return replace(
            outcome,
            correct=outcome.correct[order],
            signals={name: values[order] for name, values in outcome.signals.items()},
            logits=None if outcome.logits is None else outcome.logits[order],
            predicted=None if outcome.predicted is None else outcome.predicted[order],
        )

    def outputs() -> Iterator[Output]:
        for output in models.outputs():
            own = {name: values[order] for name, values in output.proxies.items()}
            yield replace(output, train=turned(output.train), proxies=own)

    return replace(models, masks=lambda: (mask[order] for mask in models.masks()), outputs=outputs)


def _order(given: Examples, names: Sequence[str | None], where: str) -> NDArray[np.int64] | None:
    """The source's row of each of the store's examples, None where rows are positions."""
    rows = given.source_ids
    if rows is None or list(rows) == list(names):
        return None
    if None in names:
        plain = [number(name) for name in rows]
        names = [str(at) for at in range(len(names))]
        if sorted(plain) != sorted(str(name) for name in names):
            raise fault(
                where, f"names of examples such as '{rows[0]}'",
                "positions: the store's examples have no names",
                "If row i is the store's example i, leave the names out of the source.",
            )  # fmt: skip
        rows = plain
    order = positions([str(name) for name in names], rows)
    if (order < 0).any():
        name = names[int(np.argmin(order))]
        raise fault(where, f"no example called '{name}'", "the names of the store's examples")
    return None if np.array_equal(order, np.arange(len(order))) else order


def _ordered(given: Examples, order: NDArray[np.int64]) -> Examples:
    """The same examples with example i from row ``order[i]``."""
    rows = given.source_ids
    return replace(
        given,
        labels=None if given.labels is None else given.labels[order],
        clean_labels=None if given.clean_labels is None else given.clean_labels[order],
        source_ids=None if rows is None else [rows[at] for at in order],
    )


def _found(given: Examples, contents: Contents) -> Roster:
    """The roster of a store that begins with this source."""
    where = f"'{contents.source}'"
    n_train, n_test = given.n_train, given.n_test
    if n_train is None:
        hint = "Give --labels FILE or --n-train N."
        raise fault(where, "no number of training examples", "one", hint)
    _require_plausible(contents, n_train + n_test)
    notes = []
    if given.labels is None:
        notes.append("No labels: nothing can be told by class. --labels FILE adds them.")
    elif known := recognised(given.labels):
        notes.append(f"The first ten labels are those of {known}.")
    notes += _odd_labels(given)
    _require_named(given, given.class_names, where)
    order = None
    if given.source_ids is not None and _are_positions(given.source_ids):
        order = _order(given, [None] * n_train, where)
        given = replace(given if order is None else _ordered(given, order), source_ids=None)
    n = n_train + n_test
    names: list[Any] = list(given.source_ids or [])
    data = {
        "example_id": np.arange(n),
        "split": ["train"] * n_train + ["test"] * n_test,
        "label": _list(given.labels, n_train) + _list(given.test_labels, n_test),
        "clean_label": _list(given.clean_labels, n_train) + [None] * n_test,
        "kind": _kinds(given.labels, given.clean_labels, n_train) + [None] * n_test,
        "source_id": (names or [None] * n_train) + [None] * n_test,
    }
    table = _table(data, n)
    source_ids = names or [None] * n_train
    return Roster(
        n_train, n_test, table, given.class_names, source_ids, n_test > 0, notes, order
    )  # fmt: skip


def _are_positions(names: Sequence[str]) -> bool:
    """True if names are the numbers from 0 without a gap, in whatever order."""
    return sorted(map(number, names)) == sorted(map(str, range(len(names))))


def _require_plausible(contents: Contents, n: int) -> None:
    """Refuse a number of examples that only a wrong id can mean, before memory is asked for."""
    if contents.models or n <= _PLAUSIBLE:
        return
    known = max((len(scores.values) for scores in contents.scores), default=0)
    known = max(known, *(len(pairs.influence) for pairs in contents.pairs), 0)
    if n > _PLAUSIBLE_SHARE * known:
        hint = "Is the id column something else than positions from 0? Name them in 'source_id'."
        expected = f"at most {_PLAUSIBLE_SHARE:,} for each"
        raise fault(f"'{contents.source}'", f"{n:,} examples for {known:,} scores", expected, hint)


def _test_count(
    given: Examples, contents: Contents, present: int, grows: bool
) -> tuple[int, list[str]]:
    """Test examples after the import, and what becomes of the source's."""
    where = f"'{contents.source}'"
    if not contents.models and not contents.pairs:
        return present, []
    if given.n_test == present or (grows and given.n_test > present):
        return given.n_test, []
    if contents.models and given.n_test == 0:
        raise fault(
            where, "no outcomes on test examples",
            f"outcomes on the store's {present:,} test examples", "Import into a store of its own.",
        )  # fmt: skip
    if contents.models and present == 0:
        note = f"Outcomes on {given.n_test:,} test examples are left out: the store has none."
        return present, [note]
    if given.n_test > present or contents.models:
        raise fault(where, f"{given.n_test:,} test examples", f"{present:,}, as the store has")
    return present, []


def _known_columns(table: pa.Table) -> dict[str, list[Any]]:
    return {name: table[name].to_pylist() for name in ("label", "clean_label", "source_id")}


def _merged(
    present: list[Any], found: NDArray[np.int64] | None, where: str
) -> tuple[list[Any], bool]:
    """Labels after the import, and whether any is new; those that both know must agree."""
    if found is None:
        return present, False
    known = np.array([label is not None for label in present], np.bool_)
    old = np.array([-1 if label is None else label for label in present], np.int64)
    if len(found) != len(old):
        raise fault(where, f"{len(found):,} labels", f"{len(old):,}, as the store has examples")
    require_equal(np.where(known, found, old), old, where, "the store")
    return found.tolist(), not known.all()


def _extended(old: pa.Table, labels: list[Any], n_train: int, n_test: int) -> pa.Table:
    added = n_train + n_test - len(old)
    kept = {name: old[name].to_pylist() + [None] * added for name in EXAMPLES.names}
    split = ["train"] * n_train + ["test"] * n_test
    return _table(
        {**kept, "example_id": np.arange(n_train + n_test), "split": split, "label": labels},
        n_train + n_test,
    )


def _relabelled(table: pa.Table, clean: list[Any], n_train: int) -> pa.Table:
    """The same examples with clean labels, and a kind where they had none."""
    n_test = len(table) - n_train
    data = {name: table[name].to_pylist() for name in EXAMPLES.names}
    kinds = [
        None if a is None or b is None else CLEAN if a == b else NOISY
        for a, b in zip(data["label"][:n_train], clean, strict=True)
    ] + [None] * n_test
    data["clean_label"] = clean + data["clean_label"][n_train:]
    if all(kind is None for kind in data["kind"]):
        data["kind"] = kinds
    return _table(data, len(table))


def _table(data: dict[str, Any], n: int) -> pa.Table:
    columns = [
        pa.array(data[f.name], f.type) if f.name in data else pa.nulls(n, f.type) for f in EXAMPLES
    ]
    return pa.table(columns, schema=EXAMPLES)


def _odd_labels(given: Examples) -> Iterator[str]:
    """Notes on labels that classes numbered from 0 would hardly have."""
    labels, clean = given.labels, given.clean_labels
    if labels is None or not len(labels):
        return
    if (least := int(labels.min())) > 0:
        yield (
            f"WARNING: the smallest label is {least}, and classes are numbered from 0: if these "
            f"count from {least}, predicted classes and names are off by {least}. Subtract it."
        )
    strange = np.array([]) if clean is None else np.setdiff1d(clean, labels)
    if len(strange):
        some = ", ".join(map(str, strange[:_SHOWN].tolist()))
        yield (
            f"WARNING: clean labels have classes that no label has ({some}): are they of the same "
            "classes?"
        )


def _list(values: NDArray[np.int64] | None, n: int) -> list[Any]:
    return [None] * n if values is None else values.tolist()


def _kinds(labels: Labels | None, clean: Labels | None, n: int) -> list[str | None]:
    """Kind of each training example by its clean label, None where nobody knows."""
    if labels is None or clean is None:
        return [None] * n
    return [CLEAN if same else NOISY for same in (labels == clean).tolist()]


def _require_named(given: Examples, names: Sequence[str], where: str) -> None:
    labels = {"label": given.labels, "test label": given.test_labels,
              "clean label": given.clean_labels}  # fmt: skip
    for what, values in labels.items():
        largest = -1 if values is None else int(values.max(initial=-1))
        if names and largest >= len(names):
            expected = f"at most {len(names) - 1}: {len(names)} classes"
            raise fault(where, f"{what} {largest}", expected)
