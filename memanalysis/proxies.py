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
)  # fmt: skip

PROXIES: Final[dict[str, Proxy]] = {proxy.name: proxy for proxy in _DEFINITIONS}

_CLEAN_SUFFIX: Final = "_clean"


def find(name: str) -> Proxy | None:
    """The definition behind a stored proxy's name, or None for a proxy of unknown origin.

    A name ending in ``_clean`` is the same formula over clean evaluations (eval mode, no
    augmentation) at the epochs of ``eval_at``, inside and outside the subset.
    """
    return PROXIES.get(name.removesuffix(_CLEAN_SUFFIX))


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
