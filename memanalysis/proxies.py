"""The proxies: cheap per-example quantities of a training, and which way each of them points.

Let T be the number of epochs, p_t the softmax output at epoch t and y the label. Proxies of one
model are averaged over models, separately inside and outside the subset.

All that is said of a proxy stands in its record here, and what computes it in a recorder of
``memanalysis.producer.recorders``. A package of one's own adds proxies by entry points of the group
``memanalysis.proxies``, each of which names a ``Proxy`` with a ``Recording``::

    [project.entry-points."memanalysis.proxies"]
    gradient_norm = "mypackage.records:GRADIENT_NORM"

Its name is then one of ``[observe] proxies`` in study files. The module of the record must not
import torch; that of the recorder, which ``Recording.recorder`` names, is imported for training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final, Literal

from memanalysis.errors import MemanalysisError

HardIs = Literal["high", "low", "none"]

GROUP: Final = "memanalysis.proxies"  # of entry points
CURVATURE_DIRECTIONS: Final = 10  # Garg, Ravikumar and Roy 2024 (arXiv 2307.05831)
NEIGHBOURS: Final = 30  # Baldock et al. 2021 (arXiv 2106.09647)


@dataclass(frozen=True)
class Recording:
    """Recording of a proxy by the network itself, and its price.

    Attributes
    ----------
    recorder
        ``package.module:attribute``, which makes a ``producer.recorders.ProxyRecorder`` of an
        ``Ensemble``. Proxies with the same recorder share one.
    passes
        Forward passes over all training examples that one look takes, or as much arithmetic.
    trainings
        Further trainings, as shares of the model's own.
    distances
        Whether each example is compared with the subset in all layers.
    epochs
        The epochs after which it looks at the network if the study does not say, of the number of
        epochs; None where it is no matter of epochs.
    fewest
        How many epochs it takes at least.
    not_untrained
        Why epoch 0, before any training, is refused, where there is more to say than its number.
    default
        Whether a study that does not say records it.
    """

    recorder: str
    passes: float = 0
    trainings: float = 0
    distances: bool = False
    epochs: Callable[[int], tuple[int, ...]] | None = None
    fewest: int = 1
    not_untrained: str = ""
    default: bool = False


@dataclass(frozen=True)
class Proxy:
    """One proxy: what it is, how to read it and how it is recorded.

    Those on which the finding ``proxies_miss_trends`` is decided are in ``findings.toml``.

    Attributes
    ----------
    title
        As a heading.
    summary
        What it watches, for readers who have not met it.
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
    label
        As charts and tables write it; the name with spaces if it is not given.
    clean
        Whether its formula makes sense for a handful of clean evaluations.
    recording
        How it is recorded; None where the logits of the training pass give it.
    beside
        The proxy whose recorder gives this one, too.
    """

    name: str
    title: str
    summary: str
    formula: str
    unit: str
    low: float | None
    high: float | None
    hard_is: HardIs
    never_learned: str
    evaluation_pass: str
    source: str
    label: str = ""
    clean: bool = False
    recording: Recording | None = None
    beside: str | None = None

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " "))


def spread(last: int, *shares: float) -> tuple[int, ...]:
    """Epochs at shares of the way to the ``last``: distinct, ascending, from 1."""
    return tuple(sorted({max(1, round(share * last)) for share in shares}))


def _four(last: int) -> tuple[int, ...]:
    """Means over all epochs in their sources; four evenly spaced ones are what can be afforded."""
    return spread(last, 0.25, 0.5, 0.75, 1.0)


_TRAIN_PASS: Final = "training forward pass of the epoch, before the update"
_EPOCHS_PASS: Final = "eval mode, clean images, after chosen epochs; inside and outside the subset"
_FINAL_PASS: Final = "eval mode, clean images, after the last epoch; inside and outside the subset"
_RECORDERS: Final = "memanalysis.producer.recorders"
_INPUT_GRADIENTS: Final = f"{_RECORDERS}.gradients:InputGradients.of"

_DEFINITIONS: Final = (
    Proxy(
        "cumulative_accuracy", "Cumulative accuracy",
        "how often the example was right while the model trained",
        "(1/T) sum_t 1[argmax p_t = y]",
        "share of epochs", 0, 1, "low", "0", _TRAIN_PASS,
        "Jiang et al. 2021 (arXiv 2002.03206); called cprox by Lukasik et al.",
        clean=True,
    ),
    Proxy(
        "cumulative_confidence", "Cumulative confidence",
        "mean probability of its label while the model trained",
        "(1/T) sum_t p_t(y)",
        "probability", 0, 1, "low", "as for any example", _TRAIN_PASS,
        "Jiang et al. 2021 (p_L); Swayamdipta et al. 2020 (data-map confidence)",
        clean=True,
    ),
    Proxy(
        "cumulative_max_probability", "Cumulative maximum probability",
        "mean probability of whatever class was favoured; needs no label",
        "(1/T) sum_t max_c p_t(c)",
        "probability", 0, 1, "low", "as for any example", _TRAIN_PASS,
        "Jiang et al. 2021 (p_max); needs no label",
        label="cumulative max. probability",
        clean=True,
    ),
    Proxy(
        "cumulative_negative_entropy", "Cumulative negative entropy",
        "how decided the outputs were while training; needs no label",
        "(1/T) sum_t sum_c p_t(c) log p_t(c)",
        "nats", None, 0, "low", "as for any example", _TRAIN_PASS,
        "Jiang et al. 2021; needs no label",
        clean=True,
    ),
    Proxy(
        "confidence_variability", "Confidence variability",
        "how much the probability of its label moved while training",
        "population standard deviation over t of p_t(y)",
        "probability", 0, 0.5, "none", "as for any example", _TRAIN_PASS,
        "Swayamdipta et al. 2020 (data-map variability)",
    ),
    Proxy(
        "forgetting_events", "Forgetting events",
        "how often it was right at one epoch and wrong at the next",
        "sum_t 1[correct at t-1 and wrong at t]",
        "events", 0, None, "high", "T, as Toneva et al. count it", _TRAIN_PASS,
        "Toneva et al. 2019 (arXiv 1812.05159)",
    ),
    Proxy(
        "first_learned", "First learned epoch",
        "the first epoch at which it was right",
        "first t with argmax p_t = y",
        "epoch, from 1", 1, None, "high", "NULL, and not counted in n_in", _TRAIN_PASS,
        "Toneva et al. 2019 (arXiv 1812.05159)",
    ),
    Proxy(
        "iteration_learned", "Iteration learned",
        "the epoch from which the prediction stayed what it is at the end",
        "first t with argmax p_s = the finished model's class for all s >= t; T + 1 if p_T differs",
        "epoch, from 1", 1, None, "high", "as any: the label plays no part", _TRAIN_PASS,
        "Baldock et al. 2021 (arXiv 2106.09647)",
    ),
    Proxy(
        "aum", "Area under the margin",
        "area under the margin: mean lead of its label over the best other class",
        "(1/T) sum_t (z_t(y) - max_{c != y} z_t(c))",
        "logit", None, None, "low", "as for any example", _TRAIN_PASS,
        "Pleiss et al. 2020 (arXiv 2001.10528), without its threshold class",
        label="AUM",
        clean=True,
    ),
    Proxy(
        "el2n", "EL2N",
        "size of the output’s error early in training",
        "|| p_t - onehot(y) ||_2 at epoch t = max(1, round(T/10))",
        "norm", 0, 2**0.5, "high", "as for any example", _TRAIN_PASS,
        "Paul et al. 2021 (arXiv 2107.07075): about a tenth of the way through training",
        label="EL2N",
    ),
    Proxy(
        "cumulative_loss", "Cumulative loss",
        "its losses added up over training",
        "sum_t -log p_t(y)",
        "nats", 0, None, "high", "as for any example", _TRAIN_PASS,
        "Ravikumar et al. 2025 (cumulative sample loss, CSL)",
        clean=True,
    ),
    Proxy(
        "grand", "GraNd",
        "size of the gradient that it sends into the weights",
        "mean over chosen epochs of || d CE(y, p_t) / d weights ||_2",
        "nats per weight", 0, None, "high", "as for any example", _EPOCHS_PASS,
        "Paul et al. 2021 (arXiv 2107.07075), never at initialisation (Kirsch, arXiv 2303.14753)",
        label="GraNd",
        # A tenth of the way, where EL2N looks: Paul et al. 2021 find both of use early.
        recording=Recording(
            f"{_RECORDERS}.gradients:ParameterGradients.of", passes=5,
            epochs=lambda last: spread(last, 0.1),
            not_untrained="GraNd at initialisation does not reproduce (Kirsch, arXiv 2303.14753: "
            "it follows the norm of the input)",
        ),
    ),
    Proxy(
        "vog", "Variance of gradients",
        "how much the gradient at its pixels changes from epoch to epoch",
        "mean over pixels of the population standard deviation over chosen epochs of d z_t(y) / "
        "d pixel, averaged over channels",
        "logit per pixel", 0, None, "high", "as for any example", _EPOCHS_PASS,
        "Agarwal et al. 2022 (arXiv 2008.11600), raw",
        label="VoG",
        # Three late checkpoints, as in the authors' demo.
        recording=Recording(
            _INPUT_GRADIENTS, passes=2, epochs=lambda last: spread(last, 0.8, 0.9, 1.0), fewest=2
        ),
    ),
    Proxy(
        "vog_normalized", "Variance of gradients, normalised",
        "the same, compared with other examples of its class",
        "vog less its mean over all training examples of the label, over their standard deviation",
        "standard deviations", None, None, "high", "as for any example", _EPOCHS_PASS,
        "Agarwal et al. 2022 (arXiv 2008.11600)",
        label="VoG, normalised",
        beside="vog",
    ),
    Proxy(
        "curvature", "Input-loss curvature",
        "how sharply its loss bends around the image",
        "mean over chosen epochs and 10 random sign vectors v of "
        "|| d/dx (CE(x + h v) - CE(x)) ||_2, h = 0.001",
        "nats per pixel", 0, None, "high", "as for any example", _EPOCHS_PASS,
        "Garg, Ravikumar and Roy 2024 (arXiv 2307.05831), without the factor 1/h",
        recording=Recording(
            _INPUT_GRADIENTS, passes=2 * (1 + CURVATURE_DIRECTIONS), epochs=_four
        ),
    ),
    Proxy(
        "loss_sensitivity", "Loss sensitivity",
        "how fast its loss changes with the image",
        "mean over chosen epochs of || d CE / dx ||_1",
        "nats per pixel", 0, None, "high", "as for any example", _EPOCHS_PASS,
        "Arpit et al. 2017 (arXiv 1706.05394)",
        recording=Recording(_INPUT_GRADIENTS, passes=2, epochs=_four),
    ),
    Proxy(
        "prediction_depth", "Prediction depth",
        "how many layers it takes until neighbours agree with the final output",
        "1 + last layer (from 0) whose k-NN probe misses the finished model's class; 0 if none "
        "does. Probes: k = 30 Euclidean neighbours in the model's subset (fewer if it is smaller), "
        "itself excluded, one vote each, ties to the smallest class; layers in the manifest, from "
        "the input to the softmax",
        "layers", 0, None, "high", "as any: the label plays no part", _FINAL_PASS,
        "Baldock et al. 2021 (arXiv 2106.09647); exclusion, votes and ties are ours",
        recording=Recording(
            f"{_RECORDERS}.depth:PredictionDepth", passes=1, distances=True, default=True
        ),
    ),
    Proxy(
        "second_split_forgetting", "Second-split forgetting time",
        "how soon it is forgotten when training goes on without it",
        "trained on one half of the subset, then on the other: first epoch of the second half "
        "after which an example of the first stays misclassified; E + 1 if it ends correct",
        "epoch, from 1", 1, None, "low", "1, as what is forgotten at once",
        "eval mode, clean images, after each epoch of two further trainings",
        "Maini et al. 2022 (arXiv 2210.15031), evaluated in eval mode and never stopped early",
        label="second-split forgetting",
        # Two trainings, and in each the first half is evaluated after every epoch on the second.
        recording=Recording(f"{_RECORDERS}.second_split:SecondSplit", trainings=2 + 1 / 3),
    ),
)  # fmt: skip

PROXIES: Final[dict[str, Proxy]] = {proxy.name: proxy for proxy in _DEFINITIONS}

_CLEAN_SUFFIX: Final = "_clean"


@cache
def available() -> Mapping[str, Proxy]:
    """All proxies by name: ours, then those of installed packages.

    Raises
    ------
    MemanalysisError
        If an entry point of the group ``memanalysis.proxies`` names no proxy that can be recorded.
    """
    proxies = dict(PROXIES)
    for point in sorted(entry_points(group=GROUP)):
        where = f"The entry point '{point.name}' of the group {GROUP}, '{point.value}',"
        try:
            proxy = point.load()
        except (ImportError, AttributeError) as error:
            raise MemanalysisError(f"{where} cannot be imported: {error}.") from error
        if not isinstance(proxy, Proxy) or proxy.recording is None:
            raise MemanalysisError(f"{where} is not a memanalysis.proxies.Proxy with a Recording.")
        if proxy.name in proxies:
            raise MemanalysisError(f"{where} has the name of another proxy, '{proxy.name}'.")
        proxies[proxy.name] = proxy
    return proxies


def declarations(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Manifest entries of those recorded proxies that have no definition here."""
    return {
        name: {"hard_is": proxy.hard_is, "formula": proxy.formula, "source": proxy.source}
        for name in names
        if name not in PROXIES and (proxy := available().get(name)) is not None
    }


def recordable() -> dict[str, Recording]:
    """The proxies that a study can ask for, in the order in which its settings name them."""
    return {name: p.recording for name, p in available().items() if p.recording is not None}


def find(name: str) -> Proxy | None:
    """Our definition behind a stored proxy's name, or None for a proxy of another origin.

    For those a store speaks itself (its manifest's ``proxies``), whatever is installed. A name
    ending in ``_clean`` is the same formula over clean evaluations (eval mode, no augmentation) at
    the epochs of ``eval_at``, inside and outside the subset.
    """
    return PROXIES.get(name.removesuffix(_CLEAN_SUFFIX))


def label(name: str) -> str:
    """A stored proxy as charts and tables write it: 'cumulative accuracy', 'AUM (clean)'."""
    base = name.removesuffix(_CLEAN_SUFFIX)
    proxy = find(name)
    words = proxy.label if proxy is not None else base.replace("_", " ")
    return words if base == name else f"{words} (clean)"


def summary(name: str) -> str:
    """One line on a stored proxy for readers who have not met it."""
    proxy = find(name)
    if proxy is None:
        return "imported or of another package, without a definition of ours"
    clean = name.endswith(_CLEAN_SUFFIX)
    return f"{proxy.summary} (clean images, evaluation mode)" if clean else proxy.summary


def in_order(names: Iterable[str]) -> list[str]:
    """Stored proxies in the order of their definitions, others last by name."""
    order = list(PROXIES)

    def place(name: str) -> tuple[int, str]:
        base = name.removesuffix(_CLEAN_SUFFIX)
        return (order.index(base) if base in order else len(order), name)

    return sorted(names, key=place)


def in_words(name: str) -> str:
    """A proxy's title for running text; a name without a definition of ours as it is."""
    known = find(name)
    if known is None:
        return name
    title = known.title
    spelt = title if title[1].isupper() else f"{title[0].lower()}{title[1:]}"
    return f"{spelt} on clean images" if name.endswith("_clean") else spelt


def direction(name: str, declared: Mapping[str, Mapping[str, Any]] | None = None) -> HardIs | None:
    """The end of a stored proxy that means hard, None where nobody says.

    ``declared`` is a manifest's ``proxies``, which speaks for names without a definition here.
    """
    declaration: HardIs | None = (declared or {}).get(name, {}).get("hard_is")
    proxy = find(name)
    return declaration if proxy is None else proxy.hard_is


def orientation(name: str, declared: Mapping[str, Mapping[str, Any]] | None = None) -> int:
    """+1 if high values mean hard, -1 if low ones do, 0 if unknown or not monotone."""
    return {"high": 1, "low": -1}.get(direction(name, declared) or "none", 0)
