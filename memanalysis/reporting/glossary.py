"""The recurring terms, explained once and linked from wherever they appear."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape


@dataclass(frozen=True)
class Term:
    """A term, what it means, and how it is written in running text (a regular expression)."""

    anchor: str
    name: str
    meaning: str
    written: str


TERMS: Final = (
    Term(
        "subset",
        "subset",
        "The part of the training examples that one model learned from, drawn at random. Models "
        "on different subsets show what difference one example makes.",
        r"random (?:\d[\d.]* % )?subset",
    ),
    Term(
        "group",
        "group of models",
        "A few subsets that together hold out every example equally often, with all models "
        "trained on them. Groups are independent of each other, so intervals come from them.",
        r"groups? of models|delete-one-group jackknife",
    ),
    Term(
        "p-in",
        "p_in",
        "How often models classify an example correctly when it was in their training subset; "
        "accuracy_in in SQL.",
        r"p_in",
    ),
    Term(
        "p-out",
        "p_out",
        "How often models classify an example correctly when it was held out of their training; "
        "accuracy_out in SQL.",
        r"p_out",
    ),
    Term(
        "score",
        "memorisation score",
        "p_in − p_out; memorization in SQL. Near 0, an example is right or wrong whether or not it "
        "was trained on. Near 1, models get it right only if they saw it: they have memorised it.",
        r"memorisation scores?",
    ),
    Term(
        "saturated",
        "saturated",
        "A size whose models fit their training examples almost perfectly: mean p_in is at least "
        "0.99. Scores can then only differ by p_out.",
        r"saturated",
    ),
    Term(
        "one-hot",
        "one-hot labels",
        "Ordinary training: the model is told the label of each example and nothing else.",
        r"one-hot(?: labels)?",
    ),
    Term(
        "distilled",
        "distilled",
        "Trained to imitate the outputs of another model, the teacher, instead of the labels alone "
        "(knowledge distillation).",
        r"distilled|distillation",
    ),
    Term(
        "teacher-scope",
        "teacher scope",
        "Which examples the teacher had seen. “same_subset”: those of its student and no others. "
        "“full_data”: all of them, so that a student hears of its held-out examples as well.",
        r"teacher_scope|teacher’s scope",
    ),
    Term(
        "trajectory",
        "trajectory",
        "An example’s memorisation score at every size, from the smallest model to the largest.",
        r"trajector(?:y|ies)",
    ),
    Term(
        "alpha",
        "α",
        "The smallest change of a score that counts as one.",
        r"α",
    ),
    Term(
        "noise-share",
        "noise share",
        "The share of examples that would fall into a category by chance alone, if no example "
        "changed. For categories of change, only what exceeds it says anything.",
        r"noise share|noise alone",
    ),
    Term(
        "polarisation",
        "polarisation",
        "How far scores have moved to the two ends: 0 where all examples have the same score, 1 "
        "where every score is 0 or 1.",
        r"[Pp]olarisation",
    ),
    Term(
        "upper-mode",
        "upper-mode ratio",
        "Examples with a score above 0.9, as a multiple of those between 0.7 and 0.8. Above 1 the "
        "upper end of the scores is a peak of its own.",
        r"[Uu]pper-mode ratio",
    ),
    Term(
        "dip",
        "Hartigan’s dip",
        "How far the distribution of scores is from the nearest one with a single peak; 0 if it "
        "has one peak itself.",
        r"Hartigan’s dip",
    ),
    Term(
        "bic",
        "ΔBIC",
        "How much better one of two descriptions fits than the other, each charged for its number "
        "of parameters. Beyond 10 either way is strong evidence.",
        r"ΔBIC",
    ),
    Term(
        "q-value",
        "q-value",
        "Of all that is called significant at this value or a smaller one, the share that is "
        "expected to be chance.",
        r"q-values?",
    ),
    Term(
        "proxy",
        "proxy",
        "A quantity that costs one training instead of many and is used in place of the score, "
        "such as how often an example was forgotten while learning.",
        r"[Pp]rox(?:y|ies)",
    ),
    Term(
        "interval",
        "95 % interval",
        "The range of values that agree with the data: such ranges contain the true value 95 times "
        "out of 100.",
        r"95 % intervals?",
    ),
    Term(
        "undetermined",
        "undetermined",
        "Too few models, or too little data of the right kind, to tell; or a claim that holds by "
        "its conditions and not by a cross-check. It does not mean that nothing happens.",
        r"“undetermined”",
    ),
)

_WRITTEN: Final = re.compile(
    "|".join(rf"(?P<t{i}>(?<!\w)(?:{term.written})(?!\w))" for i, term in enumerate(TERMS))
)


def coded(text: str) -> Markup:
    """``text`` with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


class Glossary:
    """Links terms to their explanations: each once, where one instance first meets it."""

    def __init__(self) -> None:
        self._met: set[str] = set()

    def __call__(self, text: str) -> Markup:
        """``text`` escaped, with links."""
        unbroken = re.sub(r"(?<=\d) %", "\u202f%", _WRITTEN.sub(self._link, str(escape(text))))
        return Markup(unbroken)

    def _link(self, match: re.Match[str]) -> str:
        group = match.lastgroup or ""
        if group in self._met:
            return match[0]
        self._met.add(group)
        term = TERMS[int(group[1:])]
        meaning = escape(term.meaning)
        return f'<a class="term" href="#term-{term.anchor}" title="{meaning}">{match[0]}</a>'
