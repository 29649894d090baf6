"""Published C-scores (Jiang et al. 2021, arXiv 2002.03206), of pluskid/structural-regularity.

``cifar10-cscores-orig-order.npz``, ``cifar100-…``: ``labels`` int64 [n], ``scores`` float64 [n];
``imagenet-cscores-with-filename.npz``: ``filenames`` besides; ``mnist-cscores.npy``: float64 [n].
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from memanalysis.errors import DataError
from memanalysis.importing.arrays import Archive, Array, floats, open_npy, require_line
from memanalysis.importing.example_names import examples_of, read_rows
from memanalysis.importing.labels import checked
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.ranges import require_range
from memanalysis.importing.source import (
    UNKNOWN,
    Contents,
    Examples,
    Format,
    Options,
    Scores,
)
from memanalysis.importing.source import unknown_keys as rest

FORMAT: Final = Format(
    name="cscore",
    module=__name__,
    reads="published C-scores, .npz or .npy",
    options=("labels", "clean_labels"),
    example="cscore cscores.npz --out mine",
    gives="a proxy, correlated with your scores at every size",
)
_NAME: Final = "cscore"
_FORMULA: Final = "mean held-out accuracy over subsets of 10 to 90 % of the data"
_SOURCE: Final = "Jiang et al. 2021 (arXiv 2002.03206), published scores"
_NOTES: Final = (
    "Scores without masks: memorization, its counts and errors cannot be computed from them.",
    "The score averages held-out accuracy over ratios .1 to .9: it is not accuracy_out at any one "
    "ratio.",
)


def read(source: Path, options: Options) -> Contents:
    """The scores as the proxy ``cscore``: low is hard, in ``value_out``."""
    notes = list(_NOTES)
    labels, names, rows = None, None, None
    if source.suffix == ".npy":
        scores: Array = open_npy(source)
        notes.append(
            "A file without labels or ids: its order cannot be checked. The published MNIST file "
            "is in TFDS order, which is not the original one."
        )
    else:
        archive = Archive(source)
        faults = Faults(str(source))
        for key in {"scores", "labels"} - set(archive.keys):
            faults.add(f"'{source}'", f"keys {', '.join(archive.keys)}", f"'{key}' among them")
        faults.raise_any()
        scores, labels = archive["scores"], checked(archive["labels"])
        if "filenames" in archive:
            require_line(archive["filenames"], "names")
            names = [_text(name) for name in archive["filenames"].whole()]
            rows = read_rows(names, options, f"'{source}', key 'filenames'")
            notes += rows.notes
        notes += rest(source.name, archive.keys, ("scores", "labels", "filenames"))
    if len(scores.shape) != 1:
        raise fault(scores.where, f"shape {scores.shape}", "one score for each example")
    n = scores.shape[0]
    for found, what in ((labels, "labels"), (names, "filenames")):
        if found is not None and len(found) != n:
            raise fault(scores.where, f"{n:,} scores", f"{len(found):,}, as there are {what}")
    values = floats(scores)
    try:
        require_range(_NAME, values, scores.where, (0.0, 1.0))
    except DataError as error:  # scores that others made in this layout may have another scale
        notes.append(f"WARNING: {error}")
    examples = Examples(n_train=n, labels=labels)
    if rows is not None:
        examples = examples_of(rows, labels, options)
    return Contents(
        format="cscore",
        source=source.name,
        examples=examples,
        scores=(
            Scores(
                name=_NAME,
                values=values,
                hard_is="low",
                ids=None if rows is None else rows.ids,
                side="out",
                size=options.size or UNKNOWN,
                objective=options.objective or "one_hot",
                source=_SOURCE,
                formula=_FORMULA,
                where=scores.where,
            ),
        ),
        notes=notes,
    )


def _text(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
