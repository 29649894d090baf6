"""Every row of "you have, you run, you get" for imports, on made data of that exact layout."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import readme_parts
from artefacts import (
    World,
    inside_less_outside,
    make_world,
    softmax,
    write_aum,
    write_aux_arrays,
    write_cartography,
    write_data_diet,
    write_leakpro,
    write_lira,
    write_privacy_meter,
    write_released_datamodels,
    zenodo,
)
from numpy.typing import NDArray

import memanalysis as ma
from memanalysis.checking import check
from memanalysis.cli import import_

SECTION = "Bring your own artefacts"
ROWS = readme_parts.rows(SECTION, "you have")
ARRAYS = 'ma.store.write("mine", masks=masks, correct=correct, labels=labels, sizes="resnet18")'


@dataclass(frozen=True)
class Case:
    """Parsed command of a row, and the fixtures it needs."""

    format: str
    source: Path
    out: Path
    size: str | None
    labels: Path | None
    epochs: int | None
    shell: Callable[..., str]
    own: Path

    def scores(self, size: str | None = None, signal: str | None = None) -> NDArray[np.float64]:
        """Memorisation of the training examples of the store in order, at the said size."""
        relation = f"memorization_by(signal := '{signal}')" if signal else "memorization"
        query = f"from {relation} where size = '{size or self.size}' and split = 'train'"
        return ma.open(self.out).sql(f"{query} order by example_id")["memorization"].to_numpy()

    def proxies(self, key: str = "example_id") -> dict[tuple[str, object], float]:
        """Values by proxy and example, all of the said size."""
        query = f"select proxy, {key}, coalesce(value_in, value_out), size from proxies"
        rows = ma.open(self.out).sql(f"{query} join examples using (example_id)").rows()
        assert {size for *_, size in rows} == {self.size or "unknown"}
        return {(proxy, name): value for proxy, name, value, _ in rows}


MADE: dict[tuple[str, str], Callable[[Case], AbstractContextManager[None]]] = {}


def row(have: str, get: str) -> Callable[[Callable[[Case], Iterator[None]]], None]:
    """Register what writes a row's source and, when the command has run, asserts its promise."""

    def register(function: Callable[[Case], Iterator[None]]) -> None:
        MADE[have, get] = contextmanager(function)

    return register


def case_of(command: str, shell: Callable[..., str], own: Path) -> Case:
    """The case of a row's command."""
    name, *arguments = readme_parts.words(command)
    assert name == "import"
    said = import_.command.make_context("import", arguments).params
    return Case(
        said["format_"], said["source"], said["out"], said["size"], said["labels"],
        said["epochs"], shell, own,
    )  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.sub("memanalysis import ", "", row[1]))
def test_you_have_you_run_you_get(row, shell, own) -> None:
    """The command gives what the third column says, a store without faults, and a report."""
    promise = MADE.get((row.have, row.get))
    assert promise is not None, f"no made data for this row: {row}"
    case = case_of(row.command, shell, own)
    with promise(case):
        assert shell(f"{row.command} --dry-run").startswith(f"{case.format}: ")
        shell(row.command)
        assert check(case.out) == []
    # As data a report has all sections of the page and no pictures, which take longest.
    name = "report.html" if "report" in row.get else "report.json"
    shell(f"memanalysis report {case.out} --out {name}")
    assert Path(name).stat().st_size > 20_000


def test_no_row_has_left() -> None:
    """Data are made for rows of the page alone."""
    assert MADE.keys() == {(row.have, row.get) for row in ROWS}


# What is made, and what must come of it


def signals(world: World) -> dict[str, np.ndarray]:
    """Probability of the label, margin of logits and loss, each [models, examples]."""
    label = np.eye(world.logits.shape[-1], dtype=bool)[world.labels]
    p = softmax(world.logits)[:, label]
    others = np.where(label, -np.inf, world.logits).max(-1)
    return {"probability": p, "margin": world.logits[:, label] - others, "loss": -np.log(p)}


def assert_all_signals(case: Case, size: str | None, world: World) -> None:
    """Hits exactly, and each signal to the precision of float16; a low loss is a good fit."""
    assert case.scores(size).tolist() == world.memorization.tolist()
    for signal, values in signals(world).items():
        expected = inside_less_outside(world.masks, -values if signal == "loss" else values)
        np.testing.assert_allclose(case.scores(size, signal), expected, atol=5e-3)


@row("masks and correctness, by CIFAR-10N's key names", "scores, intervals, report")
def npz(case):
    """Scores equal the definition on the arrays; each lies inside its interval."""
    world = make_world()
    np.savez(case.source, **zenodo(world))
    np.save(case.labels, world.labels)
    yield
    assert case.scores().tolist() == world.memorization.tolist()
    bounds = ma.open(case.out).sql("from memorization where split = 'train'")
    assert (bounds["ci_low"] < bounds["memorization"]).all()
    assert (bounds["memorization"] < bounds["ci_high"]).all()


@row("a table of one row for each model and example", "scores and intervals")
def long_table(case):
    """Scores equal the definition on the arrays that the rows are of."""
    world = make_world()
    model, example = (at.ravel() for at in np.indices(world.masks.shape))
    columns = {
        "model": model,
        "example": example,
        "in_train": world.masks.ravel().astype(int),
        "correct": world.correct.ravel().astype(int),
    }
    pl.DataFrame(columns).write_csv(case.source)
    np.save(case.labels, world.labels)
    yield
    assert case.scores().tolist() == world.memorization.tolist()


@row("a log folder of LiRA, TensorFlow's or PyTorch's", "each architecture is a size; all signals")
def lira(case):
    """Two architectures' signals equal NumPy's on the logits."""
    narrow = make_world()
    worlds = {
        "wrn28-1": narrow,
        "wrn28-2": make_world(seed=1, masks=narrow.masks, labels=narrow.labels),
    }
    write_lira(case.source, worlds)
    yield
    assert ma.open(case.out).manifest.sizes == list(worlds)
    for size, world in worlds.items():
        assert_all_signals(case, size, world)


@row("Feldman and Zhang's `aux_arrays.npz`", "scores, influence")
def aux_arrays(case):
    """Scores as defined, whatever each run's order; the one pair that was planted stands out."""
    world = make_world(n_models=60)
    # Test example 2 is right when, and only when, training example 3 was there.
    right = np.where(world.masks[:, 3], 9, -9)
    world.test_logits[np.arange(60), 2, world.test_labels[2]] = right
    write_aux_arrays(case.source, world, np.random.default_rng(1))
    yield
    assert case.scores().tolist() == world.memorization.tolist()
    assert world.influence[2, 3] == 1
    pairs = ma.open(case.out).sql(
        "select test_id, influence, n_in from influence where train_id = 3"
    )
    assert (30 + 2, 1.0, 40) in pairs.rows()


@row("their published pairs", "influence; the proxy `memorization_published`")
def pairs(case):
    """Indices of training and test examples as published; one score for each example."""
    np.savez(case.source, tr_idx=[4, 9, 4], tt_idx=[2, 0, 0], infl=[0.4, 0.2, 0.3],
             mem=[0.5, 0.9, 0.5])  # fmt: skip
    yield
    found = ma.open(case.out).sql("select train_id, test_id, influence from influence")
    assert sorted(found.rows()) == [(4, 10, 0.3), (4, 12, 0.4), (9, 10, 0.2)]
    published = {("memorization_published", 4): 0.5, ("memorization_published", 9): 0.9}
    assert case.proxies() == pytest.approx(published)


@row(
    "a store or a folder of released masks and margins",
    "memorisation by margin; from test margins alone, influence",
)
def datamodels(case):
    """Means of the margins by loops of NumPy; an influence of 1 by construction."""
    world = make_world()
    margins = signals(world)["margin"].astype(np.float16)
    write_released_datamodels(case.source, train_masks=world.masks, train_margins=margins)
    yield
    expected = inside_less_outside(world.masks, margins.astype(np.float64))
    np.testing.assert_allclose(case.scores(signal="margin"), expected, atol=1e-4)
    assert case.scores().tolist() == world.memorization.tolist()
    # A test example that is right when, and only when, training example 3 was there.
    alone = np.where(world.masks[:, 3:4], 1, -1).astype(np.float16)
    write_released_datamodels(Path("alone"), train_masks=world.masks, test_margins=alone)
    case.shell("memanalysis import datamodels alone --out only")
    found = ma.open("only").sql("from influence where train_id = 3")
    assert found.select("test_id", "influence").rows() == [(30, 1.0)]


@row("a log folder of Privacy Meter", "memorisation in probability")
def privacy_meter(case):
    """Means of p(y) inside less outside."""
    rng = np.random.default_rng(3)
    half = np.array([rng.permutation(20) < 10 for _ in range(4)])
    memberships = np.stack([half, ~half], axis=1).reshape(8, 20)
    p = rng.random((20, 8))
    write_privacy_meter(case.source, memberships, p, models=["wrn28-2"] * 8)
    yield
    rows = ma.open(case.out).sql("from proxies where proxy = 'memorization_probability'")
    found = rows.sort("example_id")["value_in"]
    np.testing.assert_allclose(found, inside_less_outside(memberships, p.T), atol=1e-6)


@row("an output folder of LeakPro, masks.npy in it", "scores, intervals and every signal")
def leakpro(case):
    """Signals equal NumPy's on the logits before they were shuffled."""
    world = make_world()
    write_leakpro(case.source, world.masks, world.logits)
    np.save(case.labels, world.labels)
    yield
    assert_all_signals(case, case.size, world)


def two_sizes() -> tuple[World, World]:
    """Outcomes of one's own models at two sizes, on the same subsets."""
    world = make_world(n_models=40)
    return world, make_world(seed=1, masks=world.masks, labels=world.labels)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of them: resnet18 by the page's line of Python, resnet34 into the same."""
    world, other = two_sizes()
    arrays = {"ma": ma, "masks": world.masks, "correct": world.correct, "labels": world.labels}
    root = tmp_path_factory.mktemp("own")
    with chdir(root):
        exec(ARRAYS, arrays)
        ma.store.write("mine", masks=other.masks, correct=other.correct, sizes="resnet34")
    return root / "mine"


def assert_correlated(case: Case, proxy: str) -> None:
    """At each size, and closely with the scores of resnet18, which the proxy is made of."""
    rows = ma.open(case.out).sql(
        f"from proxy_correlations where proxy = '{proxy}' and quantity = 'level' "
        "and stratum = 'all' and method = 'spearman'"
    )
    found = dict(rows.select("size", "estimate").rows())
    assert found.keys() == {"resnet18", "resnet34"}
    assert found["resnet18"] > 0.5
    assert found["resnet34"] is not None


@row("published C-scores, .npz or .npy", "a proxy, correlated with your scores at every size")
def cscore(case):
    """High is easy, so the score is turned over before it is compared."""
    world, _ = two_sizes()
    shutil.copytree(case.own, case.out)
    np.savez(case.source, labels=world.labels, scores=-world.memorization)
    yield
    assert_correlated(case, "cscore")


@row(
    "any scores by example: .csv, .parquet, .npy, …",
    "proxies, correlated with your scores at every size",
)
def any_scores(case):
    """Rows in any order; high is hard, as the command says."""
    world, _ = two_sizes()
    shutil.copytree(case.own, case.out)
    ids = np.random.default_rng(0).permutation(30)
    frame = pl.DataFrame({"example_id": ids, "difficulty": world.memorization[ids]})
    frame.write_csv(case.source)
    yield
    assert_correlated(case, "difficulty")


@row("cartography's `dynamics_epoch_*.jsonl`", "seven proxies joined by guid")
def cartography(case):
    """Means and population deviations over the epochs, found by guid."""
    logits = np.random.default_rng(2).normal(size=(4, 9, 3))
    gold = np.arange(9) % 3
    names = [f"sentence-{i}" for i in range(9)]
    write_cartography(case.source, logits, gold, names=names)
    yield
    found = case.proxies("source_id")
    assert len({proxy for proxy, _ in found}) == 7
    p = softmax(logits)[:, np.arange(9), gold]
    for i, name in enumerate(names):
        assert found["cumulative_confidence", name] == pytest.approx(p[:, i].mean(), rel=1e-5)
        assert found["confidence_variability", name] == pytest.approx(p[:, i].std(), rel=1e-5)


@row("AUM's CSV", "`aum`, joined by id")
def aum(case):
    """Values by id, though the file's rows are sorted by value."""
    aums = {i: float(value) for i, value in enumerate(np.random.default_rng(5).normal(size=9))}
    write_aum(case.source, aums)
    yield
    assert case.proxies() == pytest.approx({("aum", i): v for i, v in aums.items()}, rel=1e-6)


@row("a data_diet experiment", "forgetting, EL2N, GraNd, averaged over trainings")
def data_diet(case):
    """Means over two trainings; what one never learned counts all its epochs."""
    rng = np.random.default_rng(4)
    kinds = {"forget_scores": 900, "error_l2_norm_scores": 100, "grad_norm_scores": 50}
    values = {(kind, step): rng.random((2, 9)) * 3 for kind, step in kinds.items()}
    forgotten = values["forget_scores", 900] = values["forget_scores", 900].round()
    forgotten[0, 2] = np.inf  # never learned in the first training
    write_data_diet(case.source, values)
    np.save(case.labels, np.arange(9) // 3)
    yield
    forgotten[0, 2] = case.epochs
    names = dict(zip(kinds, ("forgetting_events", "el2n_clean", "grand"), strict=True))
    expected = {
        (names[kind], i): mean
        for (kind, _), runs in values.items()
        for i, mean in enumerate(runs.mean(axis=0))
    }
    assert case.proxies() == pytest.approx(expected, rel=1e-6)


@row(
    "annotations of each example: .csv, .npz, .parquet, …",
    "the relations annotations, score_by_annotation and annotation_correlations",
)
def annotations(case):
    """Each example has its text; a column of the annotation's name is the one that is taken."""
    shutil.copytree(case.own, case.out)
    texts = [f"class {i % 3}" for i in range(30)]
    pl.DataFrame({"example_id": range(30), "human1": texts, "other": range(30)}).write_csv(
        case.source
    )
    yield
    rows = ma.open(case.out).sql("from annotations where name = 'human1' order by example_id")
    assert rows["value"].to_list() == texts


@row(
    "influence by TRAK, dattri or kronfluence",
    "the relations attributions and influence_agreement, theirs beside ours",
)
def influence(case):
    """TRAK's scores [train, test] are joined with the examples, and compared with ours."""
    generator, n_test = np.random.default_rng(0), 5
    masks = generator.permuted(np.arange(20) % 2 == 0, axis=0)[:, None] ^ (np.arange(30) % 2 == 0)
    ma.store.write(
        case.out, masks=masks, correct=generator.random((20, 30)) < 0.5,
        test_correct=generator.random((20, n_test)) < 0.5, labels=np.arange(30) % 3,
        test_labels=np.arange(n_test) % 3, sizes="resnet18",
    )  # fmt: skip
    scores = generator.normal(size=(30, n_test)).astype(np.float32)
    case.source.parent.mkdir()
    with case.source.open("wb") as file:
        np.save(file, scores)
    yield
    rows = ma.open(case.out).sql("from attributions where name = 'trak' order by train_id, test_id")
    np.testing.assert_array_equal(rows["score"].to_numpy().reshape(30, n_test), scores)
    assert (
        ma.open(case.out).table("influence_agreement")["rank_correlation"].is_between(-1, 1).all()
    )


# The sentences below the table


def test_the_line_of_python_is_the_readmes() -> None:
    """The stores that scores are imported into above are written by that very line."""
    assert ARRAYS in readme_parts.spans(readme_parts.section(SECTION))


def test_labels_must_agree_and_nothing_is_lost(shell, folder, own) -> None:
    """The first differing example is named, and the store stays as it was, to the byte."""
    world, _ = two_sizes()
    shutil.copytree(own, "mine")
    before = {path: path.read_bytes() for path in folder.rglob("mine/**/*.parquet")}
    labels = world.labels.copy()
    labels[7] = (labels[7] + 1) % 4
    np.savez("cscores.npz", labels=labels, scores=world.memorization)
    message = shell("memanalysis import cscore cscores.npz --out mine", code=1)
    assert "first at example_id 7" in message
    assert {path: path.read_bytes() for path in folder.rglob("mine/**/*.parquet")} == before
