import numpy as np
import pytest
from drawn_counts import drawn

from memanalysis.analysis.equal_gain import contrasts
from memanalysis.analysis.outcomes import Counts


def _terms(a: Counts, b: Counts, by: int, student: int, group: int) -> dict[str, float]:
    """One fold by loops: contrasts of fit, generalising and variance, mean gain and variance."""
    groups = range(len(a.n_in))
    high, low, everyone = [], [], []
    for i in range(a.n_in.shape[-1]):
        chosen_by = (a, b)[by]
        others = [g for g in groups if g != group]
        p_in, p_out = (
            sum(int(h[g, student, i]) for g in others) / sum(int(n[g, student, i]) for g in others)
            for h, n in (
                (chosen_by.hits_in, chosen_by.n_in), (chosen_by.hits_out, chosen_by.n_out)
            )
        )  # fmt: skip
        row = {}
        for name, c in (("a", a), ("b", b)):
            k, n = int(c.hits_out[group, student, i]), int(c.n_out[group, student, i])
            row[f"in_{name}"] = c.hits_in[group, student, i] / c.n_in[group, student, i]
            row[f"out_{name}"] = k / n
            row[f"v_{name}"] = k * (n - k) / (n * (n - 1))
        values = [
            row["in_b"] - row["in_a"], row["out_a"] - row["out_b"], (row["v_a"] + row["v_b"]) / 2,
        ]  # fmt: skip
        everyone.append(values)
        score = p_in - p_out
        if score >= 0.5 - 1e-9:
            high.append(values)
        elif score < 0.25 - 1e-9:
            low.append(values)
    fit, generalise, variance = np.mean(high, axis=0) - np.mean(low, axis=0)
    gain, mean_variance = -np.mean(everyone, axis=0)[1], np.mean(everyone, axis=0)[2]
    return {
        "fit": fit, "generalise": generalise, "variance": variance, "gain": gain,
        "mean_variance": mean_variance,
    }  # fmt: skip


def _excess(folds: list[dict[str, float]]) -> tuple[float, float]:
    mean = {name: np.mean([fold[name] for fold in folds]) for name in folds[0]}
    null = -mean["gain"] / mean["mean_variance"] * mean["variance"]
    return null, mean["generalise"] - null


def test_terms_equal_a_loop_over_images() -> None:
    """Fit, null and excess, per student and averaged, with delete-one-group limits, by loops."""
    a, b = drawn(5, 2, 80, seed=5), drawn(5, 2, 80, seed=6)
    measured = contrasts(a, b, minimum=1)
    found = measured.per_student()
    for by in range(2):
        replicates, estimates = np.zeros((5, 2)), np.zeros(2)
        for student in range(2):
            folds = [_terms(a, b, by, student, group) for group in range(5)]
            null, excess = _excess(folds)
            assert float(found["null"].estimate[by, student]) == pytest.approx(null)
            assert float(found["excess"].estimate[by, student]) == pytest.approx(excess)
            fits = np.mean([fold["fit"] for fold in folds])
            assert float(found["fit"].estimate[by, student]) == pytest.approx(fits)
            estimates[student] = excess
            for group in range(5):
                rest = [fold for g, fold in enumerate(folds) if g != group]
                replicates[group, student] = _excess(rest)[1]
        average = measured.averaged(np.arange(2))["excess"]
        assert float(average.estimate[by]) == pytest.approx(estimates.mean())
        mean = replicates.mean(axis=1)
        se = np.sqrt(4 / 5 * ((mean - mean.mean()) ** 2).sum())
        assert float(average.high[by] - average.estimate[by]) == pytest.approx(2.776445 * se)


def test_an_equal_gain_in_logits_has_no_excess() -> None:
    """All gain .3 logit: what generalising brings differs by score, the excess does not."""
    rng = np.random.default_rng(7)
    p = rng.beta(0.7, 0.5, (1, 4000))
    gained = p * np.exp(0.3) / (1 - p + p * np.exp(0.3))
    shape = (8, 1, 4000)
    a, b = (
        Counts(
            np.full(shape, 30), np.full(shape, 30),
            rng.binomial(30, np.broadcast_to(rates, shape)), np.full(shape, 30),
        )
        for rates in (p, gained)
    )  # fmt: skip
    found = contrasts(a, b).per_student()
    for by in range(2):
        assert float(found["generalise"].high[by, 0]) < -0.01
        assert abs(float(found["excess"].estimate[by, 0])) < 0.004


def test_a_single_held_out_model_has_no_variance() -> None:
    """Groups that hold each image out once leave nothing to measure, and say so by NaN."""
    a, b = drawn(5, 1, 60, seed=8, n_out=1), drawn(5, 1, 60, seed=9, n_out=1)
    measured = contrasts(a, b, minimum=1)
    assert measured.n_folds.sum() == 0
    assert np.isnan(measured.averaged(np.arange(1))["excess"].estimate).all()
