"""Writers of other tools' artefacts, after those tools' own code, and a small world to write.

They know nothing of the readers that they test.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLASSES = 4


@dataclass(frozen=True)
class World:
    """Models first: masks bool [K, n], logits float32 [K, n, C] and [K, t, C], labels [n], [t]."""

    masks: NDArray[np.bool_]
    logits: NDArray[np.float32]
    test_logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """argmax equals label, [K, n]."""
        return self.logits.argmax(axis=-1) == self.labels

    @property
    def test_correct(self) -> NDArray[np.bool_]:
        """The same on test examples, [K, t]."""
        return self.test_logits.argmax(axis=-1) == self.test_labels

    @property
    def memorization(self) -> NDArray[np.float64]:
        """P[correct | in] - P[correct | out], float64 [n], from the definition."""
        return inside_less_outside(self.masks, self.correct)

    @property
    def influence(self) -> NDArray[np.float64]:
        """P[correct on test | train example in] - P[... | out], float64 [t, n]."""
        right = self.test_correct.T[:, :, None]
        return np.stack([inside_less_outside(self.masks, row) for row in right])


def inside_less_outside(masks, values) -> NDArray[np.float64]:
    """Mean of ``values`` [K, n] or [K, 1] over the models with an example, less the others'."""
    inside = masks.sum(0)
    outside = (~masks).sum(0)
    return (values * masks).sum(0) / inside - (values * ~masks).sum(0) / outside


def make_world(
    seed: int = 0, n_models: int = 12, n_train: int = 30, n_test: int = 8, masks=None, labels=None
) -> World:
    """Random models that do better on what they trained on; every example in and out of some."""
    rng = np.random.default_rng(seed)
    if masks is None:
        order = rng.random((n_models, n_train)).argsort(axis=0)
        masks = order < n_models * 2 // 3
    n_models, n_train = masks.shape
    labels = rng.integers(0, CLASSES, n_train) if labels is None else labels
    test_labels = rng.integers(0, CLASSES, n_test)
    logits = rng.normal(size=(n_models, n_train, CLASSES)).astype(np.float32)
    logits += 1.5 * masks[..., None] * np.eye(CLASSES, dtype=np.float32)[labels]
    test_logits = rng.normal(size=(n_models, n_test, CLASSES)).astype(np.float32)
    return World(masks, logits, test_logits, labels, test_labels)


def softmax(z) -> NDArray[np.float64]:
    """Softmax over the last axis."""
    weights = np.exp(z.astype(np.float64) - z.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


# Models with masks


def zenodo(world: World, **changes) -> dict[str, NDArray]:
    """Arrays by the key names of the CIFAR-10N release, from its description; None drops one."""
    released = {
        "total_runs": np.int64(len(world.masks)),
        "trainset_mask": world.masks,
        "trainset_correctness": world.correct,
        "trainset_predictions": world.logits.argmax(-1),
        "testset_correctness": world.test_correct,
        "testset_predictions": world.test_logits.argmax(-1),
        "memorization": world.memorization,
        "influence": world.influence,
    }
    return {key: value for key, value in (released | changes).items() if value is not None}


def write_lira(
    root: Path, worlds: Mapping[str, World], *, epoch=100, pkeep=2 / 3, longer_masks=0
) -> Path:
    """mi_lira_2021: an experiment a model of each architecture; two augmentations, one mirrored."""
    number = 0
    for arch, world in worlds.items():
        for keep, logits in zip(world.masks, world.logits, strict=True):
            folder = root / f"experiment-{number}_{len(world.masks)}"
            (folder / "logits").mkdir(parents=True)
            hparams = {"arch": arch, "lr": 0.1, "batch": 256, "seed": 7, "epochs": epoch,
                       "expid": number, "pkeep": pkeep, "save_steps": 20,
                       "only_subset": None}  # fmt: skip
            (folder / "hparams.json").write_text(json.dumps(hparams))
            np.save(folder / "keep.npy", np.append(keep, np.zeros(longer_masks, bool)))
            stacked = np.stack([logits, logits[:, ::-1]], axis=1)[:, None]
            np.save(folder / "logits" / f"{epoch:010d}.npy", stacked)
            np.save(folder / "logits" / f"{epoch - 20:010d}.npy", -stacked)
            number += 1
    np.save(root / "y_train.npy", next(iter(worlds.values())).labels)
    return root


def write_aux_arrays(folder: Path, world: World, rng: np.random.Generator) -> Path:
    """``<run>/aux_arrays.npz`` in evaluation order, which is another one for every run."""
    for run, (mask, right, test) in enumerate(
        zip(world.masks, world.correct, world.test_correct, strict=True)
    ):
        inside, outside = (rng.permutation(np.flatnonzero(m)) for m in (mask, ~mask))
        order = rng.permutation(len(test))
        (folder / str(run)).mkdir(parents=True)
        np.savez(
            folder / str(run) / "aux_arrays.npz",
            subsample_idx=rng.permutation(np.flatnonzero(mask)),
            correctness_train=right[inside].astype(np.float32), index_train=inside,
            correctness_removed=right[outside].astype(np.float32), index_removed=outside,
            correctness_test=test[order].astype(np.float32), index_test=order,
        )  # fmt: skip
    return folder


def write_datamodels_store(folder: Path, arrays: Mapping[str, NDArray], completed) -> Path:
    """As `initialize_store` and `log_data` leave it: zeros where a model was not completed."""
    folder.mkdir()
    names = {"bool": "bool_", "float16": "float16", "float32": "float32"}
    schema = {k: {"shape": list(v.shape[1:]), "dtype": names[v.dtype.name]}
              for k, v in arrays.items()}  # fmt: skip
    (folder / "spec.json").write_text(json.dumps({"num_models": len(completed), "schema": schema}))
    for key, values in arrays.items():
        zeros = np.zeros_like(values)
        zeros[completed] = values[completed]
        np.save(folder / f"{key}.npy", zeros)
    np.save(folder / "_completed.npy", completed)
    return folder


def write_released_datamodels(folder: Path, percent: int = 50, **arrays: NDArray) -> Path:
    """As the bucket holds it: <what>_<percent>pct.npy."""
    folder.mkdir(exist_ok=True)
    for name, values in arrays.items():
        np.save(folder / f"{name}_{percent}pct.npy", values)
    return folder


def write_privacy_meter(
    folder: Path, memberships, signals, *, name="rmia", models: Sequence[str]
) -> Path:
    """The files that `run_mia.py` leaves, pickled models included; ``models`` names each model's.

    memberships bool [models, examples], signals float [examples, models].
    """
    (folder / "models").mkdir(parents=True)
    (folder / "signals").mkdir()
    np.save(folder / "models" / "memberships.npy", memberships)
    np.save(folder / "signals" / f"{name}_signals.npy", signals)
    np.save(folder / "signals" / f"{name}_signals_pop.npy", np.zeros((3, len(memberships))))
    (folder / "models" / "model_0.pkl").write_bytes(b"never read")
    metadata = {
        str(i): {"num_train": len(signals) // 2, "epochs": 10, "model_name": models[i],
                 "dataset": "x"}
        for i in range(len(memberships))
    }  # fmt: skip
    (folder / "models" / "models_metadata.json").write_text(json.dumps(metadata))
    return folder


def write_leakpro(folder: Path, masks, logits, population: NDArray | None = None) -> Path:
    """`ModelOutputCache`: each model's own training examples, shuffled, then its test examples."""
    cache = folder / "attack_cache"
    cache.mkdir(parents=True)
    examples = np.arange(masks.shape[1]) if population is None else population
    for index, mask in enumerate(masks):
        inside = mask[examples]
        members = np.random.default_rng(index).permutation(examples[inside])
        order = np.concatenate([members, examples[~inside]])
        np.save(cache / f"sm_{index}_ab12_logits.npy", logits[index][order])
        np.save(cache / f"sm_{index}_ab12_indices.npy", order)
    np.save(cache / "target_ff_logits.npy", logits[0])
    shadow = folder / "attack_objects" / "shadow_model"
    shadow.mkdir(parents=True)
    (shadow / "metadata_0.pkl").write_bytes(b"never read")
    np.save(folder / "masks.npy", masks)
    return folder


# Scores and training dynamics


def write_jsonl(path: Path, records: Sequence[Mapping[str, object]]) -> Path:
    """One object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def write_cartography(folder: Path, logits, gold, *, first: int = 0, names=None) -> Path:
    """`log_training_dynamics`: a file an epoch, lines in the order of that epoch's batches.

    logits [epochs, examples, classes], gold [examples].
    """
    guids = list(range(len(gold))) if names is None else names
    for epoch, outputs in enumerate(logits, first):
        order = np.random.default_rng(epoch).permutation(len(gold))
        write_jsonl(
            folder / "training_dynamics" / f"dynamics_epoch_{epoch}.jsonl",
            [{"guid": guids[i], f"logits_epoch_{epoch}": outputs[i].tolist(), "gold": int(gold[i])}
             for i in order],
        )  # fmt: skip
    return folder


def write_aum(path: Path, aums: Mapping[object, float]) -> Path:
    """`AUMCalculator.finalize`: sorted descending by AUM, hence not in data order."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["sample_id", "aum"])
        writer.writeheader()
        for name in sorted(aums, key=aums.__getitem__, reverse=True):
            writer.writerow({"sample_id": name, "aum": aums[name]})
    return path


def write_data_diet(folder: Path, scores: Mapping[tuple[str, int], NDArray]) -> Path:
    """`exps/<EXP>`: score folders of each training and their mean, no ids.

    scores [trainings, examples] by kind and step.
    """
    for (kind, step), values in scores.items():
        for run, row in enumerate(values):
            place = folder / f"run_{run}" / kind
            place.mkdir(parents=True, exist_ok=True)
            np.save(place / f"ckpt_{step}.npy", row)
        (folder / kind).mkdir(exist_ok=True)
        np.save(folder / kind / f"ckpt_{step}.npy", values.mean(axis=0))
    (folder / "run_0" / "recorder.pkl").write_bytes(b"never read")
    return folder
