"""Pairs of examples: which training example helps which other one, and how many of these are noise.

Stored is a pair whose influence reaches the threshold *and* whose q-value is at most .05. A
threshold alone would list noise: of the embedded study's 800,000 same-class pairs at one size some
30,000 lie above .15 and as many would by chance. Every pair can still be looked up, from the bits,
by the relations ``influence_of`` and ``influence_on``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memanalysis.analysis import mixing
from memanalysis.analysis.influence import (
    THRESHOLD,
    Partners,
    Scan,
    Training,
    scan,
)
from memanalysis.analysis.intervals import Floats, jackknife_of, std_error
from memanalysis.analysis.outcomes import Counts
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import Study
from memanalysis.relations.tables import as_table, interval_columns, stack
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import INFLUENCE
from memanalysis.storage.store import Store

# Scores that count as memorised: Feldman & Zhang's .25, the bound of finding F3, and nearly all.
_MEMORIZED: Final = (0.25, 0.5, 0.75)
# Train-train pairs grow with the square of the examples; beyond this `influence_on` serves.
_MOST_TRAIN_PARTNERS: Final = 100_000
_TIE: Final = 1e-11  # scores are fractions of small counts, see trajectories


def influence_tables(store: Store, study: Study) -> tuple[pa.Table, dict[str, Any], dict[str, Any]]:
    """The table ``influence``, and the columns of ``influence_summary`` and ``memorized_partners``.

    Pairs that an importer wrote, which have no counts, are kept in front of the computed ones.
    """
    pairs, summary, memorized = [_imported(store)], [], []
    for objective, condition in study.conditions.items():
        for row, size in enumerate(condition.sizes):
            keys = {"objective": objective, "size": size}
            rank = {"size_rank": study.size_rank[size]}
            training = training_of(study, condition, row)
            known = bool((study.labels >= 0).any())
            for split, partners, ids in _partners(store, study, condition, row, objective):
                found = scan(training, partners, same_class=known)
                rows = _rows(found, condition, ids) | keys | {"split": split}
                pairs.append(as_table(stack([rows]), INFLUENCE))
                summary.append(keys | rank | {"split": split} | _summary(found, training, known))
                if split == "test":
                    shares = _memorized(condition, row, found)
                    memorized.append(keys | rank | shares)
    return pa.concat_tables(pairs), stack(summary), stack(memorized)


def _imported(store: Store) -> pa.Table:
    """Rows that come from no model of this store: their counts are NULL."""
    if not store.table_path("influence").exists():
        return INFLUENCE.empty_table()
    rows = store.read_table("influence")
    rows = rows.filter(pc.is_null(rows["n_in"]))
    return rows.cast(INFLUENCE) if len(rows) else INFLUENCE.empty_table()


def training_of(study: Study, condition: Condition, row: int) -> Training:
    """The training examples at one size, as influence is measured."""
    outcomes = condition.outcomes
    return Training(
        outcomes.in_train[row], outcomes.trained[row], outcomes.groups, condition.half, study.labels
    )


def test_partners(
    store: Store, condition: Condition, row: int, objective: str
) -> tuple[Partners, NDArray[np.int64]]:
    """The test examples at one size, and their ids [m]."""
    outcomes = condition.outcomes
    chosen = [("objective", "=", objective), ("size", "=", outcomes.sizes[row]),
              ("split", "=", "test")]  # fmt: skip
    columns = ["example_id", "label", "correct"]
    test = store.read_table("outcomes", columns, chosen)
    labels = pc.fill_null(test["label"].cast(pa.int64()), -1).to_numpy()
    correct = blob_array(test["correct"]).reshape(len(test), outcomes.correct.shape[-1])
    return Partners(correct, labels), test["example_id"].to_numpy()


def _partners(
    store: Store, study: Study, condition: Condition, row: int, objective: str
) -> Iterator[tuple[str, Partners, Any]]:
    """(split, partners, their ids): the test examples, then the training examples themselves."""
    outcomes = condition.outcomes
    yield "test", *test_partners(store, condition, row, objective)
    if outcomes.n_examples <= _MOST_TRAIN_PARTNERS:
        itself = Partners(outcomes.correct[row], study.labels, same=True)
        yield "train", itself, outcomes.example_id


def _rows(found: Scan, condition: Condition, ids: Any) -> dict[str, Any]:
    pairs = found.pairs
    return {
        "train_id": condition.outcomes.example_id[pairs.train],
        "test_id": ids[pairs.partner],
        "influence": pairs.counts.memorization,
        "n_in": pairs.counts.n_in,
        "n_out": pairs.counts.n_out,
        "std_error": std_error(pairs.counts),
        "q_value": pairs.q_value,
    }


def _summary(found: Scan, training: Training, same_class: bool) -> dict[str, Any]:
    return {
        "threshold": THRESHOLD,
        "same_class": same_class,
        "n_models": int(np.bitwise_count(training.trained).sum()),
        "n_pairs": found.n_pairs,
        "n_above": found.n_above,
        "n_above_by_noise": found.n_above_by_noise,
        "n_significant": len(found.pairs.train),
        "least_p_value": found.least_p_value,
        "jaccard": found.jaccard,
        "n_train": len(np.unique(found.pairs.train)),
        "n_test": len(np.unique(found.pairs.partner)),
    }


def _memorized(condition: Condition, row: int, found: Scan) -> dict[str, Any]:
    """Examples with a score of at least each bound, and the share of them with a test partner.

    Numbers of examples have delete-one-group jackknife intervals. The share has none: which pairs
    stand out is chosen on all models, and a fold that chose anew would have too few.
    """
    interval = jackknife_of(_memorized_examples, condition.counts[:, row])
    total = condition.counts[:, row].sum(0)
    return {
        "threshold": list(_MEMORIZED),
        "n_examples": int(total.filled().sum()),
        **interval_columns("n_memorized", interval[0]),
        **interval_columns("n_memorized_noise_removed", interval[1]),
        "share_with_partner": _share_with_partner(total, found),
        "n_groups": condition.n_groups,
    }


def _memorized_examples(counts: Counts) -> Floats:
    """[2, bounds]: examples at each bound, as counted and with noise removed."""
    weights = mixing.fit(counts)
    shares = np.array([mixing.mass(weights, bound, 2) for bound in _MEMORIZED])
    return np.stack([_reaches(counts).sum(axis=1), shares * counts.filled().sum()])


def _share_with_partner(counts: Counts, found: Scan) -> Floats:
    """[bounds]: share of the examples at each bound that help some test example."""
    helps = np.zeros(counts.n_in.shape[-1], dtype=np.bool_)
    helps[found.pairs.train] = True
    memorized = _reaches(counts)
    n = memorized.sum(axis=1)
    # Where no pair at all stands out, too few models are the reason and no lack of partners.
    possible = (n > 0) & helps.any()
    return np.where(possible, (memorized & helps).sum(axis=1) / np.maximum(n, 1), np.nan)


def _reaches(counts: Counts) -> NDArray[np.bool_]:
    """[bounds, examples]: whether the score is at least the bound."""
    memorized: NDArray[np.bool_] = counts.memorization >= np.array(_MEMORIZED)[:, None] - _TIE
    return memorized
