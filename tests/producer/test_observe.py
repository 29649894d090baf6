"""Dynamics and outcomes equal a slow reading of their formulas."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from memanalysis.producer import observe
from memanalysis.proxies import PROXIES


def softmax(z):
    """Softmax of a list of logits."""
    top = max(z)
    weights = [math.exp(v - top) for v in z]
    return [w / sum(weights) for w in weights]


def slow_proxies(history, y):
    """Every proxy of one model and one example from its logits, epoch after epoch."""
    total = len(history)
    probabilities = [softmax(z) for z in history]
    own = [p[y] for p in probabilities]
    correct = [z.index(max(z)) == y for z in history]
    mean = sum(own) / total
    margins = [z[y] - max(v for c, v in enumerate(z) if c != y) for z in history]
    forgotten = sum(a and not b for a, b in pairwise(correct))
    at = max(1, round(total / 10)) - 1
    return {
        "cumulative_accuracy": sum(correct) / total,
        "cumulative_confidence": mean,
        "confidence_variability": math.sqrt(sum((p - mean) ** 2 for p in own) / total),
        "forgetting_events": forgotten if any(correct) else total,
        "first_learned": correct.index(True) + 1 if any(correct) else math.nan,
        "aum": sum(margins) / total,
        "el2n": math.dist(probabilities[at], [float(c == y) for c in range(len(history[0]))]),
        "cumulative_loss": -sum(math.log(p) for p in own),
    }


@pytest.fixture
def watched():
    """Labels, logits [epochs, models, examples, classes] and the dynamics that saw them."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (12,), generator=generator)
    logits = 2 * torch.randn(23, 2, 12, 3, generator=generator)
    logits[:, 0, 0, labels[0]] = -9  # never learned by model 0
    dynamics = observe.Dynamics(labels, 2, len(logits))
    for epoch in logits:
        dynamics.update(epoch)
    return labels, logits, dynamics


def test_dynamics_equal_the_formulas(watched):
    """All proxies of all models and examples, within float32 rounding of the inputs."""
    labels, logits, dynamics = watched
    result = dynamics.result()
    assert set(result) == set(PROXIES)
    for model in range(2):
        for example, label in enumerate(labels.tolist()):
            slow = slow_proxies(logits[:, model, example].tolist(), label)
            for name, expected in slow.items():
                found = result[name][model, example].item()
                assert found == pytest.approx(expected, abs=1e-5, nan_ok=True), name
    assert math.isnan(result["first_learned"][0, 0])
    assert result["forgetting_events"][0, 0] == 23


def test_nothing_is_claimed_of_examples_outside(watched):
    """Training-pass proxies are NaN outside the subset; clean ones exist for all examples."""
    _, _, dynamics = watched
    in_train = np.arange(24).reshape(2, 12) % 3 > 0
    first, second = observe.proxies(dynamics, dynamics, in_train)
    assert np.isnan(second["aum"][~in_train[1]]).all()
    assert not np.isnan(second["aum"][in_train[1]]).any()
    assert not np.isnan(first["aum_clean"]).any()
    assert set(first) == set(PROXIES) | {f"{name}_clean" for name in observe.CLEAN}
    assert observe.proxies(None, None, in_train) == [{}, {}]


def test_outcomes_by_hand():
    """Logits (2, 0, 1) with label 0 and with label 2: correct by 1, wrong by 1."""
    logits = torch.tensor([[[2.0, 0.0, 1.0], [2.0, 0.0, 1.0]]])
    outcome = observe.outcomes(logits, torch.tensor([0, 2]))
    assert outcome.correct.tolist() == [[True, False]]
    assert outcome.margin.tolist() == [[1.0, -1.0]]
    total = math.exp(2) + 1 + math.exp(1)
    assert outcome.probability[0, 0].item() == pytest.approx(math.exp(2) / total)
    assert outcome.loss[0, 1].item() == pytest.approx(-math.log(math.exp(1) / total))
