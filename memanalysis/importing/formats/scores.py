"""Any scores by example: a table with ids, an array in order, or held-out probabilities by class.

A table is CSV (commas, semicolons, tabs), JSON lines, JSON, Parquet or .npz with a column an array.
Its id column is the one that --id-column gives, else ``example_id`` (positions among the training
examples, from 0), else one with another usual name (``id``, ``guid``, ``filename``, …), else the
index that pandas writes without a name; --in-order says that row i is example i. Every other
numeric column is a score, unless --columns picks some; labels, splits and folds are none, and
labels are compared. Of several ``split`` values only rows of train are taken. Which end is hard
must be said, --hard-is high|low|none; it holds for all scores of one import, except for names that
have a definition (`memanalysis sql "from proxies"`), whose direction is known.

``pred_probs`` [examples, classes] of cross-validation (a .npy of two axes with --labels, or .npz
keys ``pred_probs`` and ``labels``) become the proxy ``held_out_probability``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis import proxies
from memanalysis.errors import did_you_mean
from memanalysis.importing.arrays import Archive, Array, Held, floats, open_npy, refuse_pickle
from memanalysis.importing.example_names import Rows, examples_of, positions, read_rows
from memanalysis.importing.labels import (
    ID_COLUMNS,
    LABEL_COLUMNS,
    Labels,
    checked,
    given_labels,
    positional_count,
)
from memanalysis.importing.outcomes import of_probabilities, require_classes
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.ranges import require_range
from memanalysis.importing.source import (
    UNKNOWN,
    Contents,
    Examples,
    Format,
    Options,
    Scores,
    unknown_keys,
)
from memanalysis.importing.tables import Table, read_table

FORMAT: Final = Format(
    name="scores",
    module=__name__,
    reads="any scores by example: .csv, .parquet, .npy, …",
    options=(
        "labels", "clean_labels", "hard_is", "side", "names", "id_column", "in_order", "missing",
        "n_train",
    ),
    example="scores mine.csv --hard-is high --out mine",
    gives="proxies, correlated with your scores at every size",
)  # fmt: skip
_POSITIONS: Final = "example_id"
_SPLITS: Final = ("split", "set", "partition")
_NO_SCORES: Final = (
    *LABEL_COLUMNS, *_SPLITS, "clean_label", "true_label", "predicted_label", "fold", "seed",
    "Unnamed: 0",
)  # fmt: skip
_TRAIN: Final = ("train", "training", "tr")
_PROBABILITIES: Final = "pred_probs"
_MANY: Final = 50  # labels of which so many say whether outputs are better than chance
_HELD_OUT: Final = "held_out_probability"
_NOTE: Final = (
    "Scores without masks: they can be compared with memorization where the store has models of "
    "these examples; memorization itself cannot be computed from them."
)


def read(source: Path, options: Options) -> Contents:
    """Every numeric column as a proxy in ``value_in``, or ``value_out`` with --side out.

    Raises
    ------
    DataError
        If ids are missing, unknown or more than once, a score has no direction or lies outside
        the range of its name, or labels are others than those of the store.
    """
    refuse_pickle(source)
    if source.suffix == ".npz" and _PROBABILITIES in (archive := Archive(source)):
        own = checked(archive["labels"]) if "labels" in archive else None
        return _held_out(source, archive[_PROBABILITIES], own, options)
    if source.suffix == ".npy":
        array = open_npy(source)
        if len(array.shape) == 2:
            return _held_out(source, array, None, options)
        if len(array.shape) != 1:
            expected = "(examples), one score each, or (examples, classes)"
            raise fault(array.where, f"shape {array.shape}", expected)
        columns = {options.names[0] if options.names else source.stem: floats(array)}
        n = None if options.has_store else options.n_train or array.shape[0]
        return _contents(source, columns, None, Examples(n_train=n), options, [])
    table, notes = _of_train(read_table(source))
    if source.suffix == ".npz" and options.id_column is None and not _has_ids(table):
        options = replace(options, in_order=True)  # an array is in order, as in .npy
    rows, id_column = _rows(table, options)
    columns, more = _columns(table, id_column, options)
    labels = _labels(table, id_column)
    examples = _examples(rows, labels, table, options)
    if labels is not None and rows is None:
        examples = replace(examples, labels=labels)
    ids = None if rows is None else rows.ids
    notes += [*more, *(() if rows is None else rows.notes)]
    return _contents(source, columns, ids, examples, options, notes)


def _contents(
    source: Path,
    columns: dict[str, NDArray[np.float64]],
    ids: NDArray[np.int64] | list[str] | None,
    examples: Examples,
    options: Options,
    notes: Sequence[str],
) -> Contents:
    faults = Faults(str(source))
    for name, values in columns.items():
        where = f"'{source}', column '{name}'"
        if options.hard_is is None and proxies.find(name) is None:
            hint = "Give --hard-is high, low or none."
            faults.add(where, "no direction", "which end is hard", hint)
        require_range(name, values, where)
    faults.raise_any()
    notes = [*notes, *_turned(columns, options)]
    return Contents(
        format="scores",
        source=source.name,
        examples=examples,
        scores=[
            Scores(
                name=name,
                values=values,
                hard_is=_direction(name, options),
                ids=ids,
                side=options.side,
                size=options.size or UNKNOWN,
                objective=options.objective or "one_hot",
                source=f"imported from {source.name}",
                where=f"'{source}', column '{name}'",
            )
            for name, values in columns.items()
        ],
        notes=[_NOTE, *notes],
    )


def _turned(columns: Iterable[str], options: Options) -> Iterator[str]:
    """A note on each name whose definition says another direction than --hard-is."""
    for name in columns:
        if options.hard_is is not None and options.hard_is != _direction(name, options):
            yield (
                f"{name} has a definition, by which hard = {_direction(name, options)}: --hard-is "
                f"{options.hard_is} does not apply to it."
            )


def _direction(name: str, options: Options) -> proxies.HardIs:
    return proxies.direction(name) or options.hard_is or "none"


# Held-out probabilities


def _held_out(source: Path, array: Array, own: Labels | None, options: Options) -> Contents:
    """The label's probability in outputs [examples, classes] of models that held it out."""
    labels = own if own is not None else given_labels(options)
    if labels is None:
        hint = "Give --labels FILE; of one score each, save an array of one axis."
        raise fault(array.where, f"shape {array.shape} without labels", "labels, too", hint)
    if len(array.shape) != 2 or len(labels) != array.shape[0]:
        raise fault(array.where, f"shape {array.shape}", f"({len(labels):,} labels, classes)")
    require_classes(labels, array.shape[1], array.where)
    outputs = array.whole()
    right = float(of_probabilities(outputs, labels, array.where).correct.mean())
    values = floats(Held(outputs[np.arange(len(labels)), labels], array.where))
    notes = [_NOTE, f"The label's probability, in models that held the example out, as its file "
             f"says; these models are right on {right:.1%}."]  # fmt: skip
    chance = float(np.square(np.bincount(labels) / len(labels)).sum())
    if len(labels) >= _MANY and right < chance + (1 - chance) / 10:
        notes.append(
            f"WARNING: {right:.1%} is near chance ({chance:.1%}): are labels and probabilities in "
            "the same order?"
        )
    scores = Scores(
        _HELD_OUT, values, "low", None, "out", options.size or UNKNOWN,
        options.objective or "one_hot", f"imported from {source.name}",
        "p(y) of the model that held the example out, by cross-validation", array.where,
    )  # fmt: skip
    examples = Examples(len(labels), labels=labels, labels_are_given=own is None)
    return Contents("scores", source.name, examples, scores=(scores,), notes=notes)


# Tables


def _of_train(table: Table) -> tuple[Table, list[str]]:
    """Rows of the training split alone, where a column tells splits apart."""
    column = next((name for name in _SPLITS if name in table.columns), None)
    if column is None:
        return table, []
    splits = table.texts(column)
    train = np.array([str(split).lower() in _TRAIN for split in splits], np.bool_)
    if train.all() or not train.any():
        return table, []
    kept = {name: values.filter(pa.array(train)) for name, values in table.columns.items()}
    note = f"{np.count_nonzero(~train):,} rows of other splits than train are left out."
    return replace(table, columns=kept), [note]


def _has_ids(table: Table) -> bool:
    return any(name in table.columns for name in (*ID_COLUMNS, ""))


def _rows(table: Table, options: Options) -> tuple[Rows | None, str | None]:
    """Examples of these rows, None for all in order; and the column that names them."""
    name = _id_column(table, options)
    if name is None:
        return None, None
    where = f"{table.where}, column '{name}'"
    ids = table.texts(name)
    if empty := sum(not text for text in ids):
        raise fault(where, f"{empty:,} empty ids", "an id in every row")
    texts = [str(text) for text in ids]
    if name == _POSITIONS:
        return _by_position(texts, where, options), name
    rows = read_rows(texts, options, where, n_train=positional_count(options.labels))
    if name in (options.id_column, "source_id"):
        return rows, name
    called = f"the column '{name}'" if name else "the first column, which has no name,"
    return replace(rows, notes=(f"{called} is taken as ids.", *rows.notes)), name


def _by_position(texts: list[str], where: str, options: Options) -> Rows:
    """``example_id`` is the store's own number of an example, whatever names it has."""
    rows = read_rows(texts, replace(options, store_names=(), has_store=True), where)
    if not isinstance(rows.ids, np.ndarray):
        raise fault(where, "no whole numbers from 0", "positions", "Names belong into 'source_id'.")
    notes = list(rows.notes)
    places = positions(texts, options.store_names)
    if len(places) and (places >= 0).all() and not np.array_equal(places, rows.ids):
        notes.append(
            f"{where}: positions, as example_id always is, although the store has these names, too."
        )
    return replace(rows, notes=tuple(notes))


def _id_column(table: Table, options: Options) -> str | None:
    names = list(table.columns)
    if options.id_column is not None:
        if options.id_column not in names:
            expected = f"a column '{options.id_column}'"
            hint = did_you_mean(options.id_column, names)
            raise fault(table.where, f"columns {', '.join(names)}", expected, hint)
        return options.id_column
    if options.in_order:
        return None
    for name in ID_COLUMNS:
        if name in names and name not in options.names:
            return name
    if "" in names:
        return ""
    raise fault(
        table.where, f"columns {', '.join(names)}", f"a column '{_POSITIONS}' or 'source_id'",
        "Give --id-column NAME, or --in-order if row i is example i.",
    )  # fmt: skip


def _columns(
    table: Table, id_column: str | None, options: Options
) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """Score columns, and a note on columns that are no scores."""
    rest = [name for name in table.columns if name != id_column]
    for name in options.names:
        if name not in rest:
            hint = did_you_mean(name, rest)
            raise fault(f"{table.where}, column '{name}'", f"only {', '.join(rest)}", "it", hint)
    index = "" if id_column != "" and len(rest) > 1 and _is_index(table) else None
    numbers = {name: table.numbers(name) for name in options.names or rest}
    picked = {}
    for name, values in numbers.items():
        if name in options.names and values is None:
            kind = str(table.columns[name].type)
            raise fault(f"{table.where}, column '{name}'", kind, "numbers")
        no_score = name == index or name in _NO_SCORES or name in ID_COLUMNS
        if values is not None and (name in options.names or not no_score):
            picked[name] = values
    if not picked:
        found = ", ".join(f"{name} ({table.kind(name)})" for name in table.columns)
        raise fault(table.where, f"columns {found}", f"numbers beside '{id_column}'")
    left = [name or "the column without a name" for name in rest]
    return picked, unknown_keys(Path(table.where.strip("'")).name, left, picked)


def _is_index(table: Table) -> bool:
    """True if a column without a name is the index that pandas writes: whole numbers, first."""
    if next(iter(table.columns)) != "":
        return False
    values = table.numbers("")
    return values is not None and bool((values % 1 == 0).all())


def _labels(table: Table, id_column: str | None) -> Labels | None:
    """Labels int64 [n] of the rows, where a column has them for all."""
    for name in LABEL_COLUMNS:
        if name not in table.columns or name == id_column:
            continue
        values = table.numbers(name)
        if values is not None and (values >= 0).all() and (values % 1 == 0).all():
            return values.astype(np.int64)
    return None


def _examples(rows: Rows | None, labels: Labels | None, table: Table, options: Options) -> Examples:
    """The examples that a new store would begin with.

    Positions reach as far as the largest; names are numbered as they come.
    """
    if rows is None:
        return Examples(n_train=None if options.has_store else options.n_train or table.n)
    examples = examples_of(rows, labels, options)
    if options.has_store or examples.n_train is not None or not isinstance(rows.ids, np.ndarray):
        return examples
    n = positional_count(options.labels)
    return replace(examples, n_train=n or int(rows.ids.max(initial=-1)) + 1)
