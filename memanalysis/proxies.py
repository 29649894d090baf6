"""The proxies: cheap per-example quantities of a training, and which way each of them points.

Let T be the number of epochs, p_t the softmax output at epoch t and y the label. Proxies of one
model are averaged over models, separately inside and outside the subset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

HardIs = Literal["high", "low", "none"]


@dataclass(frozen=True)
class Proxy:
    """One proxy: what it is and how to read it.

    Attributes
    ----------
    formula
        Plain-text formula for one model and one example.
    unit, low, high
        Unit and range; ``high`` None where it is unbounded.
    hard_is
        Which end means hard; ``none`` where the proxy is not monotone in difficulty.
    never_learned
        What an example that was never classified correctly gets.
    evaluation_pass
        Which outputs it is computed from.
    source
        Who defined it.
    registered
        Whether it belongs to the set that the finding ``proxies_miss_trends`` is decided on.
    """

    name: str
    title: str
    formula: str
    unit: str
    low: float | None
    high: float | None
    hard_is: HardIs
    never_learned: str
    evaluation_pass: str
    source: str
    registered: bool = False


_TRAIN_PASS: Final = "training forward pass of the epoch, before the update"
_EPOCHS_PASS: Final = "eval mode, clean images, after chosen epochs; inside and outside the subset"
_FINAL_PASS: Final = "eval mode, clean images, after the last epoch; inside and outside the subset"

_DEFINITIONS: Final = (
    Proxy(
        "cumulative_accuracy", "Cumulative accuracy", "(1/T) sum_t 1[argmax p_t = y]",
        "share of epochs", 0, 1, "low", "0", _TRAIN_PASS,
        "Jiang et al. 2021 (arXiv 2002.03206); called cprox by Lukasik et al.", True,
    ),
    Proxy(
        "cumulative_confidence", "Cumulative confidence", "(1/T) sum_t p_t(y)",
        "probability", 0, 1, "low", "as for any example", _TRAIN_PASS,
        "Jiang et al. 2021 (p_L); Swayamdipta et al. 2020 (data-map confidence)", True,
    ),
    Proxy(
        "cumulative_max_probability", "Cumulative maximum probability",
        "(1/T) sum_t max_c p_t(c)",
        "probability", 0, 1, "low", "as for any example", _TRAIN_PASS,
        "Jiang et al. 2021 (p_max); needs no label",
    ),
    Proxy(
        "cumulative_negative_entropy", "Cumulative negative entropy",
        "(1/T) sum_t sum_c p_t(c) log p_t(c)",
        "nats", None, 0, "low", "as for any example", _TRAIN_PASS,
        "Jiang et al. 2021; needs no label",
    ),
    Proxy(
        "confidence_variability", "Confidence variability",
        "population standard deviation over t of p_t(y)",
        "probability", 0, 0.5, "none", "as for any example", _TRAIN_PASS,
        "Swayamdipta et al. 2020 (data-map variability)",
    ),
    Proxy(
        "forgetting_events", "Forgetting events",
        "sum_t 1[correct at t-1 and wrong at t]",
        "events", 0, None, "high", "T, as Toneva et al. count it", _TRAIN_PASS,
        "Toneva et al. 2019 (arXiv 1812.05159)", True,
    ),
    Proxy(
        "first_learned", "First learned epoch", "first t with argmax p_t = y",
        "epoch, from 1", 1, None, "high", "NULL, and not counted in n_in", _TRAIN_PASS,
        "Toneva et al. 2019 (arXiv 1812.05159)",
    ),
    Proxy(
        "iteration_learned", "Iteration learned",
        "first t with argmax p_s = the finished model's class for all s >= t; T + 1 if p_T differs",
        "epoch, from 1", 1, None, "high", "as any: the label plays no part", _TRAIN_PASS,
        "Baldock et al. 2021 (arXiv 2106.09647)",
    ),
    Proxy(
        "aum", "Area under the margin", "(1/T) sum_t (z_t(y) - max_{c != y} z_t(c))",
        "logit", None, None, "low", "as for any example", _TRAIN_PASS,
        "Pleiss et al. 2020 (arXiv 2001.10528), without its threshold class", True,
    ),
    Proxy(
        "el2n", "EL2N", "|| p_t - onehot(y) ||_2 at epoch t = max(1, round(T/10))",
        "norm", 0, 2**0.5, "high", "as for any example", _TRAIN_PASS,
        "Paul et al. 2021 (arXiv 2107.07075): about a tenth of the way through training",
    ),
    Proxy(
        "cumulative_loss", "Cumulative loss", "sum_t -log p_t(y)",
        "nats", 0, None, "high", "as for any example", _TRAIN_PASS,
        "Ravikumar et al. 2025 (cumulative sample loss, CSL)", True,
    ),
    Proxy(
        "prediction_depth", "Prediction depth",
        "1 + last layer (from 0) whose k-NN probe misses the finished model's class; 0 if none "
        "does. Probes: k = 30 Euclidean neighbours in the model's subset (fewer if it is smaller), "
        "itself excluded, one vote each, ties to the smallest class; layers in the manifest, from "
        "the input to the softmax",
        "layers", 0, None, "high", "as any: the label plays no part", _FINAL_PASS,
        "Baldock et al. 2021 (arXiv 2106.09647); exclusion, votes and ties are ours", True,
    ),
    Proxy(
        "grand", "GraNd", "mean over chosen epochs of || d CE(y, p_t) / d weights ||_2",
        "nats per weight", 0, None, "high", "as for any example", _EPOCHS_PASS,
        "Paul et al. 2021 (arXiv 2107.07075), never at initialisation (Kirsch, arXiv 2303.14753)",
    ),
    Proxy(
        "vog", "Variance of gradients",
        "mean over pixels of the population standard deviation over chosen epochs of d z_t(y) / "
        "d pixel, averaged over channels",
        "logit per pixel", 0, None, "high", "as for any example", _EPOCHS_PASS,
        "Agarwal et al. 2022 (arXiv 2008.11600), raw",
    ),
    Proxy(
        "vog_normalized", "Variance of gradients, normalised",
        "vog less its mean over all training examples of the label, over their standard deviation",
        "standard deviations", None, None, "high", "as for any example", _EPOCHS_PASS,
        "Agarwal et al. 2022 (arXiv 2008.11600)",
    ),
    Proxy(
        "curvature", "Input-loss curvature",
        "mean over chosen epochs and 10 random sign vectors v of "
        "|| d/dx (CE(x + h v) - CE(x)) ||_2, h = 0.001",
        "nats per pixel", 0, None, "high", "as for any example", _EPOCHS_PASS,
        "Garg, Ravikumar and Roy 2024 (arXiv 2307.05831), without the factor 1/h",
    ),
    Proxy(
        "loss_sensitivity", "Loss sensitivity", "mean over chosen epochs of || d CE / dx ||_1",
        "nats per pixel", 0, None, "high", "as for any example", _EPOCHS_PASS,
        "Arpit et al. 2017 (arXiv 1706.05394)",
    ),
    Proxy(
        "second_split_forgetting", "Second-split forgetting time",
        "trained on one half of the subset, then on the other: first epoch of the second half "
        "after which an example of the first stays misclassified; E + 1 if it ends correct",
        "epoch, from 1", 1, None, "low", "1, as what is forgotten at once",
        "eval mode, clean images, after each epoch of two further trainings",
        "Maini et al. 2022 (arXiv 2210.15031), evaluated in eval mode and never stopped early",
    ),
)  # fmt: skip

PROXIES: Final[dict[str, Proxy]] = {proxy.name: proxy for proxy in _DEFINITIONS}

_CLEAN_SUFFIX: Final = "_clean"


def find(name: str) -> Proxy | None:
    """The definition behind a stored proxy's name, or None for a proxy of unknown origin.

    A name ending in ``_clean`` is the same formula over clean evaluations (eval mode, no
    augmentation) at the epochs of ``eval_at``, inside and outside the subset.
    """
    return PROXIES.get(name.removesuffix(_CLEAN_SUFFIX))


def in_words(name: str) -> str:
    """A proxy's title for running text; a name without a definition of ours as it is."""
    known = find(name)
    if known is None:
        return name
    title = known.title
    spelt = title if title[1].isupper() else f"{title[0].lower()}{title[1:]}"
    return f"{spelt} on clean images" if name.endswith("_clean") else spelt


def direction(name: str, declared: Mapping[str, Mapping[str, Any]] | None = None) -> HardIs | None:
    """Which end of a stored proxy means hard, None where nobody says.

    ``declared`` is a manifest's ``proxies``, which speaks for names without a definition here.
    """
    proxy = find(name)
    if proxy is not None:
        return proxy.hard_is
    said: HardIs | None = (declared or {}).get(name, {}).get("hard_is")
    return said


def orientation(name: str, declared: Mapping[str, Mapping[str, Any]] | None = None) -> int:
    """+1 if high values mean hard, -1 if low ones do, 0 if unknown or not monotone."""
    return {"high": 1, "low": -1}.get(direction(name, declared) or "none", 0)
