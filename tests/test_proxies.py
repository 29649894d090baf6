"""The records of proxies are complete, agree with the findings, and can be added to."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType

import numpy as np
import pytest
import tiny_study
import torch

from memanalysis import proxies
from memanalysis.errors import MemanalysisError, SettingsError, TrainingError
from memanalysis.producer import costs, plan, run
from memanalysis.producer.observe import CLEAN, Dynamics
from memanalysis.producer.worker import Trainer
from memanalysis.rules import load
from memanalysis.storage.model_files import read_model

OWN = proxies.Proxy(
    "last_epoch_seen",
    "Last epoch seen",
    "a number that is easy to foretell",
    "the last epoch after which the network was looked at",
    *("epoch, from 1", 1, None, "high", "as for any example", "eval mode", "this test"),
    recording=proxies.Recording("own_proxies:LastEpoch", passes=1, epochs=lambda last: (1, last)),
)


class LastEpoch:
    """The recorder of ``OWN``."""

    def __init__(self, ensemble) -> None:
        self.ensemble, self.last = ensemble, 0

    def update(self, epoch, _network) -> None:
        """Note the epoch."""
        if epoch in self.ensemble.lesson.observe.at["last_epoch_seen"]:
            self.last = epoch

    def result(self, _network, final):
        """Give the epoch to every example."""
        return {"last_epoch_seen": torch.full(final.shape, float(self.last))}


@pytest.fixture
def installed(monkeypatch):
    """A function that installs a package ``own_proxies`` with an entry point of this value."""

    def install(value="own_proxies:OWN", **content):
        module = ModuleType("own_proxies")
        vars(module).update({"OWN": OWN, "LastEpoch": LastEpoch, **content})
        monkeypatch.setitem(sys.modules, "own_proxies", module)
        point = EntryPoint("mine", value, proxies.GROUP)
        points = EntryPoints([point])
        monkeypatch.setattr(proxies, "entry_points", lambda group: points.select(group=group))
        proxies.available.cache_clear()

    yield install
    monkeypatch.undo()
    proxies.available.cache_clear()


def test_every_record_is_complete() -> None:
    """Each has a summary, a formula, a unit, a pass, a rule for the never learned and a source."""
    for name, proxy in proxies.PROXIES.items():
        assert name == proxy.name
        words = (proxy.title, proxy.summary, proxy.formula, proxy.unit, proxy.source, proxy.label)
        assert all(words), name
        assert proxy.never_learned, name
        assert "pass" in proxy.evaluation_pass or "eval mode" in proxy.evaluation_pass
        assert proxies.find(f"{name}_clean") is proxy
        if proxy.beside:
            assert proxies.PROXIES[proxy.beside].recording is not None


def test_registered_proxies_have_records() -> None:
    """Six, fixed before the data, and each points one way."""
    registered = load().trends.registered
    assert set(registered) < set(proxies.PROXIES)
    assert len(set(registered)) == 6
    assert all(proxies.orientation(name) for name in registered)


def test_a_training_pass_gives_the_proxies_without_a_recorder() -> None:
    """Those that ``Dynamics`` computes are those whose records name none."""
    dynamics = Dynamics(torch.tensor([0, 1]), models=1, epochs=2)
    dynamics.update(torch.zeros(1, 2, 2))
    free = {p.name for p in proxies.PROXIES.values() if p.recording is None and p.beside is None}
    assert set(dynamics.result(torch.zeros(1, 2, dtype=torch.int64))) == free
    assert set(CLEAN) == {name for name, proxy in proxies.PROXIES.items() if proxy.clean} < free


def test_names_for_readers() -> None:
    """Labels as charts write them, one line each; unknown names are said to be imported."""
    assert proxies.label("aum_clean") == "AUM (clean)"
    assert proxies.label("cumulative_loss") == "cumulative loss"
    assert proxies.label("their_score") == "their score"
    assert proxies.summary("aum_clean").endswith("(clean images, evaluation mode)")
    assert proxies.summary("theirs").startswith("imported")
    assert proxies.in_order(["theirs", "aum_clean", "cumulative_loss", "aum"]) == [
        *("aum", "aum_clean", "cumulative_loss", "theirs"),
    ]


def test_a_package_adds_a_proxy_by_an_entry_point(installed, tmp_path) -> None:
    """It is asked for by name, priced, recorded by its own recorder, and declared in the store."""
    installed()
    study = tiny_study.study('[observe]\nproxies = ["last_epoch_seen", "prediction_depth"]\n')
    assert study.observe.proxies == ("prediction_depth", "last_epoch_seen")
    assert study.observe.at == {"last_epoch_seen": (1, 2)}
    # Two looks of a pass each, against 3 x .5 x 2 passes of the training.
    priced = costs.proxy_costs(study, n_train=40)
    assert priced == {"last_epoch_seen": pytest.approx(2 / 3)}
    store = run.prepare(study, tmp_path)
    assert store.manifest.proxies == {
        "last_epoch_seen": {"hard_is": "high", "formula": OWN.formula, "source": "this test"}
    }
    task = plan.plan(study)[0]
    Trainer(study, store, "cpu").run(task)
    record = read_model(plan.path_of(store, task.models[0]))
    np.testing.assert_array_equal(record.proxies["last_epoch_seen"], np.full(40, 2.0))
    assert "prediction_depth" in record.proxies


@pytest.mark.parametrize(
    ("value", "content", "message"),
    [
        ("own_proxies:NONE", {}, "'own_proxies:NONE', cannot be imported: .*NONE"),
        ("own_proxies:OWN", {"OWN": 3}, "is not a memanalysis.proxies.Proxy with a Recording"),
        ("own_proxies:OWN", {"OWN": proxies.PROXIES["aum"]}, "with a Recording"),
        ("own_proxies:OWN", {"OWN": proxies.PROXIES["vog"]}, "the name of another proxy, 'vog'"),
    ],
)
def test_an_entry_point_that_names_no_proxy_is_said_so(installed, value, content, message) -> None:
    """The message names the entry point and what is wrong with it."""
    installed(value, **content)
    with pytest.raises(MemanalysisError, match=message):
        proxies.available()


@pytest.mark.parametrize(
    ("recorder", "message"),
    [
        (lambda _ensemble: _Giving({}), "gave no values of it"),
        (lambda _ensemble: _Giving({"last_epoch_seen": torch.zeros(3)}), r"shape \[3\]; expected"),
        (None, "'own_proxies:LastEpoch', cannot be imported"),
    ],
)
def test_a_recorder_that_keeps_no_promise_is_said_so(installed, tmp_path, recorder, message):
    """No store has values of another shape, or lacks a proxy that its settings name."""
    installed(LastEpoch=recorder)
    if recorder is None:
        del sys.modules["own_proxies"].LastEpoch
    study = tiny_study.study('[observe]\nproxies = ["last_epoch_seen"]\n')
    trainer = Trainer(study, run.prepare(study, tmp_path), "cpu")
    with pytest.raises(TrainingError, match=message):
        trainer.run(plan.plan(study)[0])


def test_a_proxy_that_is_not_installed_is_a_fault() -> None:
    """A study file that asks for it names what there is."""
    with pytest.raises(SettingsError, match="proxies has 'last_epoch_seen': expected default, gra"):
        tiny_study.study('[observe]\nproxies = ["last_epoch_seen"]\n')


class _Giving:
    """A recorder with these values."""

    def __init__(self, values) -> None:
        self.values = values

    def update(self, *_looked) -> None:
        """Look at nothing."""

    def result(self, *_finished):
        """Give the values."""
        return self.values
