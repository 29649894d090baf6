"""One reading of a study: every relation once, and what all captions have in common."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import polars as pl

from memanalysis import wording
from memanalysis.bundled_studies import embedded_path
from memanalysis.errors import StoreError
from memanalysis.figures import sizes, theme
from memanalysis.figures.figure import Figure
from memanalysis.reporting import blocks
from memanalysis.reporting.options import Options
from memanalysis.studies import Study

# Most figures begin with these.
_ASKED_OFTEN: Final = ("memorization", "trajectories", "examples", "models")
_FEW: Final = 3  # ways of teaching that a caption can spell out
_SCOPES: Final = {
    "same_subset": "trained on the same subset as its student",
    "full_data": "trained on all examples, so that held-out labels leak",
}


class Reading:
    """A study's relations, each read once, with the words that describe its models."""

    def __init__(self, study: Study, options: Options | None = None) -> None:
        self.study = study
        self.options = options or Options()
        self.manifest = study.manifest
        self._tables: dict[str, pl.DataFrame] = {}
        study.cache(*_ASKED_OFTEN)

    def table(self, name: str, /) -> pl.DataFrame:
        """Return the relation ``name``, whole."""
        if name not in self._tables:
            self._tables[name] = self.study.table(name)
        return self._tables[name]

    @property
    def examples(self) -> int | None:
        """Number of examples that may carry their images; None where nobody said."""
        return self.options.examples

    def has(self, section: str) -> bool:
        """True if the report has the section, so that a link to it leads somewhere."""
        return self.options.has(section)

    def sql(self, text: str) -> pl.DataFrame:
        """Return the result of a query."""
        return self.study.sql(text)

    @cached_property
    def objectives(self) -> list[str]:
        """The objectives with models, in the contract's order."""
        return theme.known_order(self.table("models")["objective"].to_list(), theme.OBJECTIVES)

    @property
    def primary(self) -> str:
        """The objective that single-objective figures show: ``one_hot`` where there is one."""
        return self.objectives[0] if self.objectives else theme.OBJECTIVES[0]

    @cached_property
    def sizes(self) -> list[str]:
        """The sizes with models, smallest first."""
        return theme.in_order(self.table("models"))

    @cached_property
    def spoken(self) -> dict[str, str]:
        """The sizes as sentences name them: 'width 16'."""
        return theme.spoken(self.sizes)

    @cached_property
    def things(self) -> str:
        """Word for examples: images, where the store has them."""
        examples = self.table("examples")
        return "examples" if examples["image"].null_count() == len(examples) else "images"

    @property
    def distilled(self) -> bool:
        """True if distilled models stand beside models trained on labels."""
        return set(theme.OBJECTIVES) <= set(self.objectives)

    @property
    def students(self) -> list[str]:
        """The distilled objectives that stand beside ``one_hot``, the main one first."""
        found = [name for name in self.objectives if name.startswith(theme.OBJECTIVES[1])]
        return found if theme.OBJECTIVES[0] in self.objectives else []

    @cached_property
    def alphas(self) -> dict[str, float]:
        """The smallest relevant change of a score by objective, where there is one."""
        rows = self.sql(
            "select objective, max(alpha) from trajectory_tests where alpha is not null group by 1"
        )
        found = dict(rows.iter_rows())
        return {name: found[name] for name in theme.known_order(list(found), theme.OBJECTIVES)}

    def stars(self, *objectives: str) -> str:
        """Say what the stars behind sizes mean; empty where there are none."""
        every, some = sizes.saturated(self, *objectives)
        if not every and not some:
            return ""
        marks = ["*\u00a0marks saturated sizes"] if every else []
        marks += ["†\u00a0marks sizes saturated under some objectives only"] if some else []
        return f" {', '.join(marks)}."

    @cached_property
    def teacher(self) -> str:
        """The teacher in words: size, scope, temperature and weight; empty without one."""
        return self.teacher_of("distilled")

    @property
    def teacher_in_words(self) -> str:
        """The teacher of the first way of teaching in one sentence, with its size and scope."""
        rows = self.table("models").filter(pl.col("objective") == self.students[0])
        size, scope = rows.select("teacher_size", "teacher_scope").row(0)
        saw = _SCOPES.get(scope, "scope unknown")
        return f"Teacher: {self.spoken.get(size, size or 'unknown')}, {saw}."

    def teacher_of(self, objective: str, *, short: bool = False) -> str:
        """The teacher of one distilled objective in words; empty for any other.

        ``short`` is for captions, which repeat it.
        """
        if not objective.startswith(theme.OBJECTIVES[1]):
            return ""
        targets = self._targets(objective)
        rows = (
            self.table("models")
            .filter(pl.col("objective") == objective)
            .select("teacher_size", "teacher_scope", "temperature", "distillation_weight")
            .unique(maintain_order=True)
        )
        if short:
            # One way of teaching is described at the top of the page and in its section.
            ways = self.table("models").filter(pl.col("objective") != theme.OBJECTIVES[0])
            told = targets if ways["objective"].n_unique() > 1 else ""
            return "; ".join(_teacher_in_short(row, told) for row in rows.iter_rows(named=True))
        return "; ".join(_teacher(row, targets) for row in rows.iter_rows(named=True))

    def _targets(self, objective: str) -> str:
        """Kind of targets: a teacher's outputs, soft, or its decisions, hard."""
        said = self.manifest.settings.get("distillation") or {}
        variant = objective.removeprefix(theme.OBJECTIVES[1]).removeprefix("_")
        mine = (said.get("variants") or {}).get(variant) or {}
        return str(mine.get("targets") or said.get("targets") or "soft")

    def conditions(self, *objectives: str) -> str:
        """Say under which conditions a figure of these objectives was measured."""
        drawn = theme.told_apart(self.table("models"))
        names = objectives or tuple(name for name in self.objectives if name in drawn)
        models = self.table("models").filter(pl.col("objective").is_in(names))
        per_size = models.group_by("objective", "size").len()["len"]
        parts = [
            f"n = {wording.count(self.manifest.n_train)} training examples",
            f"{_range(per_size)} models per size and objective",
        ]
        students = [name for name in names if name.startswith(theme.OBJECTIVES[1])]
        if len(students) > _FEW:
            others = [wording.objective(name) for name in names if name not in students]
            parts.append(wording.listed([*others, f"{len(students)} ways of teaching"]))
        else:
            parts.append(wording.listed([wording.objective(name) for name in names]))
            parts += [self.teacher_of(name, short=True) for name in students]
        left_out = len(self.objectives) - len(names)
        if not objectives and left_out:
            ways = wording.plural(left_out, "other way", "other ways")
            parts.append(f"{ways} of teaching not drawn")
        return "; ".join(filter(None, parts)) + "."

    def class_name(self, label: int | None) -> str:
        """Return the class behind a label, the number itself where the store names none."""
        names = self.manifest.class_names
        if label is None:
            return "no label"
        return names[label] if 0 <= label < len(names) else f"class {label}"

    @property
    def n_classes(self) -> int:
        """Number of classes that the study names."""
        return len(self.manifest.class_names)

    def figure(
        self,
        figure: Figure,
        name: str = "",
        objectives: Sequence[str] | None = None,
        **parameters: Any,
    ) -> blocks.Figure:
        """Return ``figure`` of the study, drawn from the rows of the query that it shows.

        ``name`` is that on the page, by default the figure's; ``objectives`` are those that its
        conditions name, by default the one that it is asked for; with none of them, all.
        """
        sql = figure.sql(**parameters)
        frame = self.sql(sql)
        # The tests of the figures validate them; here it would take as long as everything else.
        chart = figure.chart(frame, self, **parameters)
        spec: dict[str, Any] = chart.to_dict(validate=False)
        title, subtitle = _titles(spec.pop("title"))
        call = spec["usermeta"].pop("call", "")
        spec.pop("config", None)
        if objectives is None:
            objectives = (parameters["objective"],) if "objective" in parameters else ()
        return blocks.Figure(
            name=name or figure.name.replace("_", "-"),
            title=title,
            subtitle=subtitle,
            caption=figure.words(frame, self, **parameters),
            conditions=self.conditions(*objectives),
            spec=spec,
            sql=sql,
            frame=frame,
            python=self._python(call),
        )

    def _python(self, call: str) -> str:
        """The text that draws a chart in a notebook; the store is named, its folder is not."""
        if not call:
            return ""
        where = "" if _comes_with_memanalysis(self.study) else f'"{self.study.path.name}"'
        return f"import memanalysis\n\nstudy = memanalysis.open({where})\nmemanalysis.charts.{call}"


def _titles(title: str | dict[str, Any]) -> tuple[str, str]:
    """Title of a chart and, where that is a result, what is drawn."""
    if isinstance(title, str):
        return title, ""
    text = title["text"]
    return text if isinstance(text, str) else " ".join(text), title.get("subtitle", "")


def _comes_with_memanalysis(study: Study) -> bool:
    try:
        return study.path.resolve() == embedded_path().resolve()
    except StoreError:  # this installation has none
        return False


def _teacher(row: dict[str, Any], targets: str) -> str:
    scope = row["teacher_scope"]
    parts = [
        row["teacher_size"] or "a teacher of unknown size",
        _SCOPES.get(scope, "scope unknown"),
    ]
    lesson = _lesson(row, targets)
    return ", ".join(parts) + (f"; students learn from {lesson}" if lesson else "")


def _teacher_in_short(row: dict[str, Any], targets: str) -> str:
    size = row["teacher_size"] or "unknown"
    lesson = _lesson(row, targets) if targets else ""
    taught = f"; taught by {lesson}" if lesson else ""
    return f"teacher {size}, {_SCOPES.get(row['teacher_scope'], 'scope unknown')}{taught}"


def _lesson(row: dict[str, Any], targets: str) -> str:
    """Targets of students: the teacher's term in the loss, the labels' and both weights."""
    temperature, weight = row["temperature"], row["distillation_weight"]
    if targets == "hard":
        imitated = "its decisions as hard targets"
    else:
        imitated = "its outputs" + (f" at temperature {temperature:g}" if temperature else "")
    if weight is None:
        return imitated if targets == "hard" or temperature else ""
    if weight in (0, 1):
        return f"{imitated} alone" if weight else "the labels alone (weight 0)"
    return f"{imitated} (weight {weight:g}) and the labels ({1 - weight:g})"


def _range(counts: pl.Series) -> str:
    if counts.is_empty():
        return "no"
    low, high = int(counts.to_numpy().min()), int(counts.to_numpy().max())
    return wording.count(low) if low == high else f"{wording.count(low)} to {wording.count(high)}"
