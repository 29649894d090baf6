"""Simulated stores: the planted truth is what the tables estimate."""

from pathlib import Path

import numpy as np
import pytest

from memanalysis.errors import SettingsError, StoreError
from memanalysis.experiments.simulate import CIFAR100_HISTOGRAM, SHAPES, read_truth, simulate
from memanalysis.proxies import PROXIES, orientation
from memanalysis.storage import bits
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.store import Store

pytestmark = pytest.mark.usefixtures("without_derive")


def rates(store: Store) -> tuple[np.ndarray, ...]:
    """(p_in, p_out, n_in, n_out) of the training rows, in the order of the truth."""
    rows = store.read_table("outcomes")
    train = np.array(rows["split"].to_pylist()) == "train"
    inside, correct, trained = (
        blob_array(rows[name])[train] for name in ("in_train", "correct", "trained")
    )
    n_in, n_out = bits.count(inside), bits.count(trained & ~inside)
    return bits.count(inside & correct) / n_in, bits.count(correct & ~inside) / n_out, n_in, n_out


def truth(store: Store, column: str) -> np.ndarray:
    """Read a column of the planted truth."""
    return np.array(read_truth(store)[column].to_pylist())


def small(path: Path, **settings: object) -> Store:
    """Simulate few examples and models, unless told otherwise."""
    given = {"n_train": 300, "n_test": 10, "sizes": ("s1", "s2"), "groups": 3, **settings}
    return simulate(path, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def uniform(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Simulate the uniform world, where every probability is far from 0 and 1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memanalysis.building.build._derive", lambda _staged: None)
        path = tmp_path_factory.mktemp("uniform") / "store"
        return small(path, world="uniform", objectives=("one_hot",), proxies=("aum", "aum_clean"))


def test_rates_scatter_about_the_truth_as_binomials_do(uniform: Store) -> None:
    """Squared z-scores of the rates average 1, within five standard errors of that average."""
    p_in, p_out, n_in, n_out = rates(uniform)
    for rate, n, name in ((p_in, n_in, "p_in"), (p_out, n_out, "p_out")):
        planted = truth(uniform, name)
        z = (rate - planted) / np.sqrt(planted * (1 - planted) / n)
        assert abs(np.mean(z**2) - 1) < 5 * np.std(z**2) / np.sqrt(len(z))
        assert abs(np.mean(z)) < 5 / np.sqrt(len(z))


def test_signals_agree_with_correctness(uniform: Store) -> None:
    """Sums over models: a margin is positive exactly where correct, so n right, n in bounds it."""
    rows = uniform.read_table("outcomes").slice(0, 300)
    p_in = rates(uniform)[0][:300]
    n_in = rates(uniform)[2][:300]
    probability = rows["probability_in_sum"].to_numpy() / n_in
    # Probabilities of right answers exceed one half, those of wrong answers fall below it.
    assert (probability >= 0.5 * p_in - 1e-3).all()
    assert (probability <= p_in + 0.5 * (1 - p_in) + 1e-3).all()
    assert np.corrcoef(probability, p_in)[0, 1] > 0.8


def test_training_pass_proxies_are_seen_inside_alone(uniform: Store) -> None:
    """A proxy of the training pass has no value outside; a clean one has both."""
    rows = uniform.read_table("proxies").to_pylist()
    outside = {name: {r["value_out"] is None for r in rows if r["proxy"] == name}
               for name in ("aum", "aum_clean")}  # fmt: skip
    assert outside == {"aum": {True}, "aum_clean": {False}}


def test_equal_seeds_give_equal_stores(tmp_path: Path) -> None:
    """The same call writes the same bytes, another seed others."""
    stores = [
        small(tmp_path / str(i), n_train=20, groups=1, seed=seed, images=3)
        for i, seed in enumerate((4, 4, 5))
    ]
    files = [{name: noted["sha256"] for name, noted in s.manifest.files.items()} for s in stores]
    assert files[0] == files[1]
    assert files[0]["outcomes.parquet"] != files[2]["outcomes.parquet"]
    images = stores[0].read_table("examples")["image"].to_pylist()
    assert [image is not None for image in images] == [True] * 3 + [False] * 27
    assert images[0].startswith(b"\x89PNG")


def test_distillation_takes_its_share_of_memorization(tmp_path: Path) -> None:
    """With effect .4 the planted memorisation of students is .6 of that of one_hot models."""
    store = small(tmp_path / "s", n_train=50, groups=1, effect=0.4, proxies=())
    memorization = truth(store, "p_in") - truth(store, "p_out")
    half = len(memorization) // 2
    np.testing.assert_allclose(memorization[half:], 0.6 * memorization[:half])
    models = store.read_table("models").to_pylist()
    assert {m["teacher_size"] for m in models if m["objective"] == "distilled"} == {"s2"}
    assert all(m["teacher_model_id"] is not None for m in models if m["objective"] == "distilled")


def test_planted_shapes_are_what_they_are_called(tmp_path: Path) -> None:
    """Memorisation of each shape moves with size as its name says, by at least .35."""
    sizes = ("a", "b", "c", "d", "e")
    store = small(
        tmp_path / "s", sizes=sizes, groups=1, ratio=0.5, objectives=("one_hot",), proxies=()
    )
    memorization = (truth(store, "p_in") - truth(store, "p_out")).reshape(5, -1)
    shape = truth(store, "shape")[:300]
    assert set(shape) == set(SHAPES)
    change = memorization[-1] - memorization[0]
    bump = memorization[2] - memorization[0]
    assert np.abs(np.diff(memorization[:, shape == "fixed"], axis=0)).max() < 1e-12
    assert change[shape == "increasing"].min() > 0.35 - 1e-9
    assert change[shape == "decreasing"].max() < -0.35 + 1e-9
    assert bump[shape == "cap"].min() > 0.35 - 1e-9
    assert bump[shape == "u"].max() < -0.35 + 1e-9
    assert np.abs(change[(shape == "cap") | (shape == "u")]).max() < 1e-9


def test_the_published_world_has_the_published_histogram(tmp_path: Path) -> None:
    """In the Feldman-Zhang world p_in is 1, and scores fall into bins as those of CIFAR-100."""
    store = small(
        tmp_path / "s", n_train=4000, sizes=("s",), groups=1, ratio=0.5,
        objectives=("one_hot",), proxies=(), world="feldman-zhang",
    )  # fmt: skip
    assert (truth(store, "p_in") == 1).all()
    shares = np.histogram(1 - truth(store, "p_out"), bins=18, range=(0, 1))[0] / 4000
    expected = np.array(CIFAR100_HISTOGRAM) / sum(CIFAR100_HISTOGRAM)
    assert np.abs(shares - expected).max() < 5 * np.sqrt(0.25 / 4000)


def test_nothing_changes_in_the_no_change_world(tmp_path: Path) -> None:
    """Both probabilities are the same at every size and objective."""
    store = small(tmp_path / "s", n_train=30, groups=1, proxies=(), world="no-change")
    for name in ("p_in", "p_out"):
        assert np.ptp(truth(store, name).reshape(4, 30), axis=0).max() == 0


def test_proxies_point_their_way(simulated_store: Store) -> None:
    """High values of a proxy go with difficulty exactly if that is what its definition says."""
    table = simulated_store.read_table("proxies")
    difficulty = 1 - (truth(simulated_store, "p_in") + truth(simulated_store, "p_out")) / 2
    names = np.array(table["proxy"].to_pylist())
    assert set(names) < set(PROXIES)
    for name in np.unique(names):
        value = table["value_in"].to_numpy()[names == name]
        direction = np.corrcoef(value, difficulty)[0, 1]
        if orientation(name):
            assert direction * orientation(name) > 0.8, name


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    """An unknown world or objective, or an impossible ratio, is said before anything is written."""
    with pytest.raises(SettingsError, match=r"no world 'planed'. Did you mean 'planted'\?"):
        simulate(tmp_path / "s", world="planed")
    with pytest.raises(SettingsError, match="no objective 'soft'"):
        simulate(tmp_path / "s", objectives=("soft",))
    with pytest.raises(SettingsError, match=r"cannot be drawn: no balanced design for ratio 0.8"):
        simulate(tmp_path / "s", ratio=0.8)
    assert not (tmp_path / "s").exists()
    with pytest.raises(StoreError, match="already holds a store"):
        small(small(tmp_path / "t", n_train=10, groups=1, sizes=("s",), proxies=()).path)
