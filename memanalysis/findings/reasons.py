"""Why a row could not be decided: a code for the store, and the words that report and CLI use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

Reason = Literal[
    "too_few_sizes",
    "too_few_groups",
    "too_few_folds",
    "too_few_saturated_sizes",
    "grows_by_fitting",
    "empty_beside",
    "hardly_anything_memorised",
    "no_alpha",
    "not_recorded",
    "not_kept",
    "no_students",
    "teacher_leaks",
    "memorised_gain_less",
    "too_few_memorised",
    "one_student_size",
    "too_few_proxies",
    "proxies_not_kept",
    "change_too_noisy",
    "too_few_increasing",
    "score_does_not_follow",
    "level_unknown",
    "contradicted",
    "alpha_unused",
]
# Codes are data: what a newer version of the package wrote may be unknown here.
CODES: Final = frozenset(get_args(Reason))

# With these there is no estimate, or none that may be read.
UNDECIDED: Final[frozenset[Reason]] = frozenset(
    {
        "too_few_sizes", "too_few_folds", "hardly_anything_memorised", "no_alpha", "not_recorded",
        "not_kept", "no_students", "too_few_memorised", "one_student_size", "too_few_proxies",
        "proxies_not_kept",
        "change_too_noisy", "too_few_increasing", "score_does_not_follow",
    }
)  # fmt: skip

# {names} are facts of the row.
_WORDS: Final[Mapping[Reason, str]] = {
    "too_few_sizes": "it takes at least two sizes of one-hot models",
    "too_few_groups": "there are too few groups of models",
    "too_few_folds": "in too few groups of models there are enough such examples",
    "too_few_saturated_sizes": "fewer than two sizes fit their training examples, so that fitting "
    "and generalising cannot be told apart here",
    "grows_by_fitting": "the group of scores near 1 may grow only because larger models fit more: "
    "among sizes that fit everything it was not shown to grow by held-out errors",
    "empty_beside": "no score lies in the range that it is compared with, the clearest case",
    "hardly_anything_memorised": "hardly anything is memorised at one of the two sizes",
    "no_alpha": "too few models hold each example out to tell shapes apart",
    "not_recorded": "the label's probability was not recorded",
    "not_kept": "the label's probability is no longer kept for each group of models",
    "no_students": "no distilled models are smaller than their teacher and stand beside one-hot "
    "models of their size",
    "teacher_leaks": "the teacher saw all examples, so that labels of held-out ones leak",
    "memorised_gain_less": "memorised examples gain less than a gain equal for all would give",
    "too_few_memorised": "no size has enough memorised examples in every fold",
    "one_student_size": "it takes two student sizes with enough memorised examples",
    "too_few_proxies": "too few of the proxies that the rule names are in this store",
    "proxies_not_kept": "the proxies are no longer kept for each group of models",
    "change_too_noisy": "the change of the score itself is too noisy (split-half reliability "
    "{reliability:.2f})",
    "too_few_increasing": "in one half of the models only {increasing:.0f} examples are increasing",
    "score_does_not_follow": "the score of other models does not follow its own trend clearly "
    "enough",
    "level_unknown": "it does not tell which examples are memorised",
    "contradicted": "a cross-check contradicts it",
    "alpha_unused": "the rule of this finding does not use alpha",
}


# The same where such a fact is not known.
_WITHOUT: Final[Mapping[Reason, str]] = {
    "change_too_noisy": "the change of the score itself is too noisy",
    "too_few_increasing": "in one half of the models too few examples are increasing",
}


def words(reason: Reason, facts: Mapping[str, float] | None = None) -> str:
    """A reason in words, to stand behind "because"; ``facts`` are numbers by name."""
    try:
        return _WORDS[reason].format_map(facts or {})
    except KeyError:
        return _WITHOUT[reason]
