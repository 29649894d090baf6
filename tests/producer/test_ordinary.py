"""ma.Recorder: an ordinary loop's logits give the proxies that a study's own training gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import memanalysis as ma
from memanalysis.errors import DataError
from memanalysis.producer.observe import Dynamics

N, CLASSES, EPOCHS = 200, 3, 20


@pytest.fixture
def trained() -> tuple[Any, Any, list[torch.Tensor]]:
    """A loop over three clouds of points of which ten have the next cloud's label."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, N)
    points = torch.tensor(rng.normal(size=(N, 8)) + 3 * np.eye(CLASSES, 8)[truth]).float()
    labels = truth.copy()
    wrong = rng.permutation(N)[:10]
    labels[wrong] = (labels[wrong] + 1) % CLASSES
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, CLASSES))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    recorder = ma.Recorder(labels, epochs=EPOCHS)
    epochs = []
    for _ in range(EPOCHS):
        epoch = torch.zeros(N, CLASSES)
        for ids in torch.from_numpy(rng.permutation(N)).split(32):
            logits = model(points[ids])
            recorder.record(ids, logits)
            epoch[ids] = logits.detach()
            loss = nn.functional.cross_entropy(logits, torch.tensor(labels)[ids])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        epochs.append(epoch)
    return recorder, wrong, epochs


def test_wrong_labels_come_first_with_their_class(trained: Any) -> None:
    """Most of the ten have the lowest AUM, and the class that they are of is preferred."""
    recorder, wrong, _ = trained
    first = recorder.suspects(10)
    listed = first.filter(first["example_id"].is_in(wrong.tolist()))
    assert listed.height >= 8
    assert (listed["preferred"] == (listed["label"] - 1) % CLASSES).mean() > 0.7
    assert first["rank"].to_list() == list(range(1, 11))
    assert "no probability" in repr(recorder)


def test_proxies_are_those_of_a_study(trained: Any) -> None:
    """By the same sums, over the same epochs, whatever the batches."""
    recorder, _, epochs = trained
    dynamics = Dynamics(torch.from_numpy(recorder.labels), 1, EPOCHS)
    for epoch in epochs:
        dynamics.update(epoch[None])
    wanted = dynamics.result(epochs[-1].argmax(-1)[None])
    frame = recorder.proxies()
    assert frame.height == N
    for name, values in wanted.items():
        given = frame[name].to_numpy()
        np.testing.assert_allclose(given, values[0].numpy(), err_msg=name)


@pytest.mark.parametrize(
    ("ids", "logits", "message"),
    [
        ([0, 0], np.zeros((2, 3)), "an example twice"),
        ([0, 9], np.zeros((2, 3)), "places in the dataset, 0 to 3"),
        ([0, 1], np.zeros((3, 3)), r"logits \[3, 3\]"),
        ([0, 1], np.zeros((2, 1)), "labels up to 2"),
        ([0.5, 1], np.zeros((2, 3)), "ids are float64"),
        ([0, 1], np.full((2, 3), np.nan), "diverged"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(ids: Any, logits: Any, message: str) -> None:
    """What was given and what is expected, and nothing is recorded."""
    recorder = ma.Recorder([0, 1, 2, 0], epochs=2)
    with pytest.raises(DataError, match=message):
        recorder.record(ids, logits)
    with pytest.raises(DataError, match="Nothing was recorded"):
        recorder.proxies()


def test_an_epoch_that_leaves_examples_out_is_told() -> None:
    """In the first they have no logits; later their last ones count."""
    recorder = ma.Recorder([0, 1, 2, 0], epochs=2)
    recorder.record([0, 1], np.eye(3)[:2])
    with pytest.raises(DataError, match="2 of 4 examples were in no batch"):
        recorder.record([0, 1], np.eye(3)[:2])
    recorder = ma.Recorder([0, 1], epochs=2)
    recorder.record([0, 1], np.eye(3)[:2])
    recorder.record([1], np.eye(3)[:1])
    assert recorder.proxies()["cumulative_accuracy"].to_list() == [1.0, 0.5]


@pytest.mark.parametrize("labels", [[], [0.5, 1], [-1, 0], [[0], [1]]])
def test_labels_are_whole_numbers(labels: Any) -> None:
    """One message before any training."""
    with pytest.raises(DataError, match="whole numbers from 0"):
        ma.Recorder(labels, epochs=1)
