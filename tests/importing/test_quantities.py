"""Numbers of another kind than their name says: recognised, and converted or refused in words."""

import json
from pathlib import Path

import numpy as np
import pytest
from artefacts import (
    World,
    softmax,
    write_cartography,
    write_jsonl,
    write_leakpro,
    write_lira,
    write_privacy_meter,
)

import memanalysis as ma
from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source
from memanalysis.importing.outcomes import of_logits, of_outputs, quantity_of
from memanalysis.importing.ranges import range_of
from memanalysis.studies import open as open_study

pytestmark = pytest.mark.usefixtures("without_derive")

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(50, 4)) * 3
P = softmax(LOGITS)


@pytest.mark.parametrize(
    ("outputs", "quantity"),
    [
        (LOGITS, "logits"), (P, "probabilities"), (P.astype(np.float16), "probabilities"),
        (np.log(P), "log-probabilities"), (-np.log(P), "losses by class"),
        (100 * P, "percentages"), (1 / (1 + np.exp(-LOGITS)), "numbers from 0 to 1"),
        (np.eye(4)[np.arange(50) % 4], "probabilities"), (np.abs(LOGITS), "logits"),
        (-np.abs(LOGITS), "logits"), (LOGITS[:0], "logits"), (LOGITS + 0.25, "logits"),
    ],
)  # fmt: skip
def test_outputs_are_told_by_their_numbers(outputs, quantity: str) -> None:
    """Softmax, its logarithm, its loss, percents and sigmoids are no logits."""
    assert quantity_of(outputs) == quantity


def write(kind: str, folder: Path, world: World, turn) -> tuple[Path, Options]:
    """A source of each layout whose logits are ``turn`` of the world's."""
    turned = World(world.masks, turn(world.logits).astype(np.float32),
                   world.test_logits, world.labels, world.test_labels)  # fmt: skip
    np.save(folder / "y.npy", world.labels)
    options = Options(size="r", labels=folder / "y.npy")
    if kind == "leakpro":
        return write_leakpro(folder / "leak", turned.masks, turned.logits), options
    if kind == "datamodels":
        np.save(folder / "train_masks_50pct.npy", turned.masks)
        np.save(folder / "train_logits_50pct.npy", turned.logits)
        return folder / "train_masks_50pct.npy", options
    return write_lira(folder / "exp", {"r": turned}), Options()


@pytest.mark.parametrize("kind", ["lira", "leakpro", "datamodels"])
@pytest.mark.parametrize("turn", [softmax, lambda z: np.log(softmax(z))])
def test_probabilities_in_place_of_logits_give_the_same_numbers(tmp_path, world, kind, turn):
    """Probability, margin and loss are those of the logits, and a note says what was done."""
    expected = of_logits(world.logits[3], world.labels, "here")
    found = of_outputs(turn(world.logits[3]), world.labels, "there")
    for name, values in expected.signals.items():
        np.testing.assert_allclose(found.signals[name], values, rtol=2e-3, atol=2e-3)
    source, options = write(kind, tmp_path, world, turn)
    done = import_source(kind, source, tmp_path / "out", options)
    assert any("probabilities" in line and "logits" in line for line in done.lines)
    assert any("probabilities" in note for note in done.store.manifest.imports[0]["notes"])
    rows = open_study(done.store.path).sql(
        "from memorization_by(signal := 'probability') order by example_id"
    )
    p = np.take_along_axis(softmax(world.logits), world.labels[None, :, None], -1)[..., 0]
    inside = world.masks
    difference = (p * inside).sum(0) / inside.sum(0) - (p * ~inside).sum(0) / (~inside).sum(0)
    np.testing.assert_allclose(rows["memorization"].to_numpy(), difference, atol=2e-3)


@pytest.mark.parametrize("kind", ["lira", "leakpro", "datamodels"])
def test_losses_by_class_are_refused(tmp_path, world, kind) -> None:
    """The largest loss is the least likely class."""
    source, options = write(kind, tmp_path, world, lambda z: -np.log(softmax(z)))
    with pytest.raises(DataError, match="losses by class in place of logits"):
        import_source(kind, source, tmp_path / "out", options)


def test_python_has_a_name_for_probabilities(tmp_path, world) -> None:
    """``logits=`` of probabilities is refused, and the other way round."""
    same = {"masks": world.masks, "labels": world.labels, "sizes": "r"}
    with pytest.raises(DataError, match="probabilities given as logits"):
        ma.store.write(tmp_path / "out", logits=softmax(world.logits), **same)
    with pytest.raises(DataError, match="or logarithms, as logits"):
        ma.store.write(tmp_path / "out", probabilities=np.log(softmax(world.logits)), **same)


def test_cartography_of_probabilities(tmp_path) -> None:
    """Every proxy is that of the logits: softmax is not taken twice."""
    logits = np.random.default_rng(1).normal(size=(3, 30, 4))
    gold = np.arange(30) % 4
    found = {}
    for name, outputs in (("z", logits), ("p", softmax(logits))):
        source = write_cartography(tmp_path / name, outputs, gold)
        done = import_source("dynamics", source, tmp_path / f"out_{name}", Options(size="r"))
        table = done.store.read_table("proxies").sort_by([("proxy", "ascending"),
                                                          ("example_id", "ascending")])  # fmt: skip
        found[name] = table["value_in"].to_numpy()
        assert any("are probabilities" in line for line in done.lines) == (name == "p")
    np.testing.assert_allclose(found["p"], found["z"], rtol=1e-4, atol=1e-4)


def coordinates(path: Path, **columns) -> Path:
    """A data map of thirty examples."""
    return write_jsonl(
        path, [{"guid": i, **{k: float(v[i]) for k, v in columns.items()}} for i in range(30)]
    )


def test_losses_as_confidences_are_refused(tmp_path) -> None:
    """Confidence beyond 1 is none; a share of epochs is no count of them."""
    losses = -np.log(np.linspace(0.01, 0.99, 30))
    source = coordinates(tmp_path / "map.jsonl", confidence=losses)
    with pytest.raises(DataError, match=r"confidence = 4\.605.*Losses and margins go beyond it"):
        import_source("dynamics", source, tmp_path / "out")
    source = coordinates(tmp_path / "map.jsonl", correctness=np.linspace(0, 1, 30))
    store = import_source("dynamics", source, tmp_path / "out").store
    assert list(store.manifest.proxies) == ["cumulative_accuracy"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("confidence", [0.2, 3.0]), ("self_confidence", [-1.0, 0.5]), ("prob", [0.1, 1.7]),
        ("cumulative_confidence", [4.0, 0.2]), ("loss", [-0.5, 2.0]), ("nll", [-3, 1]),
        ("log_prob", [0.4, -2.0]),
    ],
)  # fmt: skip
def test_scores_lie_where_their_name_says(tmp_path, name: str, values) -> None:
    """Margins as probabilities, losses as confidences and their like are refused by name."""
    lines = "".join(f"{i},{v}\n" for i, v in enumerate(values))
    (tmp_path / "s.csv").write_text(f"example_id,{name}\n{lines}")
    with pytest.raises(DataError, match=f"{name} = .* such values; expected numbers"):
        import_source("scores", tmp_path / "s.csv", tmp_path / "out", Options(hard_is="low"))
    assert range_of("depth") == (None, None)


def test_privacy_meter_of_losses(tmp_path) -> None:
    """Losses beyond 1 are out of range, and smaller ones are lower where a model trained."""
    rng = np.random.default_rng(0)
    half = rng.random((3, 60)) < 0.5
    masks = np.stack([half, ~half], axis=1).reshape(6, 60)
    losses = np.where(masks.T, 0.05, 0.6) + rng.random((60, 6)) / 10
    source = write_privacy_meter(tmp_path / "pm", masks, losses, name="loss", models=["m"] * 6)
    with pytest.raises(DataError, match="look like losses"):
        import_source("privacy-meter", source, tmp_path / "out")
    np.save(source / "signals" / "loss_signals.npy", np.log(np.exp(-losses)))
    with pytest.raises(DataError, match="look like log-probabilities"):
        import_source("privacy-meter", source, tmp_path / "out")
    np.save(source / "signals" / "loss_signals.npy", np.exp(-losses))
    assert import_source("privacy-meter", source, tmp_path / "out").store.manifest.proxies


@pytest.mark.parametrize(
    ("margins", "message"),
    [(lambda p: p, "look like probabilities"), (lambda p: -4 * np.log(p), "look like losses")],
)
def test_datamodels_of_what_are_no_margins(tmp_path, margins, message) -> None:
    """Probabilities and losses as margins would make every outcome right."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "train_masks_50pct.npy", rng.random((8, 40)) < 0.5)
    np.save(tmp_path / "train_margins_50pct.npy", margins(rng.random((8, 40))).astype(np.float16))
    with pytest.raises(DataError, match=message):
        import_source("datamodels", tmp_path, tmp_path / "out", Options(size="r"))


def test_ties_are_said(tmp_path, world) -> None:
    """Constant models predict class 0; a note says how many outcomes are none."""
    flat = np.zeros_like(world.logits)
    store = ma.store.write(tmp_path / "out", masks=world.masks, logits=flat, labels=world.labels,
                           sizes="r")  # fmt: skip
    notes = json.dumps(store.manifest.imports[0]["notes"])
    assert "360 of 360 outcomes have their largest logit in several classes" in notes
    assert "near chance" in notes


def test_c_scores_are_shares(tmp_path) -> None:
    """Numbers beyond 1 are no C-scores, which is said aloud."""
    np.savez(tmp_path / "c.npz", labels=[0, 1, 1], scores=[0.5, 2.5, 1.0])
    done = import_source("cscore", tmp_path / "c.npz", tmp_path / "out", dry_run=True)
    assert any("WARNING" in line and "cscore = 2.5 at position 1" in line for line in done.lines)


def test_held_out_probabilities_of_one_model(tmp_path) -> None:
    """``pred_probs`` and labels become the label's probability, on the held-out side."""
    labels = np.arange(50) % 4
    np.save(tmp_path / "pyx.npy", P)
    np.save(tmp_path / "y.npy", labels)
    np.savez(tmp_path / "cv.npz", pred_probs=P, labels=labels)
    for name, options in (("pyx.npy", Options(labels=tmp_path / "y.npy")), ("cv.npz", Options())):
        store = import_source("scores", tmp_path / name, tmp_path / f"out_{name}", options).store
        table = store.read_table("proxies")
        np.testing.assert_allclose(
            table["value_out"].to_numpy(), P[np.arange(50), labels], rtol=1e-6
        )
        assert table["value_in"].null_count == 50
        assert store.manifest.proxies["held_out_probability"]["hard_is"] == "low"
    with pytest.raises(DataError, match="without labels"):
        import_source("scores", tmp_path / "pyx.npy", tmp_path / "out")
    np.save(tmp_path / "z.npy", LOGITS)
    with pytest.raises(DataError, match="unnormalised outputs"):
        import_source("scores", tmp_path / "z.npy", tmp_path / "out",
                      Options(labels=tmp_path / "y.npy"))  # fmt: skip


# The largest and smallest floats; a warning of NumPy is an error in tests


def test_logits_of_the_largest_floats_are_logits() -> None:
    """Sums overflow without a warning, and outcomes are those of the order of the logits."""
    logits = np.array([[1e308, 1e308, -1e308], [-1e308, -1e308, 1e308], [1e308, -1e308, 0]])
    assert quantity_of(logits) == quantity_of(np.full((3, 3), np.finfo(float).max)) == "logits"
    outcome = of_outputs(logits, np.array([0, 0, 0]), "here")
    assert outcome.correct.tolist() == [True, False, True]
    largest = float(np.finfo(np.float16).max)
    assert outcome.signals["margin"].tolist() == [0, -largest, largest]
    assert outcome.signals["probability"].tolist() == [0.5, 0, 1]


def test_probabilities_of_the_largest_floats_are_refused(tmp_path: Path) -> None:
    """Their sum is no 1: one message."""
    masks = np.arange(8)[:, None] % 2 == np.arange(12) % 2
    huge = np.full((8, 12, 3), 1e308)
    with pytest.raises(DataError, match=r"numbers from 1e\+308 that sum to inf at example 0"):
        ma.store.write(tmp_path / "s", masks=masks, probabilities=huge, labels=np.arange(12) % 3)


def test_dynamics_beyond_a_stores_floats_are_refused(tmp_path: Path) -> None:
    """Margins of 1e308 would be infinite: the message says where."""
    logits = RNG.normal(size=(4, 12, 3))
    logits[1, 7, 2] = 1e308
    write_cartography(tmp_path / "run", logits, np.arange(12) % 3)
    with pytest.raises(DataError, match=r"dynamics_epoch_1.*found a logit of 1e\+308;"):
        import_source("dynamics", tmp_path / "run", tmp_path / "s")


def test_scores_beyond_float32_are_refused_and_equal_ones_noted(tmp_path: Path) -> None:
    """A store keeps float32: no score becomes infinite, and none equal without a word."""
    for name, numbers in {
        "huge": [(-1) ** i * 1e308 for i in range(12)],
        "tiny": [i * 1e-320 for i in range(12)],
        "close": [1e9 + i for i in range(12)],
        "plain": [i / 7 for i in range(12)],
    }.items():
        rows = "".join(f"{i},{number!r}\n" for i, number in enumerate(numbers))
        (tmp_path / f"{name}.csv").write_text(f"example_id,{name}\n{rows}")
    options = Options(hard_is="high")
    with pytest.raises(DataError, match=r"column 'huge': found 1e\+308; .* float32 can hold"):
        import_source("scores", tmp_path / "huge.csv", tmp_path / "s", options)
    assert not (tmp_path / "s").exists()
    for name, kept in (("tiny", 1), ("close", 1), ("plain", None)):
        done = import_source("scores", tmp_path / f"{name}.csv", tmp_path / "s", options)
        notes = [line for line in done.lines if "stay different in float32" in line]
        assert len(notes) == (kept is not None)
        assert kept is None or f"of 12 different values {kept} stay different" in notes[0]
