"""One line for each proxy: what it watches, for readers who have not met it."""

from __future__ import annotations

from typing import Final

from memanalysis import proxies
from memanalysis.figures.fragments import proxy_name

_CLEAN: Final = "_clean"
GLOSSES: Final = {
    "cumulative_accuracy": "how often the example was right while the model trained",
    "cumulative_confidence": "mean probability of its label while the model trained",
    "cumulative_max_probability": "mean probability of whatever class was favoured; needs no label",
    "cumulative_negative_entropy": "how decided the outputs were while training; needs no label",
    "confidence_variability": "how much the probability of its label moved while training",
    "forgetting_events": "how often it was right at one epoch and wrong at the next",
    "first_learned": "the first epoch at which it was right",
    "iteration_learned": "the epoch from which the prediction stayed what it is at the end",
    "aum": "area under the margin: mean lead of its label over the best other class",
    "el2n": "size of the output’s error early in training",
    "cumulative_loss": "its losses added up over training",
    "prediction_depth": "how many layers it takes until neighbours agree with the final output",
    "grand": "size of the gradient that it sends into the weights",
    "vog": "how much the gradient at its pixels changes from epoch to epoch",
    "vog_normalized": "the same, compared with other examples of its class",
    "curvature": "how sharply its loss bends around the image",
    "loss_sensitivity": "how fast its loss changes with the image",
    "second_split_forgetting": "how soon it is forgotten when training goes on without it",
}


def gloss(name: str) -> str:
    """One line on a proxy; for unknown names that it was imported."""
    base = name.removesuffix(_CLEAN)
    line = GLOSSES.get(base)
    if line is None:
        return "imported, without a definition of ours"
    return f"{line} (clean images, evaluation mode)" if name != base else line


def spelt(name: str) -> str:
    """A proxy's name as charts write it."""
    return proxy_name(name)


def in_order(names: list[str]) -> list[str]:
    """Proxies in the order of their definitions, others last by name."""
    order = list(proxies.PROXIES)
    return sorted(
        names,
        key=lambda name: (
            order.index(base) if (base := name.removesuffix(_CLEAN)) in order else len(order),
            name,
        ),
    )
