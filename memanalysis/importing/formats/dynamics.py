"""Training dynamics and single scores of other tools, as proxies joined by id.

========================= ====================================================================
source                    what it is
========================= ====================================================================
``dynamics_epoch_*.jsonl`` cartography: logits of each epoch; a folder of them, or
                          ``training_dynamics/`` below it
``*.jsonl``               cartography: coordinates of the finished data map
``aum_values.csv``        AUM; or ``full_aum_records.csv``
``.npy``                  data_diet: one score file, or a folder with ``run_<r>/<kind>_scores/``
========================= ====================================================================

Each tool marks examples that were never learned in its own way: cartography by forgetfulness 1000,
data_diet by infinity, example_forgetting by the number of epochs. A store counts the epochs, as
Toneva et al. do; where ``--epochs`` is not given such examples have no value, and a note says so.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import refuse_pickle
from memanalysis.importing.example_names import Guids, Rows, examples_of, read_rows
from memanalysis.importing.labels import given_labels, positional_count
from memanalysis.importing.problems import fault
from memanalysis.importing.source import UNKNOWN, Contents, Format, Options, Scores, Use

_USES: Final = (
    Use(
        "AUM's CSV",
        "dynamics aum_values.csv --size resnet32 --out mine",
        "`aum`, joined by id",
    ),
    Use(
        "cartography's `dynamics_epoch_*.jsonl`",
        "dynamics roberta --size roberta --out mine",
        "seven proxies joined by guid",
    ),
    Use(
        "a data_diet experiment",
        "dynamics run --labels labels.npy --epochs 200 --out mine",
        "forgetting, EL2N, GraNd, averaged over trainings",
    ),
)
FORMAT: Final = Format(
    name="dynamics",
    module=__name__,
    reads="cartography's, AUM's or data_diet's: proxies",
    options=("labels", "clean_labels", "epochs", "n_train", "missing"),
    example=_USES[0].example,
    gives="proxies by epoch or by training, joined by guid",
    several=_USES,
)
_AUM: Final = {"sample_id", "aum"}
_RECORDS: Final = {"sample_id", "num_measurements", "target_logit", "margin", "aum"}
_FORMULA: Final = "mean over updates of z(y) - max other z, in the training pass"


def read(source: Path, options: Options) -> Contents:
    """Describe a file or folder of one of the layouts above.

    Raises
    ------
    DataError
        If it is none of them, holds pickles, has an id twice, or its examples cannot be known.
    """
    from memanalysis.importing.formats import (  # they build on this package's parts
        cartography,
        data_diet,
    )

    refuse_pickle(source)
    if source.is_dir():
        for folder in (source, source / "training_dynamics"):
            if epochs := sorted(folder.glob("dynamics_epoch_*.jsonl")):
                return cartography.of_epochs(source.name, epochs, options)
        if data_diet.is_experiment(source):
            return data_diet.read(source, options)
        raise fault(
            f"'{source}'", "none of the known files",
            "dynamics_epoch_<n>.jsonl, or run_<r>/forget_scores/ckpt_<step>.npy and its like",
        )  # fmt: skip
    if source.suffix == ".jsonl":
        return cartography.of_coordinates(source, options)
    if source.suffix == ".csv":
        return _aum(source, options)
    if source.suffix == ".npy":
        return data_diet.read(source, options)
    raise fault(f"'{source}'", f"a file called {source.name}", "JSONL, CSV or .npy")


def _aum(path: Path, options: Options) -> Contents:
    """AUM's CSV, in whatever order: ids count, positions do not."""
    guids = Guids(f"'{path}'")
    last: list[_Record] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            if not columns >= _AUM:
                expected = "columns sample_id and aum"
                raise fault(f"'{path}'", f"columns {', '.join(sorted(columns))}", expected)
            running = columns >= _RECORDS
            for line, row in enumerate(reader, 2):
                record = _record(path, row, running=running)
                at = guids.rank.get(record.guid) if running else None
                if at is None:
                    guids.add(record.guid, f"line {line}")
                    last.append(record)
                elif record.updates > last[at].updates:
                    last[at] = record
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise fault(f"'{path}'", str(error), "a CSV file") from error
    if not last:
        raise fault(f"'{path}'", "no rows", "one for each example")
    rows = read_rows(
        list(guids.rank), options, guids.where, n_train=positional_count(options.labels)
    )
    kept, notes = _without_thresholds(rows, last, options)
    notes += rows.notes
    if running:
        notes.insert(0, "Of each example the record with the most measurements is taken.")
    scores = Scores(
        "aum", np.array([record.aum for record in last])[kept], "low", rows.of(kept), "in",
        options.size or UNKNOWN, options.objective or "one_hot", "AUM (Pleiss et al. 2020)",
        _FORMULA, f"'{path}'",
    )  # fmt: skip
    examples = examples_of(rows, None, options)
    return Contents("dynamics", path.name, examples, (), (scores,), notes=notes)


class _Record(NamedTuple):
    guid: str
    aum: float
    updates: float
    target: float


def _record(path: Path, row: dict[str, str], *, running: bool) -> _Record:
    """One row; of a running mean also its number of measurements and the class trained on."""
    guid = row["sample_id"]

    def number(name: str) -> float:
        try:
            value = float(row[name] or "")
        except (ValueError, TypeError):
            value = math.nan
        if not math.isfinite(value):
            raise fault(f"'{path}'", f"{name} '{row[name]}' for example {guid}", "a finite number")
        return value

    if not running:
        return _Record(guid, number("aum"), math.nan, math.nan)
    return _Record(guid, number("aum"), number("num_measurements"), number("target_logit"))


def _without_thresholds(
    rows: Rows, last: list[_Record], options: Options
) -> tuple[NDArray[np.bool_], list[str]]:
    """Examples trained on their own class, as far as can be told; and a note.

    AUM relabels some examples to an extra class; their margins are of that class.
    """
    everything = np.ones(len(last), np.bool_)
    targets = np.array([record.target for record in last])
    labels = None if np.isnan(targets).all() else _labels_of(rows, options)
    if labels is None:
        note = "Examples that AUM relabelled to its extra class, if any, cannot be told apart."
        return everything, [note]
    known = labels >= 0
    everything[known] = targets[known] == labels[known]
    count = int(np.count_nonzero(~everything))
    _require_same_labels(rows, count, int(np.count_nonzero(known)))
    note = f"{count:,} examples were trained on another class than their label and are left out."
    return everything, [note] if count else []


def _labels_of(rows: Rows, options: Options) -> NDArray[np.int64] | None:
    """The label of each row int64 [n], -1 where there is none; None where nothing has labels."""
    ids = rows.ids
    if not isinstance(ids, np.ndarray):
        return given_labels(options, ids)
    labels = given_labels(options)
    if labels is None:
        return None
    inside = ids < len(labels)
    return np.where(inside, labels[np.where(inside, ids, 0)], -1)


def _require_same_labels(rows: Rows, differ: int, known: int) -> None:
    """AUM relabels a few examples to one extra class; most of them have the label they have."""
    if known and differ > known / 2:
        raise fault(
            rows.where, f"{differ:,} of {known:,} examples trained on another class than their "
            "label", "target_logit, the label of all but a few",
            "Labels and ids are of other examples, or in another order.",
        )  # fmt: skip
