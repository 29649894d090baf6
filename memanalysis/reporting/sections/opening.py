"""The first screen: what was run in one line, the answer in one sentence, one picture, results."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from memanalysis import wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections import findings
from memanalysis.reporting.sections.first_picture import choose

_SIZE_COLUMNS: Final = ("parameters", "models", "right when trained on", "right on test images")
_DEFINITION: Final = (
    "An example’s memorisation score is the share of models that get it right among those that "
    "trained on it, minus that share among those that did not: near 1, models are right only if "
    "they saw it; near 0, seeing it makes no difference."
)

_NO_IMAGES: Final = (
    " The store keeps no images: `memanalysis images STORE --from FOLDER` lays your own beside it."
)


def opening(reading: Reading) -> blocks.Opening:
    """Return the first screen of the report."""
    answer, picture = choose(reading)
    return blocks.Opening(
        title=reading.manifest.title or reading.manifest.study,
        run=_run(reading),
        answer=answer,
        picture=picture,
        results=_results(reading),
        definition=_DEFINITION if reading.sizes else "",
        limits=_limits(reading),
        facts=_facts(reading),
        sizes=_sizes(reading),
        size_columns=_columns(reading),
    )


def _results(reading: Reading) -> list[blocks.Finding]:
    """The findings, unless the study cannot be asked for any of them."""
    shown = findings.items(reading) if reading.sizes else []
    return shown if any(item.asked for item in shown) else []


def _limits(reading: Reading) -> str:
    """Limits of the numbers: one data set, these models, so many of them."""
    manifest = reading.manifest
    models = reading.table("models")
    if models.is_empty():
        return "Scores of others: nothing here was trained, and errors are as imported."
    per_size = models.group_by("objective", "size").len()["len"]
    fewest = wording.count(per_size.to_numpy().min())
    taught = f" {reading.teacher_in_words}" if reading.students else ""
    pixels = (manifest.settings.get("data") or {}).get("image_size")
    small = f" at {pixels}×{pixels} pixels" if isinstance(pixels, int) else ""
    apart = "" if reading.things == "images" or manifest.imports else _NO_IMAGES
    return (
        f"One data set, {wording.count(manifest.n_train)} {reading.things}{small}; at least "
        f"{fewest} models of each size.{taught}{apart}"
    )


def _columns(reading: Reading) -> tuple[str, ...]:
    """Accuracies are those of one objective, models those of all."""
    if not reading.students:
        return _SIZE_COLUMNS
    parameters, models, *accuracies = _SIZE_COLUMNS
    of = wording.objective(reading.primary).removesuffix(" labels")
    return parameters, f"{models} in all", *(f"{name} ({of})" for name in accuracies)


def _run(reading: Reading) -> str:
    """Models trained, simulated or imported, in one line."""
    manifest = reading.manifest
    models = reading.table("models").height
    name = manifest.dataset.get("name")
    of = f"{wording.count(manifest.n_train)} examples{f' of {name}' if name else ''}"
    if not models:
        sources = wording.listed([str(one.get("source")) for one in manifest.imports])
        return f"Imported{f' from {sources}' if sources else ''}: numbers of others on {of}."
    ratio = "" if manifest.ratio is None else f"{100 * manifest.ratio:.3g} % "
    count = f"{wording.plural(models, 'model')} in {wording.plural(len(reading.sizes), 'size')}"
    verb = "was" if models == 1 else "were"
    made = "simulated" if "world" in manifest.settings else "trained"
    return f"{count} {verb} {made}, each on a random {ratio}subset of {of}."


def _facts(reading: Reading) -> list[tuple[str, str]]:
    manifest = reading.manifest
    models = reading.table("models")
    facts = [
        ("Data", _data(manifest.dataset) + _files(manifest.dataset)),
        (
            "Examples",
            f"{wording.count(manifest.n_train)} training, {wording.count(manifest.n_test)} "
            "test kept"
            + (f", in {len(manifest.class_names)} classes" if len(manifest.class_names) else ""),
        ),
        ("Subsets", _subsets(reading)),
        ("Each example", _counts(reading)),
        ("Trained with", wording.listed([wording.objective(name) for name in reading.objectives])),
        ("Epochs", ", ".join(str(value) for value in _distinct(models, "epochs"))),
    ]
    if reading.teacher:
        facts.append(("Teacher", reading.teacher))
    return [(name, value) for name, value in facts if value]


def _subsets(reading: Reading) -> str:
    groups = len(_distinct(reading.table("models"), "group_id"))
    size = reading.manifest.group_size
    inside = f" in {wording.plural(groups, 'group')}" + (f" of {size}" if size else "")
    subsets = reading.table("models")["subset_id"].n_unique()
    return f"{wording.count(subsets)}{inside if groups else ''}"


def _counts(reading: Reading) -> str:
    """Number of models that see an example and that do not, for one size and objective."""
    rows = reading.sql(
        "select min(n_in) as a, max(n_in) as b, min(n_out) as c, max(n_out) as d "
        "from memorization where split = 'train'"
    ).row(0)
    if None in rows:
        return ""
    a, b, c, d = (wording.count(value) for value in rows)
    inside, outside = a if a == b else f"{a}–{b}", c if c == d else f"{c}–{d}"
    return f"in the training subset of {inside} models, held out of {outside}, at each size"


def _sizes(reading: Reading) -> list[tuple[str, ...]]:
    """Each size with its parameters, models and mean accuracies under the primary objective."""
    models = (
        reading.table("models")
        .group_by("size", "size_rank")
        .agg(pl.col("parameters").max(), pl.len().alias("n"))
    )
    accuracies = (
        reading.table("accuracy")
        .filter(pl.col("objective") == reading.primary)
        .select("size", "accuracy_in", "accuracy_test")
    )
    rows = models.join(accuracies, on="size", how="left").sort("size_rank", "size")
    return [
        (
            reading.spoken.get(row["size"], row["size"]),
            wording.count(row["parameters"]),
            wording.count(row["n"]),
            wording.percent(row["accuracy_in"]),
            wording.percent(row["accuracy_test"]),
        )
        for row in rows.iter_rows(named=True)
    ]


def _data(dataset: dict[str, Any]) -> str:
    return str(dataset.get("name") or "a data set without a name")


def _files(dataset: dict[str, Any]) -> str:
    """Say whether the files are those that the data set's authors publish, if that is known."""
    official = dataset.get("official")
    if official is None:
        return ""
    return ", the official files by their MD5 sums" if official else ", not the official files"


def _distinct(frame: pl.DataFrame, column: str) -> list[Any]:
    return frame[column].drop_nulls().unique().sort().to_list()
