"""A paragraph on how a study was made, sentence by sentence, from its manifest and models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from memanalysis import wording
from memanalysis._version import __version__
from memanalysis.reporting.context import Reading
from memanalysis.reporting.paper import works

_FAMILIES: Final = {
    "resnet": "residual networks [@he2016]",
    "mobilenet": "MobileNets",
    "lenet": "LeNets",
    "mlp": "multi-layer perceptrons",
}
_AUGMENTATIONS: Final = {
    "crop-flip": "random crops and horizontal flips of the training images",
    "crop": "random crops of the training images",
    "flip": "random horizontal flips of the training images",
}
_WHITENINGS: Final = {"zca": "ZCA-whitened images"}
_SCOPES: Final = {
    "same_subset": "trained on the same subset as the student",
    "full_data": "trained on all training examples, so that labels held out from the student can "
    "reach it through its teacher",
}


def sentences(reading: Reading) -> list[str]:
    """The paragraph's sentences, with citations as ``[@key]``."""
    parts = [_score(), _data(reading), *_origin(reading), *_models(reading), *_analysis(reading)]
    parts += [_versions(reading), unknown(reading)]
    return [part for part in parts if part]


def _score() -> str:
    return (
        "We measure how strongly a training example is memorised by its stability score "
        "[@feldman2020], the probability that a model classifies the example correctly if it is "
        "in the training set minus that probability if it is not, and ask how the score changes "
        "with model size [@lukasik2023]."
    )


def _data(reading: Reading) -> str:
    manifest = reading.manifest
    name = str(manifest.dataset.get("name") or "").strip()
    cite = works.of_data(manifest.dataset)
    of = f" of {name}" if name else ""
    size = _pixels(manifest.settings.get("data", {}).get("image_size"))
    parts = [
        f"The data are {wording.count(manifest.n_train)} training examples{of}"
        f"{f' [@{cite}]' if cite else ''}{f', brought to {size} pixels' if size else ''}"
    ]
    if len(manifest.class_names):
        parts.append(f"in {wording.count(len(manifest.class_names))} classes")
    if manifest.n_test:
        parts.append(f"and {wording.plural(manifest.n_test, 'test example')}")
    return ", ".join(parts) + "." + _noise(manifest.settings)


def _pixels(size: Any) -> str:
    if isinstance(size, int):
        return f"{size} × {size}"
    return " × ".join(str(side) for side in size) if isinstance(size, list | tuple) else ""


def _noise(settings: dict[str, Any]) -> str:
    noise = settings.get("data", {}).get("noise") or {}
    if noise.get("random_labels"):
        return " Every training label was replaced by a random one."
    kinds = {
        "flip": "got a wrong label",
        "blend": "were blended with an image of another class",
        "rotate": "were turned by 90 degrees",
    }
    parts = [
        f"{wording.percent(noise[k], 0)} {words}" for k, words in kinds.items() if noise.get(k)
    ]
    return f" Of the training examples, {wording.listed(parts)}." if parts else ""


def _origin(reading: Reading) -> Iterator[str]:
    """Imported, simulated, or trained here."""
    manifest = reading.manifest
    if "world" in manifest.settings:
        yield (
            "No model was trained: outcomes were simulated with known probabilities "
            f"(world '{manifest.settings['world'].get('name', 'unknown')}')."
        )
    for entry in manifest.imports:
        models, source = int(entry.get("models") or 0), entry.get("source") or "an unknown source"
        what = f"The outcomes of {wording.plural(models, 'model')}" if models else "Scores"
        yield f"{what} were imported from {source} (format {entry.get('format', 'unknown')})."


def _models(reading: Reading) -> Iterator[str]:
    models = reading.table("models")
    if models.is_empty():
        yield "The store holds no models of its own, so no intervals can be formed."
        return
    yield _subsets(reading)
    yield _sizes(reading)
    recipe = reading.manifest.settings.get("training")
    if recipe:
        yield _recipe(reading, recipe)
    yield from _distillation(reading)


def _subsets(reading: Reading) -> str:
    manifest, models = reading.manifest, reading.table("models")
    per_size = models.group_by("objective", "size").len()["len"].to_numpy()
    count = f"{per_size.min()}" if per_size.min() == per_size.max() else (
        f"{per_size.min()} to {per_size.max()}"
    )  # fmt: skip
    share = (
        "" if manifest.ratio is None else f" of {100 * manifest.ratio:.3g} % of the training data"
    )
    sizes = wording.plural(len(reading.sizes), "size")
    objectives = wording.plural(len(reading.objectives), "training objective")
    whole = len(per_size) == len(reading.sizes) * len(reading.objectives)
    each = (
        f"For each of {sizes} and {objectives}"
        if whole
        else f"Of {sizes} and {objectives}, {len(per_size)} combinations were trained; for each"
    )
    text = (
        f"{each} there are {count} models, "
        f"{wording.count(models.height)} in all, each trained on a random subset{share}"
    )
    groups = models["group_id"].drop_nulls().n_unique()
    if manifest.design == "balanced" and manifest.group_size:
        text += (
            f"; subsets come in {wording.plural(groups, 'balanced group')} of "
            f"{manifest.group_size}, in each of which every example is left out equally often"
        )
    both = [
        noun
        for noun, names in (("sizes", reading.sizes), ("objectives", reading.objectives))
        if len(names) > 1
    ]
    if both and not manifest.imports:
        text += f"; all {wording.listed(both)} share the same subsets"
    held = _held_out(reading)
    return text + (f". Each example was held out from {held} models of a size." if held else ".")


def _held_out(reading: Reading) -> str:
    low, high = reading.sql(
        "select min(n_out), max(n_out) from memorization where split = 'train'"
    ).row(0)
    if low is None:
        return ""
    return wording.count(low) if low == high else f"{wording.count(low)} to {wording.count(high)}"


def _sizes(reading: Reading) -> str:
    rows = (
        reading.table("models")
        .group_by("size", "size_rank")
        .agg(pl.col("parameters").max())
        .sort("size_rank", "size")
    )
    named = [
        size if parameters is None else f"{size} ({wording.count(parameters)} parameters)"
        for size, _, parameters in rows.iter_rows()
    ]
    families = sorted(set(reading.table("models")["family"].drop_nulls()) - {"simulated"})
    kinds = [_FAMILIES[name] for name in families if name in _FAMILIES]
    made_of = f", {wording.listed(kinds)}" if kinds else ""
    if named == ["unknown"]:
        return ""
    return f"The {'size is' if len(named) == 1 else 'sizes are'} {wording.listed(named)}{made_of}."


def _recipe(reading: Reading, recipe: dict[str, Any]) -> str:
    """The recipe of the producer: SGD with momentum; what a store does not say was the default."""
    nesterov = "Nesterov momentum" if recipe.get("nesterov", True) else "momentum"
    data = reading.manifest.settings.get("data", {})
    parts = [
        f"batches of {recipe['batch_size']}" if "batch_size" in recipe else "",
        f"a peak learning rate of {recipe['learning_rate']:g}" if "learning_rate" in recipe else "",
        f"{nesterov} {recipe['momentum']:g}" if recipe.get("momentum") else "",
        f"weight decay {recipe['weight_decay']:g}" if "weight_decay" in recipe else "",
        f"a {recipe.get('schedule', 'cosine')} schedule"
        + (f" after {recipe['warmup_epochs']:g} epochs of warm-up"
           if recipe.get("warmup_epochs") else ""),
        _augmentation(reading, recipe),
        _WHITENINGS.get(data.get("whitening"), ""),
        f"{recipe['precision']} arithmetic"
        if recipe.get("precision", "float32") != "float32"
        else "",
    ]  # fmt: skip
    epochs = f" for {recipe['epochs']} epochs" if "epochs" in recipe else ""
    return (
        f"Every model was trained{epochs} by stochastic gradient descent with "
        f"{wording.listed([part for part in parts if part])}."
    )


def _augmentation(reading: Reading, recipe: dict[str, Any]) -> str:
    moving = reading.manifest.settings.get("data", {}).get("augmentation")
    if not moving:
        return "no augmentation"
    until = recipe.get("augment_until", 1)
    part = "" if until == 1 else f" in the first {wording.percent(until)} of the epochs"
    return _AUGMENTATIONS.get(moving, f"augmentation {moving}") + part


def _distillation(reading: Reading) -> Iterator[str]:
    students = reading.table("models").filter(pl.col("objective") != "one_hot")
    columns = ("objective", "teacher_size", "teacher_scope", "temperature", "distillation_weight")
    rows = students.select(columns).unique(maintain_order=True).sort("objective")
    for row in rows.iter_rows(named=True):
        parts = [f"teacher {row['teacher_size'] or 'of unknown size'}"]
        parts.append(
            _SCOPES.get(row["teacher_scope"], "what the teacher was trained on is unknown")
        )
        if row["temperature"] is not None:
            parts.append(f"temperature {row['temperature']:g}")
        if row["distillation_weight"] is not None:
            parts.append(f"the teacher's term with weight {row['distillation_weight']:g}")
            parts.append(f"that of the labels with {1 - row['distillation_weight']:g}")
        yield (
            f"Models of the objective {row['objective']} learned by distillation [@hinton2015]: "
            f"{', '.join(parts)}."
        )


def _analysis(reading: Reading) -> Iterator[str]:
    if reading.table("models").is_empty():
        return
    correct = (
        "Correctness is as imported"
        if reading.manifest.imports
        else "A model is correct on an example if its largest output is the label's, at the end of "
        "training"
    )
    yield (
        f"{correct}; intervals of single scores are Newcombe's [@newcombe1998]; intervals of "
        "aggregates are 95 % intervals from a delete-one-group jackknife over groups of models, "
        "and whatever selects examples was measured on models that did not take part in the "
        "selection unless it says otherwise."
    )
    alphas = [f"{alpha:g}" for alpha in sorted(set(reading.alphas.values()))]
    if len(reading.sizes) > 1 and alphas:
        yield (
            "Trajectories over sizes are classified with a smallest relevant change of α = "
            f"{wording.listed(alphas)}, by paired contrasts [@agresti2005] with the false "
            "discovery rate over examples held at 5 % [@benjamini1995]."
        )


def _versions(reading: Reading) -> str:
    manifest = reading.manifest
    packages = {k: v for k, v in manifest.packages.items() if k in ("torch", "numpy", "duckdb")}
    made = str(manifest.code.get("version") or "")
    parts = [f"memanalysis {made}" if made else "", *(f"{k} {v}" for k, v in packages.items())]
    known = wording.listed([part for part in parts if part])
    seed = "" if manifest.seed is None else f" The seed of the study is {manifest.seed}."
    report = f"this report by memanalysis {__version__}."
    return f"The store was made by {known}, {report}{seed}" if known else (
        f"The analysis and {report}{seed}"
    )  # fmt: skip


def unknown(reading: Reading) -> str:
    """Facts that a paper should give and this store does not know."""
    manifest, models = reading.manifest, reading.table("models")
    missing = {
        "the name of the data set": not manifest.dataset.get("name"),
        "a work to cite for the data": works.of_data(manifest.dataset) is None
        and manifest.dataset.get("citation") in (None, "", "not stated"),
        "the classes": not manifest.class_names,
        "the seeds": manifest.seed is None and models["seed"].drop_nulls().is_empty(),
    }
    if not models.is_empty():
        missing |= {
            "the share of the data in a subset": manifest.ratio is None,
            "how subsets were drawn": not manifest.design,
            "what the models are": reading.sizes == ["unknown"],
            "numbers of parameters": models["parameters"].is_null().any(),
            "the training recipe": "training" not in manifest.settings
            and "world" not in manifest.settings,
            "how models were evaluated": models["evaluation_mode"].drop_nulls().is_empty(),
        }
    found = [name for name, absent in missing.items() if absent]
    return f"Not known from the store: {wording.listed(found)}." if found else ""
