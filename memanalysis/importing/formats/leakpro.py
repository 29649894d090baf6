"""An output folder of LeakPro (aidotse/LeakPro, commit c47752f).

``attack_cache/sm_<index>_<population>_logits.npy`` [examples, classes] of each shadow model, with
``…_indices.npy`` [examples], the example that each row belongs to. Memberships lie in pickles that
need leakpro to be read, so ``masks.npy`` bool [models, population], made there, is expected
instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import Held, as_bools, integers, open_npy
from memanalysis.importing.labels import Labels, given_labels, read_label_file
from memanalysis.importing.outcomes import of_outputs, require_classes
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import (
    MODEL_OPTIONS,
    UNKNOWN,
    Contents,
    Examples,
    Format,
    Models,
    Options,
    Output,
    chosen,
)

FORMAT: Final = Format(
    name="leakpro",
    module=__name__,
    reads="an output folder of LeakPro, masks.npy in it",
    options=(*MODEL_OPTIONS, "labels", "clean_labels", "keep_logits"),
    example="leakpro output --labels y.npy --size resnet18 --out mine",
    gives="scores, intervals and every signal",
)
_CACHE: Final = "attack_cache"
_MASKS: Final = "masks.npy"
_SHADOW: Final = re.compile(r"sm_(\d+)_(.+)_logits\.npy")
_HOW: Final = (
    "In leakpro's environment, read train_indices of each attack_objects/shadow_model/"
    "metadata_<index>.pkl, set those of a row of zeros to True, and numpy.save the rows in order "
    "of <index> as masks.npy in this folder."
)


@dataclass(frozen=True, eq=False)
class _Shadow:
    """A shadow model's logits and, by row, the examples that they are of."""

    logits: Held
    indices: NDArray[np.int64]


def read(source: Path, options: Options) -> Contents:
    """Describe the shadow models of an output folder.

    Examples are the rows of the population that the logits cover, the same for every model; where
    that is not the whole population, their numbers in it become source ids.

    Raises
    ------
    DataError
        If ``masks.npy``, labels or an index file is missing, models cover different examples, or
        shapes disagree.
    """
    shadows = _shadows(source)
    masks = _masks_file(source)
    examples = np.sort(shadows[0].indices)
    _require_fits(shadows, masks, examples)
    whole = len(examples) == masks.shape[1]
    labels = _labels(source, options, examples, masks.shape[1])
    for shadow in shadows:
        require_classes(labels, shadow.logits.shape[1], shadow.logits.where)
    models = Models(
        size=options.size or UNKNOWN,
        objective=options.objective or "one_hot",
        n_models=len(shadows),
        masks=lambda: (
            as_bools(row, masks.where, at)[examples] for at, row in enumerate(masks.rows())
        ),
        outputs=lambda: _outputs(shadows, labels, keep=options.keep_logits),
        where=f"'{source / _CACHE}'",
        **chosen(options),
    )
    return Contents(
        format="leakpro",
        source=source.name,
        examples=Examples(
            n_train=len(examples),
            labels=labels,
            labels_are_given=True,
            source_ids=None if whole else [str(index) for index in examples],
        ),
        models=(models,),
        notes=_notes(source, whole, masks.shape[1]),
    )


def _shadows(source: Path) -> list[_Shadow]:
    """The shadow models in order of their index."""
    folder = source / _CACHE
    matches = [m for path in folder.glob("*.npy") if (m := _SHADOW.fullmatch(path.name))]
    if not matches:
        raise fault(f"'{folder}'", "no sm_<index>_<population>_logits.npy", "logits of models")
    populations = sorted({match[2] for match in matches})
    if len(populations) > 1:
        raise fault(
            f"'{folder}'", f"logits of {len(populations)} populations: {', '.join(populations)}",
            "those of one", "Move the others away: their rows are other examples.",
        )  # fmt: skip
    faults = Faults(str(folder))
    found = []
    for match in sorted(matches, key=lambda m: int(m[1])):
        index_file = folder / match[0].replace("_logits.npy", "_indices.npy")
        if not index_file.is_file():
            faults.add(
                f"'{folder / match[0]}'", "no index file beside it", f"{index_file.name}",
                "Logits of an old cache: their rows cannot be told apart.",
            )  # fmt: skip
            continue
        logits = open_npy(folder / match[0])
        indices = integers(open_npy(index_file))
        if len(logits.shape) != 2:
            hint = "A single output was squeezed: its two classes cannot be restored."
            faults.add(logits.where, f"shape {logits.shape}", "[examples, classes]", hint)
        elif indices.shape != logits.shape[:1]:
            found_ = f"indices {indices.shape} for logits {logits.shape}"
            faults.add(f"'{index_file}'", found_, "one index for each row")
        elif len(np.unique(indices)) != len(indices):
            faults.add(f"'{index_file}'", "indices more than once", "each example once")
        found.append(_Shadow(logits, indices))
    faults.raise_any()
    return found


def _masks_file(source: Path) -> Held:
    for folder in (source, source / _CACHE):
        if (folder / _MASKS).is_file():
            return open_npy(folder / _MASKS)
    raise fault(
        f"'{source}'", f"no {_MASKS}", "bool [models, population]; memberships are in pickles, "
        "which are never read", _HOW,
    )  # fmt: skip


def _require_fits(shadows: list[_Shadow], masks: Held, examples: NDArray[np.int64]) -> None:
    faults = Faults(masks.where)
    if len(masks.shape) != 2 or masks.shape[0] != len(shadows):
        turned = len(masks.shape) == 2 and masks.shape[1] == len(shadows)
        faults.add(
            masks.where, f"shape {masks.shape}", f"({len(shadows)} models, population)",
            "It is transposed." if turned else "Rows are the shadow models in order of index.",
        )  # fmt: skip
    elif len(examples) and (examples[0] < 0 or examples[-1] >= masks.shape[1]):
        found = f"example {examples[-1]:,} in the indices"
        faults.add(masks.where, found, f"0 to {masks.shape[1] - 1:,}, the columns of the masks")
    for shadow in shadows[1:]:
        if not np.array_equal(np.sort(shadow.indices), examples):
            faults.add(
                shadow.logits.where, f"logits of {len(shadow.indices):,} examples",
                f"the same {len(examples):,} as {shadows[0].logits.where}",
                "Outcomes of every model on every example are needed.",
            )  # fmt: skip
    faults.raise_any()


def _labels(source: Path, options: Options, examples: NDArray[np.int64], population: int) -> Labels:
    """The label of each example with logits, from labels of these or of the whole population."""
    names = None if len(examples) == population else [str(index) for index in examples]
    file = None if options.labels is None else read_label_file(options.labels)
    if file is not None:
        labels = file.of(names) if names and file.names is not None else file.in_order()
        labels = labels[examples] if len(labels) == population else labels
    else:
        known = given_labels(options, names)
        if known is None:
            raise fault(
                f"'{source}'", "no labels", "the label of each example", "Give --labels FILE."
            )
        labels = known
    if len(labels) != len(examples):
        expected = (
            f"{len(examples):,}, one for each example with logits, by index, or {population:,}"
        )
        raise fault(f"'{options.labels or 'labels'}'", f"{len(labels):,} labels", expected)
    return labels


def _outputs(shadows: list[_Shadow], labels: Labels, *, keep: bool) -> Iterator[Output]:
    """Each model's outcomes in the order of the examples, whatever the order of its rows."""
    for shadow in shadows:
        logits = shadow.logits.whole()[np.argsort(shadow.indices)]
        yield Output(of_outputs(logits, labels, shadow.logits.where, keep=keep))


def _notes(source: Path, whole: bool, population: int) -> list[str]:
    notes = ["Rows were put in order by their index files."]
    if any((source / _CACHE).glob("target_*_logits.npy")):
        notes.append("The target model is not imported: its membership is in a pickle.")
    if not whole:
        notes.append(f"Not all {population:,} examples of the population have logits.")
    return notes
