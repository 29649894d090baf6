"""The explorer of one study: its columns, filters, measures, images and remarks."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import numpy as np
import polars as pl

from memanalysis import wording
from memanalysis.figures import example, theme
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.explorer import numbers, partners
from memanalysis.reporting.explorer.numbers import Numbers
from memanalysis.reporting.explorer.payload import Column, pack, whole
from memanalysis.reporting.explorer.sprites import COLUMNS, TILES, Sprites, sprites
from memanalysis.reporting.gzip64 import compressed

_TITLES: Final = {
    "image": "Image",
    "id": "№",
    "label": "Class",
    "kind": "Kind",
    "shape": "Trajectory",
    "curve": "Score by size",
    "score": "Score",
    "change": "Change over sizes",
    "gain": "Change by distilling",
    "proxy": "Harder than",
}
# Of every objective and size, in the file of rows: how its title begins, and its key.
_SCORED: Final = (
    ("memorization", "score"),
    ("ci_low", "low"),
    ("ci_high", "high"),
    ("n_in", "n_in"),
    ("n_out", "n_out"),
)
_CHART: Final = (
    "The example's score with its 95 % interval by model size; the numbers are in the tables below."
)
# On narrow screens a row keeps these.
_KEPT: Final = ("image", "id", "label", "shape", "curve", "score")


def explorer(reading: Reading, images: int | None = None) -> blocks.Explorer | None:
    """The explorer of a study, None where there is no training example.

    ``images`` is how many examples carry their image, by default as many as the page has room for;
    the most telling ones come first.
    """
    found = numbers.read(reading)
    if not len(found.ids):
        return None
    pairs = partners.read(reading)
    shown = _sprites(reading, found, pairs, images)
    slots = shown.slot_of(found.ids)
    columns = [*found.columns, *partners.columns(pairs, found)]
    if shown.slots:
        columns.append(whole("slot", slots, null=-1))
        if pairs.height:
            partner_slots = shown.slot_of(pairs["test_id"].to_numpy())
            columns.append(whole("pair_slot", partner_slots, null=-1))
    proxies = [_proxy_title(proxy, found, reading.spoken) for proxy in found.proxies]
    sizes = [reading.spoken.get(size, size) for size in found.sizes]
    suspects = found.has("suspect")
    return blocks.Explorer(
        columns=_columns(found, bool(shown.slots)),
        kept=_KEPT,
        objectives=[wording.objective(name) for name in found.objectives],
        sizes=sizes,
        proxies=proxies,
        classes=_classes(reading, columns),
        shapes=_present(columns, "shape.", theme.SHAPES),
        kinds=[(kind, wording.KINDS.get(kind, kind.replace("_", " "))) for kind in found.kinds],
        relabelled=found.has("clean_label"),
        suspects=suspects,
        presets=[preset for preset, there in _presets(found) if there],
        measures=_measures(found, sizes, proxies),
        measured=f"score.0.{len(found.sizes) - 1}",
        notes=_notes(reading, found, pairs, shown, int((slots >= 0).sum())),
        data=pack(columns, _header(reading, found, shown)),
        library=compressed(_library()),
        sheets=shown.sheets,
        chart=_chart(found, sizes),
    )


def _presets(found: Numbers) -> list[tuple[tuple[str, str], bool]]:
    """Views to start with, and whether the study has what they show."""
    return [
        (("suspects", "Suspected wrong labels"), found.has("suspect")),
        (("memorised", "Most memorised"), found.has("hits_in")),
        (("rising", "Rise most"), found.has("change")),
    ]


def _library() -> bytes:
    """DataTables as an ES module; its version is in its first line, its licence beside it."""
    return (files(__package__) / "vendor" / "dataTables.min.mjs").read_bytes()


def _sprites(reading: Reading, found: Numbers, pairs: pl.DataFrame, images: int | None) -> Sprites:
    """Sheets with the partners of influence first, then the most telling examples."""
    order = found.ids[np.argsort(found.telling)]
    first = partners.ids(pairs)[:TILES]
    ids = np.concatenate([first, order[~np.isin(order, first)]])
    return sprites(reading, ids, images)


def _columns(found: Numbers, images: bool) -> list[tuple[str, str]]:
    several = len(found.sizes) > 1
    there = {
        "image": images,
        "id": True,
        "label": found.has("label"),
        "kind": bool(found.kinds),
        "shape": found.has("shape"),
        "curve": several and found.has("hits_in"),
        "score": found.has("hits_in"),
        "change": found.has("change"),
        "gain": found.has("gain"),
        "proxy": bool(found.proxies),
    }
    return [(name, title) for name, title in _TITLES.items() if there[name]]


def _classes(reading: Reading, columns: list[Column]) -> list[tuple[int, str]]:
    """Labels that occur, with their names."""
    labels = [c.values[c.values != c.null] for c in columns if c.name == "label"]
    present = np.unique(labels[0]).tolist() if labels else []
    return [(label, reading.class_name(label)) for label in present]


def _present(columns: list[Column], prefix: str, names: tuple[str, ...]) -> list[str]:
    """The names that any column of codes with that prefix holds."""
    codes = {int(v) for c in columns if c.name.startswith(prefix) for v in np.unique(c.values)}
    return [name for place, name in enumerate(names) if place in codes]


def _proxy_title(proxy: dict[str, Any], found: Numbers, spoken: Mapping[str, str]) -> str:
    """A proxy with what tells it from its namesakes."""
    objectives, sizes = ({p[key] for p in found.proxies} for key in ("objective", "size"))
    parts = [wording.objective(proxy["objective"])] if len(objectives) > 1 else []
    parts += [spoken.get(proxy["size"], proxy["size"])] if len(sizes) > 1 else []
    title = _short(proxy) + (f", {', '.join(parts)}" if parts else "")
    return title if proxy["hard"] else f"{title} (by value: neither end is hard)"


def _short(proxy: dict[str, Any]) -> str:
    return str(proxy["title"]) + ("" if proxy["inside"] else " (held out)")


def _described(proxy: dict[str, Any], spoken: Mapping[str, str]) -> dict[str, Any]:
    """A proxy for the page's script: its hard end, and its line in a table of its group."""
    size = spoken.get(proxy["size"], proxy["size"])
    group = f"{wording.objective(proxy['objective'])} at {size}"
    return {"hard": proxy["hard"], "short": _short(proxy), "group": group}


def _download(found: Numbers) -> list[tuple[str, str]]:
    """Columns of the file of rows: (title, key of the page's script)."""
    columns = [("example_id", "id")]
    columns += [("source_id", "source")] if found.sources else []
    columns += [("label", "label"), ("class_name", "class")] if found.has("label") else []
    columns += [(name, name) for name in ("clean_label", "kind") if found.has(name)]
    for o, objective in enumerate(found.objectives):
        courses = [(f"{name}_{objective}", f"{name}.{o}") for name in ("shape", "change")]
        columns += [(title, key) for title, key in courses if found.has(key)]
        for s, size in enumerate(found.sizes):
            if found.has(f"hits_in.{o}.{s}"):
                columns += [
                    (f"{title}_{objective}_{size}", f"{key}.{o}.{s}") for title, key in _SCORED
                ]
    columns += [
        (f"change_by_{found.objectives[o]}_{found.sizes[s]}", f"gain.{o}.{s}")
        for o, s in found.distillations
    ]
    columns += [
        (f"{proxy['name']}_{proxy['objective']}_{proxy['size']}", f"proxy.{place}")
        for place, proxy in enumerate(found.proxies)
    ]
    return columns


def _measures(
    found: Numbers, sizes: list[str], proxies: list[str]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Measures with a range to ask for, in groups: (column, title)."""
    titles = [wording.objective(name) for name in found.objectives]
    several = len(titles) > 1

    def named(text: str, o: int) -> str:
        return f"{text}, {titles[o]}" if several else text

    names = {column.name for column in found.columns}
    scores = [
        (f"score.{o}.{s}", named(f"score at {size}", o))
        for o in range(len(titles))
        for s, size in enumerate(sizes)
        if f"hits_in.{o}.{s}" in names
    ]
    changes = [
        (f"change.{o}", named("change over sizes", o))
        for o in range(len(titles))
        if f"change.{o}" in names
    ]
    gains = [
        (f"gain.{o}.{s}", f"{titles[o]} minus one-hot labels at {sizes[s]}")
        for o, s in found.distillations
    ]
    ranks = [(f"rank.{place}", title) for place, title in enumerate(proxies)]
    groups = {
        "Scores": scores,
        "Change over sizes": changes,
        "Change by distilling": gains,
        "Proxies: harder than … % of examples": ranks,
    }
    return [(title, members) for title, members in groups.items() if members]


def _header(reading: Reading, found: Numbers, shown: Sprites) -> dict[str, Any]:
    return {
        "study": reading.manifest.study,
        "rows": len(found.ids),
        "titles": [wording.objective(name) for name in found.objectives],
        "sizes": [reading.spoken.get(size, size) for size in found.sizes],
        "shapes": theme.SHAPES,
        "classes": reading.manifest.class_names,
        "kinds": found.kinds,
        "kind_titles": wording.KINDS,
        "sources": found.sources,
        "distillations": found.distillations,
        "proxies": [_described(proxy, reading.spoken) for proxy in found.proxies],
        "download": _download(found),
        "tiles": {
            "columns": COLUMNS,
            "count": TILES,
            "width": shown.width,
            "height": shown.height,
        },
    }


def _chart(found: Numbers, sizes: list[str]) -> dict[str, Any]:
    """The chart of one example, its data to come by the name ``scores``; none without scores."""
    if not found.has("hits_in"):
        return {}
    row = {"objective": "one-hot labels", "size": "", "memorization": 0.0}
    rows = pl.DataFrame([{**row, "ci_low": 0.0, "ci_high": 0.0}])
    titles = [wording.objective(name) for name in found.objectives]
    spec: dict[str, Any] = example.score_chart(rows, sizes, titles).to_dict()
    # The row above stands for those of the example that will be chosen.
    for name in ("datasets", "config"):
        spec.pop(name, None)
    return {**spec, "data": {"name": "scores"}, "description": _CHART}


def _notes(
    reading: Reading, found: Numbers, pairs: pl.DataFrame, shown: Sprites, pictured: int
) -> list[str]:
    """One line for everything that a reader may look for and not find."""
    n, all_ = len(found.ids), reading.manifest.n_train
    scored = found.has("hits_in")
    lines = {
        f"The page has room for {wording.count(n)} of the {wording.count(all_)} training examples: "
        "those with the highest scores.": n < all_,
        **_image_notes(shown, pictured, n),
        "This store holds no outcomes of models, so there are no scores to show.": not scored,
        "One size: no trajectories.": scored and len(found.sizes) < 2,
        "One training objective, or no common sizes: no change by distilling.": scored
        and not found.distillations,
        "No proxies were recorded.": not found.proxies,
        "The examples have no labels.": not found.has("label"),
        "Influence: no pair of examples stands out in this store.": pairs.is_empty(),
    }
    return [line for line, holds in lines.items() if holds]


def _image_notes(shown: Sprites, pictured: int, n: int) -> dict[str, bool]:
    return {
        "This store keeps no images of training examples, or none were asked for.": not shown.slots
        and not shown.broken,
        f"{wording.count(pictured)} of {wording.count(n)} examples carry their image: the highest "
        "scores, the strongest changes and partners of influence first.": bool(shown.slots)
        and pictured < n,
        f"{wording.plural(shown.broken, 'image')} could not be read.": shown.broken > 0,
    }
