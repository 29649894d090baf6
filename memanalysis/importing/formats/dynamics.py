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

from memanalysis.importing.example_names import Guids, examples_of
from memanalysis.importing.labels import read_labels
from memanalysis.importing.problems import fault
from memanalysis.importing.source import UNKNOWN, Contents, Options, Scores

_PICKLES: Final = (".pkl", ".pickle", ".pt", ".pth")
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

    if source.suffix in _PICKLES:
        raise fault(
            f"'{source}'", "a pickle, which is never read", "JSONL, CSV or .npy",
            "In the environment that made it, write example_id and score as CSV, joined by the "
            "file's own ids (example_forgetting sorts them by count), and import that as `scores`.",
        )  # fmt: skip
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
    kept, notes = _without_thresholds(guids, last, options)
    if running:
        notes.insert(0, "Of each example the record with the most measurements is taken.")
    scores = Scores(
        "aum", np.array([record.aum for record in last])[kept], "low", guids.ids_of(kept), "in",
        options.size or UNKNOWN, options.objective or "one_hot", "AUM (Pleiss et al. 2020)",
        _FORMULA, f"'{path}'",
    )  # fmt: skip
    examples = examples_of(guids, None, options)
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
    guids: Guids, last: list[_Record], options: Options
) -> tuple[NDArray[np.bool_], list[str]]:
    """Which examples were trained on their own class, as far as it can be told; and a note.

    AUM relabels some examples to an extra class; their margins are of that class.
    """
    labels = read_labels(options.labels) if options.labels else options.store_labels
    ids = guids.ids()
    everything = np.ones(len(last), np.bool_)
    targets = np.array([record.target for record in last])
    if labels is None or not isinstance(ids, np.ndarray) or np.isnan(targets).all():
        note = "Examples that AUM relabelled to its extra class, if any, cannot be told apart."
        return everything, [note]
    known = ids < len(labels)
    everything[known] = targets[known] == labels[ids[known]]
    count = int(np.count_nonzero(~everything))
    note = f"{count:,} examples were trained on another class than their label and are left out."
    return everything, [note] if count else []
