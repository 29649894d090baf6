"""A store with planted truth: no training, every probability known.

Each example has a known probability of being classified correctly by models trained with it and
without it, per objective and size. Models are then draws, written and built exactly like trained
ones. The truth goes into the store as ``truth.parquet``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis.building.build import build
from memanalysis.errors import SettingsError, did_you_mean
from memanalysis.proxies import PROXIES, orientation
from memanalysis.storage import atomic, provenance, subsets
from memanalysis.storage.model_files import ModelInfo, ModelRecord
from memanalysis.storage.parquet import parquet_options
from memanalysis.storage.schema import EXAMPLES, OBJECTIVES, TRUTH
from memanalysis.storage.store import Manifest, Store, write_model

Array = NDArray[np.float64]

WORLDS: Final = ("planted", "uniform", "no-change", "feldman-zhang")
SHAPES: Final = ("fixed", "increasing", "decreasing", "cap", "u")
# Shares of the planted shapes, in the order of SHAPES.
_SHARES: Final = (0.5, 0.15, 0.2, 0.1, 0.05)
# Memorisation of CIFAR-100 in 18 equal bins of [0, 1], read off the project page of Feldman and
# Zhang (2020); 50,000 examples.
CIFAR100_HISTOGRAM: Final = (
    24370, 3116, 2131, 1621, 1433, 1279, 1118, 1079, 974,
    924, 912, 933, 930, 961, 1013, 1198, 1470, 4538,
)  # fmt: skip
_N_CLASSES: Final = 10
_EPOCHS: Final = 20
# What a simulated model records if nobody says.
_RECORDED: Final = (
    "cumulative_accuracy",
    "cumulative_confidence",
    "confidence_variability",
    "forgetting_events",
    "first_learned",
    "aum",
    "el2n",
    "cumulative_loss",
)
# The same time in every simulation, so that equal seeds give equal files.
_FINISHED: Final = datetime(2020, 1, 1, tzinfo=UTC).isoformat()


@dataclass(frozen=True)
class Truth:
    """The planted probabilities of a correct answer.

    ``p_in``, ``p_out``: float64 [objectives, sizes, n_train], of models with and without the
    example in train. ``p_test``: float64 [objectives, sizes, n_test]. ``shape``: one of ``SHAPES``
    per training example, how its memorisation moves with size.
    """

    p_in: Array
    p_out: Array
    p_test: Array
    shape: NDArray[np.str_]


def simulate(
    path: str | Path,
    *,
    n_train: int = 1000,
    n_test: int = 200,
    sizes: Sequence[str] = ("s1", "s2", "s3", "s4", "s5"),
    groups: int = 6,
    ratio: float = 0.7,
    group_size: int | None = None,
    objectives: Sequence[str] = OBJECTIVES,
    seed: int = 0,
    world: str = "planted",
    effect: float = 0.3,
    shared: float = 0.1,
    proxies: Sequence[str] = _RECORDED,
    proxies_follow: bool = True,
    images: int = 0,
) -> Store:
    """Write and build a store at ``path`` whose every probability is known.

    Parameters
    ----------
    ratio, group_size
        Balanced subsets of the design for ``ratio``; with ``group_size``, independent draws.
    world
        ``planted``: examples of the shapes ``fixed``, ``increasing``, ``decreasing``, ``cap`` and
        ``u``. ``uniform``: p_in and p_out uniform on [.1, .9], independent at each size.
        ``no-change``: p_in on [.6, 1] and p_out on [.1, .9], the same at every size and objective.
        ``feldman-zhang``: p_in = 1, memorisation as in CIFAR-100, the same at every size.
    effect
        Share of memorisation that distillation takes away, three quarters of it by raising p_out;
        none in the world ``no-change``.
    shared
        Share of a model's draws that it has in common with the models of the same subset at other
        sizes and objectives, which is what makes paired differences more precise.
    proxies
        Names of proxies. Those of the training pass are observed inside the subset alone, those
        ending in ``_clean`` inside and outside.
    proxies_follow
        True: proxies follow each example's difficulty from size to size. False: the order of
        examples is the same at every size, whatever their memorisation does.
    images
        The first ``images`` examples get a PNG of 8 by 8 grey noise.

    Raises
    ------
    SettingsError
        If the world, an objective or the ratio is unknown.
    StoreError
        If ``path`` holds a store already.
    """
    _require_known("world", [world], WORLDS)
    _require_known("objective", objectives, OBJECTIVES)
    rng = np.random.default_rng([seed, 0x51])
    truth = _truth(world, (len(objectives), len(sizes), n_train, n_test), objectives, effect, rng)
    masks = _masks(n_train, groups, group_size, ratio, seed)
    manifest = Manifest(
        study="simulated",
        title=f"Simulated study, world '{world}'",
        settings={
            "objectives": list(objectives),
            "subsets": {
                "ratio": ratio,
                "groups": groups,
                "group_size": len(masks) // groups,
                "design": "balanced" if group_size is None else "independent",
            },
            "world": {"name": world, "effect": effect, "shared": shared},
        },
        seed=seed,
        ratio=ratio,
        group_size=len(masks) // groups,
        n_subsets=len(masks),
        sizes=list(sizes),
        families=dict.fromkeys(sizes, "simulated"),
        class_names=[f"class {c}" for c in range(_N_CLASSES)],
        dataset={"name": "simulated", "world": world},
        n_train=n_train,
        n_test=n_test,
        code=provenance.code(),
        packages=provenance.packages(),
        machine=provenance.machine(threads=1),
        created_at=_FINISHED,
    )
    store = Store.create(path, manifest)
    store.write_table("examples", _examples(n_train, n_test, images, rng))
    _write_truth(store, truth, objectives, sizes)
    store.write_manifest()
    models = _Models(store, truth, masks, tuple(objectives), shared, tuple(proxies), proxies_follow)
    models.write(seed)
    return build(path)


def read_truth(store: Store) -> pa.Table:
    """The planted truth: example_id, objective, size, size_rank, p_in, p_out, shape."""
    return pq.read_table(store.path / "truth.parquet")


def _require_known(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise SettingsError(
                f"There is no {what} '{name}'.{did_you_mean(name, known)} "
                f"Known: {', '.join(known)}."
            )


def _masks(
    n_train: int, groups: int, group_size: int | None, ratio: float, seed: int
) -> NDArray[np.bool_]:
    """in_train of all subsets: bool [subsets, n_train]."""
    if group_size is not None:
        drawn = [
            subsets.independent_group(n_train, g, group_size, ratio, seed) for g in range(groups)
        ]
        return np.concatenate(drawn)
    try:
        return np.concatenate(
            [subsets.balanced_group(n_train, g, ratio, seed) for g in range(groups)]
        )
    except ValueError as error:
        raise SettingsError(f"These subsets cannot be drawn: {error}.") from error


# Truth


def _truth(
    world: str,
    lengths: tuple[int, int, int, int],
    objectives: Sequence[str],
    effect: float,
    rng: np.random.Generator,
) -> Truth:
    n_objectives, n_sizes, n_train, n_test = lengths
    shape = np.full(n_train, "fixed", dtype="<U10")
    time = np.linspace(0.0, 1.0, n_sizes)[:, None]
    if world == "planted":
        shape = rng.choice(SHAPES, n_train, p=_SHARES)
        p_in = np.broadcast_to(0.97 + 0.03 * time, (n_sizes, n_train))
        p_out = p_in - _planted_memorization(shape, time, rng)
    elif world == "uniform":
        p_in, p_out = rng.uniform(0.1, 0.9, (2, n_sizes, n_train))
        shape[:] = "mixed"
    elif world == "no-change":
        p_in = np.broadcast_to(rng.uniform(0.6, 1.0, n_train), (n_sizes, n_train))
        p_out = np.broadcast_to(rng.uniform(0.1, 0.9, n_train), (n_sizes, n_train))
    else:
        p_in = np.ones((n_sizes, n_train))
        p_out = np.broadcast_to(1.0 - cifar100_scores(n_train, rng), (n_sizes, n_train))
    p_test = np.clip(rng.beta(2.0, 0.6, n_test) + 0.1 * (time - 1.0), 0.0, 1.0)
    taken = [0.0 if name == "one_hot" or world == "no-change" else effect for name in objectives]
    return Truth(
        p_in=np.stack([p_in - 0.25 * e * (p_in - p_out) for e in taken]),
        p_out=np.stack([p_out + 0.75 * e * (p_in - p_out) for e in taken]),
        p_test=np.stack([p_test] * n_objectives),
        shape=shape,
    )


def _planted_memorization(shape: NDArray[np.str_], time: Array, rng: np.random.Generator) -> Array:
    """Memorisation [sizes, n_train] along ``time`` [sizes, 1], which runs from 0 to 1."""
    n = len(shape)
    amplitude = rng.uniform(0.35, 0.7, n)
    low = rng.uniform(0.02, 0.2, n)
    level = np.where(rng.random(n) < 0.8, rng.beta(1.0, 12.0, n), rng.uniform(0.6, 0.95, n))
    bump = 1.0 - (2.0 * time - 1.0) ** 2
    curves = {
        "fixed": level + 0.0 * time,
        "increasing": low + amplitude * time,
        "decreasing": low + amplitude * (1.0 - time),
        "cap": low + amplitude * bump,
        "u": low + amplitude * (1.0 - bump),
    }
    return np.select([shape == name for name in curves], list(curves.values()))


def cifar100_scores(n: int, rng: np.random.Generator) -> Array:
    """True scores distributed like those of CIFAR-100 (CIFAR100_HISTOGRAM): float64 [n]."""
    counts = np.array(CIFAR100_HISTOGRAM, dtype=np.float64)
    bins = rng.choice(len(counts), n, p=counts / counts.sum())
    return np.asarray((bins + rng.random(n)) / len(counts))


def _write_truth(
    store: Store, truth: Truth, objectives: Sequence[str], sizes: Sequence[str]
) -> None:
    n_objectives, n_sizes, n = truth.p_in.shape
    repeated = n_sizes * n
    table = pa.table(
        {
            "objective": np.repeat(np.array(objectives), repeated),
            "size": np.tile(np.repeat(np.array(sizes), n), n_objectives),
            "size_rank": np.tile(np.repeat(np.arange(n_sizes), n), n_objectives),
            "example_id": np.tile(np.arange(n), n_objectives * n_sizes),
            "p_in": truth.p_in.ravel(),
            "p_out": truth.p_out.ravel(),
            "shape": np.tile(truth.shape, n_objectives * n_sizes),
        }
    ).cast(TRUTH)
    path = store.path / "truth.parquet"
    with atomic.replacing(path) as temporary:
        pq.write_table(table, temporary, **parquet_options(TRUTH))
    store.note_file("truth.parquet")


# Examples


def _examples(n_train: int, n_test: int, images: int, rng: np.random.Generator) -> pa.Table:
    n = n_train + n_test
    pictures: list[bytes | None] = [_noise_png(rng) for _ in range(min(images, n))]
    data = {
        "example_id": np.arange(n),
        "split": ["train"] * n_train + ["test"] * n_test,
        "label": rng.integers(0, _N_CLASSES, n).astype(np.int32),
        "image": pa.array(pictures + [None] * (n - len(pictures)), pa.binary()),
    }
    columns = [data[f.name] if f.name in data else pa.nulls(n, f.type) for f in EXAMPLES]
    return pa.table(columns, schema=EXAMPLES)


def _noise_png(rng: np.random.Generator, side: int = 8) -> bytes:
    """A grey PNG of noise; written by hand, since nothing else here needs an image library."""
    pixels = rng.integers(0, 256, (side, side), dtype=np.uint8)
    scanlines = np.concatenate([np.zeros((side, 1), np.uint8), pixels], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(scanlines)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
        for tag, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


# Models


@dataclass(frozen=True)
class _Models:
    """Draws one model after the other; ``masks`` bool [subsets, n_train]."""

    store: Store
    truth: Truth
    masks: NDArray[np.bool_]
    objectives: tuple[str, ...]
    shared: float
    proxies: tuple[str, ...]
    proxies_follow: bool

    def write(self, seed: int) -> None:
        for subset in range(len(self.masks)):
            n = self.masks.shape[1] + self.truth.p_test.shape[-1]
            common = np.random.default_rng([seed, 0x52, subset]).random(n)
            for o in range(len(self.objectives)):
                for s in range(len(self.store.manifest.sizes)):
                    rng = np.random.default_rng([seed, 0x53, subset, o, s])
                    write_model(self.store, self._record(subset, o, s, common, rng))

    def _record(
        self, subset: int, o: int, s: int, common: Array, rng: np.random.Generator
    ) -> ModelRecord:
        in_train = self.masks[subset]
        p_train = np.where(in_train, self.truth.p_in[o, s], self.truth.p_out[o, s])
        p = np.concatenate([p_train, self.truth.p_test[o, s]])
        draws = np.where(rng.random(len(p)) < self.shared, common, rng.random(len(p)))
        correct = draws < p
        return ModelRecord(
            info=self._info(subset, o, s, in_train, correct),
            in_train=in_train,
            correct=correct,
            signals=_signals(p, correct, rng),
            proxies={name: self._proxy(name, o, s, in_train, rng) for name in self.proxies},
        )

    def _info(
        self, subset: int, o: int, s: int, in_train: NDArray[np.bool_], correct: NDArray[np.bool_]
    ) -> ModelInfo:
        manifest = self.store.manifest
        distilled = self.objectives[o] == "distilled"
        n_train = len(in_train)
        return ModelInfo(
            subset_id=subset,
            group_id=subset // (manifest.group_size or 1),
            family="simulated",
            size=manifest.sizes[s],
            parameters=1000 * 4**s,
            objective=self.objectives[o],
            seed=subset,
            epochs=_EPOCHS,
            accuracy_in=_share(correct[:n_train][in_train]),
            accuracy_out=_share(correct[:n_train][~in_train]),
            accuracy_test=_share(correct[n_train:]),
            train_seconds=0.0,
            device="none",
            evaluation_mode="simulated",
            finished_at=_FINISHED,
            teacher_size=manifest.sizes[-1] if distilled else None,
            teacher_scope="same_subset" if distilled else None,
            temperature=3.0 if distilled else None,
            distillation_weight=1.0 if distilled else None,
        )

    def _proxy(
        self, name: str, o: int, s: int, in_train: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """A noisy monotone function of difficulty, float32 [n_train], NaN where not observed."""
        chance = 0.5 * (self.truth.p_in[o] + self.truth.p_out[o])
        difficulty = 1.0 - (chance[s] if self.proxies_follow else chance.mean(axis=0))
        noisy = difficulty - 0.1 * in_train + rng.normal(0.0, 0.1, len(difficulty))
        values = _scaled(name, np.clip(noisy, 0.0, 1.0))
        observed = in_train | name.endswith("_clean")
        return np.where(observed, values, np.nan).astype(np.float32)


def _scaled(name: str, difficulty: Array) -> Array:
    """Difficulty in [0, 1] as a value in the range and the direction of the proxy ``name``."""
    proxy = PROXIES.get(name.removesuffix("_clean"))
    if orientation(name) == 0:
        difficulty = 2.0 * difficulty * (1.0 - difficulty)  # high in the middle, as variability is
    signed = difficulty if orientation(name) >= 0 else 1.0 - difficulty
    if proxy is None:
        return signed
    if proxy.unit in ("events", "epoch, from 1"):
        return np.round(signed * 0.5 * _EPOCHS) + (proxy.low or 0)
    if name.startswith("cumulative_accuracy"):
        return np.round(signed * _EPOCHS) / _EPOCHS
    if proxy.low is None and proxy.high == 0:
        return signed - 1.0
    if proxy.high is None:
        return 3.0 * signed * (_EPOCHS if name.startswith("cumulative") else 1)
    return signed * proxy.high


def _signals(
    p: Array, correct: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, NDArray[np.float16]]:
    """Label probability, margin and loss of one model, as of two classes that matter.

    The margin is positive exactly where the answer is correct, and larger the surer it is.
    """
    sure = 1.0 + 6.0 * np.abs(p - 0.5)
    margin = np.where(correct, 1.0, -1.0) * (0.05 + rng.exponential(sure))
    signals = {
        "probability": 1.0 / (1.0 + np.exp(-margin)),
        "margin": margin,
        "loss": np.logaddexp(0.0, -margin),
    }
    return {name: values.astype(np.float16) for name, values in signals.items()}


def _share(correct: NDArray[np.bool_]) -> Any:
    return float(correct.mean()) if len(correct) else float("nan")
