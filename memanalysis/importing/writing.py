"""``ma.store.write``: arrays from Python into a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memanalysis.building.build import Progress
from memanalysis.importing import bring
from memanalysis.importing.arrays import Held, integers
from memanalysis.importing.labels import Labels, checked
from memanalysis.importing.match_examples import store_labels
from memanalysis.importing.model_arrays import KINDS, Arrays, Split
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import UNKNOWN, Contents, Examples, Models, Options, chosen
from memanalysis.storage.store import Store

_SOURCE: Final = "ma.store.write"


def write(
    path: str | Path,
    *,
    masks: Any,
    correct: Any = None,
    logits: Any = None,
    probabilities: Any = None,
    labels: Any = None,
    test_correct: Any = None,
    test_logits: Any = None,
    test_probabilities: Any = None,
    test_labels: Any = None,
    sizes: str | Sequence[str] = UNKNOWN,
    objectives: str | Sequence[str] = "one_hot",
    class_names: Sequence[str] = (),
    family: str = UNKNOWN,
    parameters: int | Mapping[str, int] | None = None,
    epochs: int | None = None,
    evaluation_mode: str = UNKNOWN,
    teacher: str | None = None,
    group_ids: Any = None,
    keep_logits: bool = False,
    axes_known: bool = False,
    progress: Progress | None = None,
) -> Store:
    """Write arrays into the store at ``path``, making it if there is none, and build it.

    Two lines for one size, from any arrays that NumPy can read (NumPy, memory-mapped, torch, JAX,
    HDF5), which are read one model at a time::

        import memanalysis as ma
        ma.store.write("runs/mine", masks=masks, correct=correct, labels=labels, sizes="resnet18")

    Called again with another size or objective, it adds to the same store; equal masks are the
    same subsets, so that differences between sizes are paired. Several at once::

        ma.store.write("runs/mine", masks=masks, labels=labels, sizes=["small", "large"],
                       logits={"small": logits_small, "large": logits_large})

    Parameters
    ----------
    masks
        bool or 0/1 [models, examples], True where the example was in the model's training subset.
    correct, logits, probabilities
        One of them, over the training examples: correct bool or 0/1 [models, examples]; logits or
        softmax outputs [models, examples, classes], which also give probability, margin and loss.
    labels
        int [examples]; needed with logits and probabilities.
    test_correct, test_logits, test_probabilities, test_labels
        The same over test examples.
    sizes, objectives
        A name, or several, smallest first. With several, each array above is a list in that order
        or a mapping by name (objectives first, then sizes, where there are several of both); masks
        that serve all are given once.
    parameters
        Trainable parameters; by size where there are several.
    teacher
        Size of the teacher of distilled models, trained on the same subset.
    group_ids
        int [models], groups for resampling; else they are assigned (``importing.design``).
    keep_logits
        Keep logits as float16 in the model files, for exports of probabilities.
    axes_known
        Models do come first, although there are as many models as examples, or more.

    Returns
    -------
    Store
        The built store; ``ma.open(path)`` asks it.

    Raises
    ------
    DataError
        If arrays contradict each other or the store, which is then what it was.
    """
    given = {
        "masks": masks, "correct": correct, "logits": logits, "probabilities": probabilities,
        "test_correct": test_correct, "test_logits": test_logits,
        "test_probabilities": test_probabilities,
    }  # fmt: skip
    names = _names(sizes, "sizes")
    _names(objectives, "objectives")
    if test_labels is not None and all(given[f"test_{kind}"] is None for kind in KINDS):
        expected = "test_correct, test_logits or test_probabilities"
        raise fault(f"{_SOURCE}, test_labels", "labels alone", expected)
    known_train, known_test = _known_labels(Path(path))
    own = None if labels is None else checked(Held(labels, "labels"))
    own_test = None if test_labels is None else checked(Held(test_labels, "test_labels"))
    train = known_train if own is None else own
    test = known_test if own_test is None else own_test
    options = Options(
        family=family, epochs=epochs, evaluation_mode=evaluation_mode, teacher=teacher,
        axes_known=axes_known,
    )  # fmt: skip
    if isinstance(parameters, Mapping) and (strange := parameters.keys() - set(names)):
        raise fault(
            f"{_SOURCE}, parameters", f"size {min(map(str, strange))!r}", f"of {', '.join(names)}"
        )
    models, n = [], (0, 0)
    for objective, size, picked in _conditions(given, sizes, objectives):
        about = chosen(options) | {"parameters": _of(parameters, size)}
        if objective == "distilled" and teacher is not None:
            about["teacher_scope"] = "same_subset"
        elif objective != "distilled":
            about.pop("teacher_size", None)
        found, n = _models(
            picked, f"{objective}, {size}", (train, test), options, group_ids, keep_logits,
            (size, objective), about,
        )  # fmt: skip
        models.append(found)
    contents = Contents(
        format="arrays",
        source=_SOURCE,
        examples=Examples(n[0], n[1], own, own_test, class_names=class_names),
        models=models,
        notes=_notes(given),
        size_order=names if len(names) > 1 else (),
    )
    store = bring(contents, path, options, progress=progress).store
    assert store is not None  # only a dry run builds none
    return store


def _known_labels(path: Path) -> tuple[Labels | None, Labels | None]:
    return store_labels(Store.open(path)) if (path / "manifest.json").exists() else (None, None)


def _names(given: Any, what: str) -> list[str]:
    """A name or several, as a list of texts."""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Iterable) or not (names := list(names)):
        raise fault(f"{_SOURCE}, {what}", repr(given), "a name, or several in a list")
    strange = [name for name in names if not isinstance(name, str)]
    if strange:
        raise fault(f"{_SOURCE}, {what}", repr(strange[0]), "a name as text")
    return names


def _conditions(
    given: Mapping[str, Any], sizes: str | Sequence[str], objectives: str | Sequence[str]
) -> list[tuple[str, str, dict[str, Any]]]:
    """(objective, size, arrays) of each condition."""
    conditions = []
    for o, objective in enumerate([objectives] if isinstance(objectives, str) else objectives):
        for s, size in enumerate([sizes] if isinstance(sizes, str) else sizes):
            levels: list[tuple[int, str, Sequence[str], str]] = []
            if not isinstance(objectives, str):
                levels.append((o, objective, objectives, "objectives"))
            if not isinstance(sizes, str):
                levels.append((s, size, sizes, "sizes"))
            picked = {name: _pick(value, levels, name) for name, value in given.items()}
            conditions.append((objective, size, picked))
    return conditions


def _pick(value: Any, levels: list[tuple[int, str, Sequence[str], str]], name: str) -> Any:
    for at, key, keys, what in levels:
        if value is None:
            return None
        where, length = f"{_SOURCE}, {name}", len(keys)
        if isinstance(value, Mapping):
            if strange := [other for other in value if other not in keys]:
                raise fault(where, f"{what} {strange[0]!r}", f"of {', '.join(keys)}")
            if key not in value:
                given = ", ".join(map(str, value))
                raise fault(where, f"{what} {given}", f"'{key}' among them")
            value = value[key]
        elif name == "masks" and len(getattr(value, "shape", ())) == 2:
            return value  # the same subsets everywhere
        elif not hasattr(value, "__len__") or len(value) != length:
            found = f"{len(value)} entries" if hasattr(value, "__len__") else repr(value)
            raise fault(where, found, f"{length}, one for each of the {what}")
        else:
            value = value[at]
    return value


def _models(
    picked: Mapping[str, Any],
    what: str,
    labels: tuple[Labels | None, Labels | None],
    options: Options,
    group_ids: Any,
    keep_logits: bool,
    condition: tuple[str, str],
    about: Mapping[str, Any],
) -> tuple[Models, tuple[int, int]]:
    """The models of one condition, and how many training and test examples they speak of."""
    faults = Faults(_SOURCE)
    train = _split(picked, "", labels[0], what)
    if train is None:
        raise fault(f"{_SOURCE} ({what})", "masks alone", "correct, logits or probabilities")
    arrays = Arrays(
        Held(picked["masks"], f"masks ({what})"), train, _split(picked, "test_", labels[1], what)
    )
    n_models, n_train, n_test = arrays.check(
        faults,
        None,
        None if labels[0] is None else len(labels[0]),
        None if labels[1] is None or arrays.test is None else len(labels[1]),
        axes_known=options.axes_known,
    )
    groups = None if group_ids is None else integers(Held(group_ids, f"{_SOURCE}, group_ids"))
    if groups is not None and groups.shape != (n_models,):
        faults.add(f"{_SOURCE}, group_ids", f"shape {groups.shape}", f"({n_models},)")
    faults.raise_any()
    models = arrays.models(
        *condition, n_models, keep_logits=keep_logits, group_ids=groups, about=about
    )
    return models, (n_train, n_test)


def _split(
    picked: Mapping[str, Any], prefix: str, labels: Labels | None, what: str
) -> Split | None:
    kinds = [kind for kind in KINDS if picked[prefix + kind] is not None]
    if len(kinds) > 1:
        found = " and ".join(prefix + kind for kind in kinds)
        raise fault(f"{_SOURCE} ({what})", found, "one of them; the others follow from logits")
    if not kinds:
        return None
    name = prefix + kinds[0]
    return Split(kinds[0], Held(picked[name], f"{name} ({what})"), labels)


def _of(parameters: int | Mapping[str, int] | None, size: str) -> int | None:
    return parameters.get(size) if isinstance(parameters, Mapping) else parameters


def _notes(given: Mapping[str, Any]) -> list[str]:
    if given["correct"] is None:
        return []
    return ["Correctness alone: probability, margin and loss cannot be computed (NULL)."]
