"""``ma.Recorder``: what one ordinary training shows of its examples, from any training loop."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from memanalysis.errors import DataError
from memanalysis.producer.observe import Dynamics

_SHOWN: Final = ("cumulative_accuracy", "aum", "forgetting_events", "first_learned")
NOTE: Final = (
    "One training, which learned every label: examples are in the order of their AUM, and no "
    "probability of a wrong label can be given. Models that never saw an example say more: "
    "ma.study(model, dataset) trains them and counts what they say."
)


class Recorder:
    """Per-example proxies of one training, from the logits that it computes anyway.

    Three lines in a loop whose loader also gives the places of its examples in the dataset::

        recorder = ma.Recorder(labels, epochs=30)
        ...     recorder.record(ids, logits)          # each batch, before or after the update
        recorder.suspects(20)

    An epoch ends when an example comes again. One that an epoch leaves out (``drop_last``) counts
    with its last logits.

    Parameters
    ----------
    labels
        The labels in the order of the dataset: integers [n], from 0.
    epochs
        How many epochs the training has; EL2N is taken after a tenth of them.

    Raises
    ------
    DataError
        If labels are no such integers.
    """

    def __init__(self, labels: Any, *, epochs: int) -> None:
        given = np.asarray(labels)
        if given.ndim != 1 or not len(given) or given.dtype.kind not in "iu" or given.min() < 0:
            raise DataError(
                f"labels are {given.dtype} {list(given.shape)}; expected whole numbers from 0, one "
                "for each example in the order of the dataset."
            )
        self.labels: NDArray[np.int64] = given.astype(np.int64)
        self._dynamics = Dynamics(torch.from_numpy(self.labels), 1, epochs)
        self._seen = np.zeros(len(given), np.bool_)
        self._ever = self._seen.copy()
        self._logits: Tensor | None = None
        self._sum: Tensor | None = None

    def record(self, ids: Any, logits: Any) -> None:
        """Note a batch: places of its examples, integers [batch], and logits [batch, classes].

        Raises
        ------
        DataError
            If the two do not fit each other or the labels, or an epoch left examples out that were
            never seen.
        """
        at = np.asarray(ids.cpu() if isinstance(ids, Tensor) else ids).reshape(-1)
        values = torch.as_tensor(logits).detach().float().cpu()
        self._require(at, values)
        if self._logits is None:
            self._logits = torch.zeros(len(self.labels), values.shape[1])
            self._sum = torch.zeros_like(self._logits)
        if self._seen[at].any():
            self._end_epoch()
        self._logits[torch.from_numpy(at.astype(np.int64))] = values
        self._seen[at] = self._ever[at] = True

    def _require(self, at: NDArray[Any], values: Tensor) -> None:
        n = len(self.labels)
        if values.ndim != 2 or len(values) != len(at) or at.dtype.kind not in "iu":
            raise DataError(
                f"ids are {at.dtype} {list(at.shape)} and logits {list(values.shape)}; expected "
                "integers [batch] and numbers [batch, classes]."
            )
        if len(at) and not (at.min() >= 0 and at.max() < n):
            raise DataError(
                f"ids are from {at.min()} to {at.max()}; expected places in the dataset, 0 to "
                f"{n - 1}."
            )
        if len(np.unique(at)) < len(at):
            raise DataError("A batch has an example twice; each id may be in it once.")
        classes = values.shape[1] if self._logits is None else self._logits.shape[1]
        if values.shape[1] != classes or self.labels.max() >= classes:
            raise DataError(
                f"logits are of {values.shape[1]} classes; expected {classes}, with labels up to "
                f"{self.labels.max()}."
            )
        if not bool(values.isfinite().all()):
            raise DataError("logits are not all finite: the training has diverged.")

    def _end_epoch(self) -> None:
        assert self._logits is not None  # set by the first batch, like the sum
        assert self._sum is not None
        if not self._ever.all():
            raise DataError(
                f"{np.count_nonzero(~self._ever):,} of {len(self._ever):,} examples were in no "
                "batch of the first epoch. Record every batch, and give a loader that drops none."
            )
        self._dynamics.update(self._logits[None])
        self._sum += self._logits.softmax(-1)
        self._seen[:] = False

    def proxies(self) -> pl.DataFrame:
        """One row per example: ``example_id``, ``label``, and each proxy of ``Dynamics``.

        Their formulas are in ``memanalysis.proxies``. Ends an epoch that is under way.

        Raises
        ------
        DataError
            If nothing was recorded.
        """
        if self._seen.any():
            self._end_epoch()
        if self._logits is None or not self._dynamics.seen:
            raise DataError("Nothing was recorded. Call record(ids, logits) with each batch.")
        found = self._dynamics.result(self._logits.argmax(-1)[None])
        return pl.DataFrame(
            {
                "example_id": np.arange(len(self.labels)),
                "label": self.labels,
                **{name: values[0].numpy() for name, values in found.items()},
            }
        ).with_columns(pl.col("first_learned").fill_nan(None))

    def suspects(self, top: int | None = None) -> pl.DataFrame:
        """Examples in the order of their AUM, the lowest first: all, or the first ``top``.

        ``preferred`` is the class other than the label with the highest mean probability over
        epochs, ``preferred_probability`` that mean. It is an order and nothing more (``NOTE``).
        """
        frame = self.proxies()
        assert self._sum is not None  # there are proxies
        mean = self._sum / self._dynamics.seen
        others = mean.scatter(-1, torch.from_numpy(self.labels)[:, None], -1)
        probability, preferred = others.max(-1)
        frame = frame.select(
            "example_id",
            "label",
            pl.Series("preferred", preferred.numpy()),
            pl.Series("preferred_probability", probability.numpy()),
            *_SHOWN,
        )
        frame = frame.sort("aum", "example_id").with_row_index("rank", offset=1)
        return frame if top is None else frame.head(top)

    def __repr__(self) -> str:
        """Examples and epochs so far, and what can be said from them."""
        return f"<Recorder of {len(self.labels):,} examples, {self._dynamics.seen} epochs. {NOTE}>"
