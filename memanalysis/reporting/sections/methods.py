"""Methods: how everything was measured, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from memanalysis import wording
from memanalysis.reporting import blocks, paper
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections.what_was_run import coverage

# Exact where the page's glossary is plain.
_DEFINITIONS: Final = (
    (
        "example",
        "One image with its label.",
    ),
    (
        "subset, group",
        "A subset is the random part of the training examples that one model learns "
        "from. A group is a block of subsets that together leave each example out "
        "equally often; it carries all its sizes, objectives and teachers, and is the "
        "unit of every interval.",
    ),
    (
        "p_in, p_out",
        "Share of models that classify an example correctly, among models whose "
        "training subset contains it (p_in) and among those whose subset does not "
        "(p_out).",
    ),
    (
        "memorisation score",
        "p_in − p_out (stability score; Feldman and Zhang 2020, arXiv 2008.03703), from "
        "argmax correctness of the final model, evaluated without augmentation. 1: "
        "right only when trained on it. 0: training on it makes no difference. "
        "Intervals of single examples are Newcombe’s hybrid of Wilson limits.",
    ),
    (
        "saturated size",
        "A size whose mean p_in is at least 0.99: it fits nearly every example it "
        "trained on, and the score is nearly 1 − p_out.",
    ),
    (
        "objective",
        "What a model is trained on: one-hot labels, or, distilled, the outputs of a teacher too.",
    ),
    (
        "teacher scope",
        "What the teacher saw. same_subset: the student’s own subset, so held out means "
        "held out. full_data: all training examples, so labels held out from the "
        "student can reach it through its teacher, and memorisation looks inhibited by "
        "construction.",
    ),
    (
        "trajectory shapes",
        "An example’s score from the smallest size to the largest. Shapes are decided "
        "by paired contrasts between sizes on the same subsets (adjusted as in Agresti "
        "and Min 2005), with Benjamini–Hochberg over examples, and equivalence by two "
        "one-sided tests within α.",
    ),
    (
        "α",
        "The smallest change of a score that counts. It follows from the number of "
        "models: with few of them, small changes cannot be told from noise.",
    ),
    (
        "noise share",
        "The share of examples that would get a shape if no example changed at all and "
        "only the finite number of models made scores differ.",
    ),
    (
        "polarisation",
        "τ²/(μ(1 − μ)): μ the mean score, τ² its variance over examples less the mean "
        "binomial noise p(1 − p)/(n − 1) of both rates. 0 where all examples have the "
        "same score, 1 where every score is 0 or 1.",
    ),
    (
        "proxy",
        "A cheap quantity from one training that is meant to stand in for the score.",
    ),
    (
        "jackknife interval",
        "All examples share the models, so models are resampled, never examples: "
        "delete-one-group jackknife with t(G − 1), G the number of groups. Whatever "
        "chooses examples leaves one group out: chosen on the others, measured on the "
        "one.",
    ),
    (
        "– (NULL in SQL)",
        "Cannot be estimated, for instance the score of an example that was never held "
        "out. It is never 0.",
    ),
    (
        "undetermined",
        "The models at hand do not decide: neither the claim nor its opposite is established.",
    ),
)


def section(reading: Reading) -> blocks.Section:
    """Return the section on methods and provenance."""
    manifest = reading.manifest
    return blocks.Section(
        "methods",
        "Methods, and for your paper",
        [
            blocks.Text(
                "The questions follow Lukasik, Nagarajan, Rawat, Menon and Kumar, “What do larger "
                "image classifiers memorise?” (arXiv 2310.05337). No number here is that paper’s, "
                "and none can be compared with it: every number was measured on the models that "
                "the top of this page describes."
            ),
        ],
        blocks.Fold(
            "Exact definitions, a paragraph for your paper with LaTeX and BibTeX, what was run, "
            "settings, files",
            [
                blocks.Table(
                    "Definitions",
                    ("term", "meaning"),
                    _DEFINITIONS,
                    folded="Show the exact definitions",
                ),
                *paper.parts(reading),
                coverage(reading),
                _table("The data", manifest.dataset),
                _table("Settings of the study", _settings(manifest.settings, manifest.seed)),
                *([_table("Imported", {"import": manifest.imports})] if manifest.imports else []),
                _table("Made by", _origin(reading)),
                _files(manifest.files),
            ],
        ),
    )


def _settings(settings: dict[str, Any], seed: int | None) -> dict[str, Any]:
    kept = {key: value for key, value in settings.items() if key != "text"}
    return {"seed": seed, **kept}


def _origin(reading: Reading) -> dict[str, Any]:
    manifest = reading.manifest
    models = reading.table("models")
    return {
        "store contract": manifest.contract,
        "packed": manifest.packed,
        "code": manifest.code,
        "packages": manifest.packages,
        "machine": manifest.machine,
        "evaluation": sorted(set(models["evaluation_mode"].drop_nulls())),
        "device": sorted(set(models["device"].drop_nulls())),
        "created at": manifest.created_at,
        "built at": manifest.built_at,
        "outcomes fingerprint": manifest.outcomes_fingerprint,
    }


def _table(title: str, values: dict[str, Any]) -> blocks.Table | blocks.Note:
    rows = [(key, wording.cell(value)) for key, value in _flat(values) if value not in (None, "")]
    if not rows:
        return blocks.Note(f"{title}: nothing is recorded in this store.")
    return blocks.Table(title, ("key", "value"), rows, folded=f"Show the entries ({len(rows)})")


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
            for i, item in enumerate(value):
                inner = item if isinstance(item, dict) else {"": item}
                yield from _flat(inner, f"{prefix}{key}.{i}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{key}", ", ".join(str(item) for item in value)
        else:
            yield f"{prefix}{key}", value


def _files(files: dict[str, dict[str, Any]]) -> blocks.Table | blocks.Note:
    if not files:
        return blocks.Note("The manifest lists no files.")
    return blocks.Table(
        title="Files of the store",
        columns=("file", "rows", "bytes", "SHA-256"),
        rows=[
            (
                name,
                wording.count(f.get("rows")),
                wording.count(f.get("bytes")),
                str(f.get("sha256")),
            )
            for name, f in sorted(files.items())
        ],
        numeric=(1, 2),
        folded=f"Show the files ({len(files)})",
    )
