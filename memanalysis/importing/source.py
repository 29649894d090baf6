"""A source, as its format module describes it: the meeting point of all importers.

A format module has one function, ``read(source, options) -> Contents``. It looks at names, headers
and small arrays alone; outcomes come later, model by model, from the iterators of ``Models``. What
it cannot read is a DataError from ``faults``; what it leaves out, or cannot compute, is a note.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import Array
from memanalysis.importing.outcomes import Outcome
from memanalysis.proxies import HardIs

UNKNOWN: Final = "unknown"
Side = Literal["in", "out"]
Rows = Literal["train", "test"]


# Fields of ``Options`` that concern every source, and those that concern sources of models.
COMMON_OPTIONS: Final = ("size", "objective", "size_order", "class_names", "order")
MODEL_OPTIONS: Final = (
    "teacher", "teacher_scope", "temperature", "family", "parameters", "epochs", "evaluation_mode",
    "ratio",
)  # fmt: skip


class Use(NamedTuple):
    """One kind of source: what it is, the command as in ``Format.example``, what a store has."""

    have: str
    example: str
    gives: str


@dataclass(frozen=True)
class Format:
    """Declaration of a format module, its ``FORMAT``; its docstring says keys and shapes.

    Attributes
    ----------
    name
        On the command line.
    module
        ``__name__`` of the module, which has ``read(source, options) -> Contents``.
    reads
        What a source is, in a few words.
    options
        Fields of ``Options`` that it heeds beside ``COMMON_OPTIONS``.
    example
        An example of its use, as it follows ``memanalysis import``.
    gives
        What a store has of it.
    keyed
        Whether a source may be FILE:KEY.
    several
        Its uses one by one, where it reads sources of several kinds.
    """

    name: str
    module: str
    reads: str
    options: tuple[str, ...]
    example: str
    gives: str = ""
    keyed: bool = False
    several: tuple[Use, ...] = ()

    @property
    def uses(self) -> tuple[Use, ...]:
        """Uses of the format, one by one."""
        return self.several or (Use(self.reads, self.example, self.gives),)

    @property
    def read(self) -> Callable[[Path, Options], Contents]:
        """The module's function ``read(source, options)``."""
        reader: Callable[[Path, Options], Contents] = importlib.import_module(self.module).read
        return reader


@dataclass(frozen=True, eq=False)
class Options:
    """The user's options for a source; a format reads those that concern it.

    Attributes
    ----------
    size, objective
        Of everything in the source, where the source itself does not say; None leaves it to the
        format, at last ``unknown`` and ``one_hot``.
    labels, clean_labels
        A file with the labels of the training examples, or with those before any noise, in their
        order or by name (``labels.read_label_file``).
    names, hard_is
        Which score columns, and which end of them is hard.
    axes_known
        Models really come first, although the arrays are square or have more models than examples.
    models
        Read only the first so many models.
    missing
        Scores that are NaN or infinite become NULL; otherwise they are faults.
    side
        Whether scores are of models that trained on the example (``in``) or held it out (``out``).
    size_order
        Names of sizes, smallest first, where they come from several imports.
    in_order
        Row i of a table without ids is example i.
    name, replace
        Of an annotation or attribution, and whether it may take the place of one of that name.
    row_names
        The store's name of a number, which stands for ``{}`` in it.
    rows, test_ids
        Which examples the rows of a matrix of influence are, where its shape does not say; a file
        of the ``example_id`` of each test example in it.
    label_column
        Labels of the rows, which must be those of the store.
    has_store, store_names
        Whether there is a store already, and the ``source_id`` of its training examples, None for
        those that have none; empty where no example has one.
    store_labels, store_test_labels
        Labels that the store has already, for sources that bring none; None where any is NULL.
    """

    size: str | None = None
    objective: str | None = None
    labels: Path | None = None
    clean_labels: Path | None = None
    family: str | None = None
    parameters: int | None = None
    epochs: int | None = None
    evaluation_mode: str | None = None
    teacher: str | None = None
    order: str | None = None
    class_names: tuple[str, ...] = ()
    ratio: float | None = None
    hard_is: HardIs | None = None
    names: tuple[str, ...] = ()
    id_column: str | None = None
    n_train: int | None = None
    n_test: int | None = None
    models: int | None = None
    axes_known: bool = False
    keep_logits: bool = False
    augmentation: str | None = None
    temperature: float | None = None
    missing: bool = False
    in_order: bool = False
    side: Side = "in"
    size_order: tuple[str, ...] = ()
    teacher_scope: str | None = None
    name: str | None = None
    row_names: str | None = None
    label_column: str | None = None
    rows: Rows | None = None
    test_ids: Path | None = None
    replace: bool = False
    has_store: bool = False
    store_names: Sequence[str | None] = ()
    store_labels: NDArray[np.int64] | None = None
    store_test_labels: NDArray[np.int64] | None = None

    @property
    def all_named(self) -> bool:
        """True if every training example of the store has a name."""
        return bool(self.store_names) and None not in self.store_names


@dataclass(frozen=True, eq=False)
class Examples:
    """The examples that a source speaks of; None where it does not say.

    ``labels`` int64 [n_train], ``test_labels`` int64 [n_test], ``clean_labels`` int64 [n_train];
    ``source_ids``: the source's own names of the training examples, in the order of its rows, where
    they are no positions. ``labels_are_given``: labels are those of --labels, joined already.
    """

    n_train: int | None = None
    n_test: int = 0
    labels: NDArray[np.int64] | None = None
    test_labels: NDArray[np.int64] | None = None
    clean_labels: NDArray[np.int64] | None = None
    source_ids: Sequence[str] | None = None
    class_names: Sequence[str] = ()
    labels_are_given: bool = False


@dataclass(frozen=True)
class Output:
    """Outputs of one model: ``train`` over all training examples, in or out of its subset.

    ``proxies``: float32 [n_train] by name, NaN where the model did not observe the example.
    """

    train: Outcome
    test: Outcome | None = None
    proxies: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class Models:
    """All models of one size and objective, in the source's order.

    Attributes
    ----------
    masks
        Yields ``in_train`` bool [n_train] of each model; may be called several times.
    outputs
        Yields the Output of each model in the same order; called once, and never in a dry run.
    ratio
        Share of the examples in a subset, as the source declares it.
    group_ids
        Group of each model, where the source has groups; else they are assigned, see ``design``.
    per_model
        For single models by position: fields of ``store.ModelInfo`` that differ, such as ``seed``.
    """

    size: str
    objective: str
    n_models: int
    masks: Callable[[], Iterator[NDArray[np.bool_]]]
    outputs: Callable[[], Iterator[Output]]
    family: str = UNKNOWN
    parameters: int | None = None
    epochs: int | None = None
    evaluation_mode: str = UNKNOWN
    teacher_size: str | None = None
    teacher_scope: str | None = None
    temperature: float | None = None
    distillation_weight: float | None = None
    ratio: float | None = None
    group_ids: Sequence[int] | None = None
    per_model: Sequence[Mapping[str, Any]] = ()
    where: str = ""


@dataclass(frozen=True)
class Scores:
    """One number per example from elsewhere: it becomes a proxy without counts.

    ``values`` float [m], NaN where there is none. ``ids``: positions int64 [m] among the training
    examples, or names (str) that the store keeps as ``source_id``; None for all examples in order.
    ``side``: ``out`` for scores of held-out examples, else ``in``. ``source`` says in a few words
    where it comes from, for the report.
    """

    name: str
    values: NDArray[np.float64]
    hard_is: HardIs
    ids: NDArray[np.int64] | Sequence[str] | None = None
    side: Side = "in"
    size: str = UNKNOWN
    objective: str = "one_hot"
    source: str = ""
    formula: str = ""
    where: str = ""


@dataclass(frozen=True)
class Pairs:
    """Influence of training on test examples: int64 [m], int64 [m] from 0, float64 [m]."""

    train_ids: NDArray[np.int64]
    test_ids: NDArray[np.int64]
    influence: NDArray[np.float64]
    size: str = UNKNOWN
    objective: str = "one_hot"
    where: str = ""


@dataclass(frozen=True, eq=False)
class Annotation:
    """One value per example that somebody gives, text or number.

    ``texts`` [m], None where there is none; ``numbers`` float64 [m] where all are numbers, NaN
    where there is none. ``ids``: positions int64 [m] among the training examples or names; None
    for all examples in order. ``labels`` float64 [m], NaN where unknown: what the rows' source
    says of their class, to be compared with the store's.
    """

    name: str
    texts: Sequence[str | None]
    numbers: NDArray[np.float64] | None
    ids: NDArray[np.int64] | Sequence[str] | None = None
    labels: NDArray[np.float64] | None = None
    column: str = ""
    where: str = ""


@dataclass(frozen=True, eq=False)
class Attribution:
    """One number for each pair of a test and a training example, by a tool of data attribution.

    ``matrix``: [test, train] or [train, test], as ``rows`` says or, where it is None, its shape.
    ``test_ids`` int64 [test]: ``example_id`` of its test examples; None for all of the store.
    """

    name: str
    matrix: Array
    rows: Rows | None = None
    test_ids: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Contents:
    """Everything that one source has to give: annotations or attributions alone, or the rest.

    ``notes``: hazards, what was left out, what cannot be computed and why; shown by a dry run,
    kept in the manifest and printed in the report. ``provenance``: JSON values for the manifest.
    """

    format: str
    source: str
    examples: Examples
    models: Sequence[Models] = ()
    scores: Sequence[Scores] = ()
    pairs: Sequence[Pairs] = ()
    annotations: Sequence[Annotation] = ()
    attributions: Sequence[Attribution] = ()
    notes: Sequence[str] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    size_order: Sequence[str] = ()


def chosen(options: Options) -> dict[str, Any]:
    """Fields of ``Models`` that the options decide for every format."""
    found = {
        "family": options.family,
        "parameters": options.parameters,
        "epochs": options.epochs,
        "evaluation_mode": options.evaluation_mode,
        "teacher_size": options.teacher,
        "teacher_scope": options.teacher_scope,
        "temperature": options.temperature,
    }
    return {name: value for name, value in found.items() if value is not None}


def unknown_keys(where: str, found: Iterable[str], known: Iterable[str]) -> list[str]:
    """A note on what a file holds besides, or nothing."""
    rest = sorted(set(found) - set(known))
    return [f"{where}: not imported: {', '.join(rest)}."] if rest else []
