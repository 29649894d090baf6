"""Privacy Meter's log directory, written as its `run_mia.py` and `signals` leave it."""

import json
from pathlib import Path

import numpy as np
import pytest
from artefacts import write_privacy_meter

from memanalysis.errors import DataError
from memanalysis.importing import import_source
from memanalysis.importing.formats import privacy_meter
from memanalysis.importing.source import Options
from memanalysis.studies import open as open_study

N_PAIRS, N = 4, 20
MODELS = ("wrn28-1",) * 4 + ("cnn",) * 4


def draws() -> tuple[np.ndarray, np.ndarray]:
    """Memberships bool [models, examples] and p(y) float64 [examples, models]."""
    generator = np.random.default_rng(3)
    memberships = np.zeros((2 * N_PAIRS, N), bool)
    for pair in range(N_PAIRS):
        memberships[2 * pair] = generator.permutation(N) < N // 2
        memberships[2 * pair + 1] = ~memberships[2 * pair]
    return memberships, generator.random((N, 2 * N_PAIRS))


@pytest.mark.usefixtures("without_derive")
def test_probability_memorization_by_architecture(tmp_path) -> None:
    """Means of p(y) in and out, over each model_name's own models: the formula by loops."""
    memberships, signals = draws()
    source = write_privacy_meter(tmp_path / "exp", memberships, signals, models=MODELS)
    done = import_source("privacy-meter", source, tmp_path / "store")
    study = open_study(tmp_path / "store")
    for size, models in (("wrn28-1", range(4)), ("cnn", range(4, 8))):
        rows = study.sql(f"from proxies where size = '{size}' order by proxy, example_id")
        ins, outs = {}, {}
        for i in range(N):
            ins[i] = np.mean([signals[i, k] for k in models if memberships[k, i]])
            outs[i] = np.mean([signals[i, k] for k in models if not memberships[k, i]])
        held = rows.filter(proxy="held_out_probability")["value_out"].to_list()
        assert held == pytest.approx([outs[i] for i in range(N)], abs=1e-6)
        score = rows.filter(proxy="memorization_probability")["value_in"].to_list()
        assert score == pytest.approx([ins[i] - outs[i] for i in range(N)], abs=1e-6)
    assert study.table("memorization").height == 0
    assert any("whether a model is right is unknown" in line for line in done.lines)
    assert any("population are not imported" in line for line in done.lines)


def doubled(memberships: np.ndarray) -> np.ndarray:
    """Two rows of a pair that are equal instead of complementary."""
    memberships[3] = memberships[2]
    return memberships


def with_nan(signals: np.ndarray) -> np.ndarray:
    """One value that is no number."""
    signals[2, 2] = np.nan
    return signals


CHANGED = {
    "sampled": (lambda m: m, lambda s: s[:7]),
    "transposed": (lambda m: m, lambda s: s.T),
    "memberships turned": (lambda m: m.T, lambda s: s),
    "not complementary": (doubled, lambda s: s),
    "losses": (lambda m: m, lambda s: s * 5),
    "nan": (lambda m: m, with_nan),
    "other models": (lambda m: m, lambda s: s[:, :6]),
}


def broken(tmp_path: Path, what: str) -> Path:
    """A log directory with one thing wrong."""
    memberships, signals = draws()
    change, other = CHANGED.get(what, (lambda m: m, lambda s: s))
    folder = write_privacy_meter(
        tmp_path / "exp", change(memberships), other(signals),
        name="exp_ramia_x" if what == "ramia" else "rmia", models=("x",) * N,
    )  # fmt: skip
    if what == "metadata":
        (folder / "models" / "models_metadata.json").write_text('{"0": {}}')
    elif what == "no memberships":
        (folder / "models" / "memberships.npy").unlink()
    return folder


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("sampled", r"found 7 rows; expected 20.*indices were not saved.*audit.data_size"),
        ("transposed", r"one of them is transposed"),
        ("memberships turned", r"one of them is transposed"),
        ("not complementary", r"not complementary in pairs"),
        ("ramia", r"exp_ramia_x_signals.npy.*range-membership signals have several"),
        ("losses", r"expected probabilities from 0 to 1"),
        ("nan", r"found nan at example 2"),
        ("other models", r"They are of other models"),
        ("metadata", r"models_metadata.json'.*KeyError.*Or give --size"),
        ("no memberships", r"memberships.npy'"),
    ],
)
def test_each_hazard_is_one_message(tmp_path, what: str, message: str) -> None:
    """File, what was found, what was expected."""
    with pytest.raises(DataError, match=message):
        privacy_meter.read(broken(tmp_path, what), Options())


def test_an_example_in_every_model_has_no_score(tmp_path) -> None:
    """An empty cell is left out, never 0."""
    memberships, signals = draws()
    # Only the even models are of this size: the example is in all of them.
    memberships[0::2, 5], memberships[1::2, 5] = True, False
    folder = write_privacy_meter(tmp_path / "exp", memberships, signals, models=MODELS)
    names = {str(i): {"model_name": "even" if i % 2 == 0 else "odd"} for i in range(8)}
    (folder / "models" / "models_metadata.json").write_text(json.dumps(names))
    scores = privacy_meter.read(folder, Options()).scores
    assert all(5 not in score.ids for score in scores)
    assert {score.size for score in scores} == {"even", "odd"}
