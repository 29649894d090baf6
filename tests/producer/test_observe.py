"""Dynamics and outcomes equal a slow reading of their formulas."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from memanalysis.producer import observe
from memanalysis.proxies import PROXIES


def softmax(z):
    """Softmax of a list of logits."""
    top = max(z)
    weights = [math.exp(v - top) for v in z]
    return [w / sum(weights) for w in weights]


def slow_proxies(history, y, final):
    """Every proxy of one model and one example from its logits, epoch after epoch."""
    total = len(history)
    probabilities = [softmax(z) for z in history]
    own = [p[y] for p in probabilities]
    correct = [z.index(max(z)) == y for z in history]
    mean = sum(own) / total
    margins = [z[y] - max(v for c, v in enumerate(z) if c != y) for z in history]
    forgotten = sum(a and not b for a, b in pairwise(correct))
    at = max(1, round(total / 10)) - 1
    classes = [z.index(max(z)) for z in history]
    learned = total + 1
    while learned > 1 and classes[learned - 2] == final:
        learned -= 1
    return {
        "cumulative_accuracy": sum(correct) / total,
        "cumulative_confidence": mean,
        "cumulative_max_probability": sum(map(max, probabilities)) / total,
        "cumulative_negative_entropy": sum(v * math.log(v) for p in probabilities for v in p)
        / total,
        "iteration_learned": learned,
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
    logits[20:, :, 3] = logits[20, :, 3]  # decided three epochs before the end
    dynamics = observe.Dynamics(labels, 2, len(logits))
    for epoch in logits:
        dynamics.update(epoch)
    return labels, logits, dynamics


def test_dynamics_equal_the_formulas(watched):
    """All proxies of all models and examples, within float32 rounding of the inputs."""
    labels, logits, dynamics = watched
    final = logits[-1].argmax(-1)
    final[1, 5] = 2 - final[1, 5]  # one model changes its mind after the last epoch
    result = dynamics.result(final)
    assert set(result) < set(PROXIES)
    for model in range(2):
        for example, label in enumerate(labels.tolist()):
            history = logits[:, model, example].tolist()
            slow = slow_proxies(history, label, final[model, example].item())
            assert set(slow) == set(result)
            for name, expected in slow.items():
                found = result[name][model, example].item()
                assert found == pytest.approx(expected, abs=1e-5, nan_ok=True), name
    assert math.isnan(result["first_learned"][0, 0])
    assert result["forgetting_events"][0, 0] == 23


def test_clean_evaluations_have_names_of_their_own(watched):
    """The same numbers under ``_clean``, for the proxies that a handful of epochs can give."""
    _, logits, dynamics = watched
    full = dynamics.result(logits[-1].argmax(-1))
    clean = dynamics.clean()
    assert set(clean) == {f"{name}_clean" for name in observe.CLEAN}
    for name, values in clean.items():
        assert torch.equal(values, full[name.removesuffix("_clean")])


def test_outcomes_by_hand():
    """Logits (2, 0, 1) with label 0 and with label 2: correct by 1, wrong by 1."""
    logits = torch.tensor([[[2.0, 0.0, 1.0], [2.0, 0.0, 1.0]]])
    outcome = observe.outcomes(logits, torch.tensor([0, 2]))
    assert outcome.correct.tolist() == [[True, False]]
    assert outcome.margin.tolist() == [[1.0, -1.0]]
    total = math.exp(2) + 1 + math.exp(1)
    assert outcome.probability[0, 0].item() == pytest.approx(math.exp(2) / total)
    assert outcome.loss[0, 1].item() == pytest.approx(-math.log(math.exp(1) / total))
