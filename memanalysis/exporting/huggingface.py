"""A data set folder as Hugging Face's libraries read it; nothing is uploaded."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from memanalysis._version import __version__
from memanalysis.errors import MemanalysisError
from memanalysis.exporting.examples import plain
from memanalysis.exporting.placing import placing, require_replaceable
from memanalysis.storage.store import Manifest
from memanalysis.studies import Study

# Licences whose names on the hub are known; any other is given as text.
_LICENCES: Final = {"MIT": "mit", "Apache-2.0": "apache-2.0", "CC-BY-4.0": "cc-by-4.0",
                    "CC0-1.0": "cc0-1.0", "BSD-3-Clause": "bsd-3-clause"}  # fmt: skip
# Names of the hub's size classes and where each ends.
_SIZE_CLASSES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"),
                        (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))  # fmt: skip
_KINDS: Final = {pl.Int64: "int64", pl.Float64: "float64", pl.String: "string", pl.Boolean: "bool"}
_SPLITS: Final = ("train", "test")
_ROW_GROUP: Final = 1000  # the data set viewer reads a row group at a time


def write_huggingface(study: Study, out: str | Path, *, force: bool = False) -> Path:
    """Write a data set folder from ``study.frame("examples", images=True)`` and return it.

    ``data/train-00000-of-00001.parquet`` (and ``test-…``) with ``image`` as struct of ``bytes``
    and ``path``, ``label`` as class labels and the features in the file's metadata, so that
    ``datasets.load_dataset(folder)`` and the viewer show them; ``README.md`` is the card: licence
    and citation from the manifest, what the scores are, how they were made, their limits.

    Raises
    ------
    MemanalysisError
        If a file exists and ``force`` is not given, or cannot be written.
    """
    folder = Path(out)
    frame = plain(study.frame("examples", images=True))
    parts = {
        split: part for split in _SPLITS if (part := frame.filter(split=split).drop("split")).height
    }
    if not parts:
        raise MemanalysisError(f"'{study.path}' has no examples to write.")
    paths = {split: folder / "data" / f"{split}-00000-of-00001.parquet" for split in parts}
    card = folder / "README.md"
    require_replaceable([*paths.values(), card], force=force)
    for split, part in parts.items():
        _write(part, paths[split], study.manifest)
    with placing(card) as temporary:
        temporary.write_text(_card(study, parts), encoding="utf-8")
    return folder


def _write(frame: pl.DataFrame, path: Path, manifest: Manifest) -> None:
    table = frame.drop("image").to_arrow()
    images = frame["image"].cast(pl.Binary).to_arrow().cast(pa.binary())
    struct = pa.StructArray.from_arrays(
        [images, pa.nulls(len(images), pa.string())],
        names=["bytes", "path"],
        mask=images.is_null(),
    )
    table = table.add_column(0, "image", struct)
    features = {"image": {"_type": "Image"}, **_features(frame.drop("image"), manifest)}
    # This key, and its layout, are what the `datasets` library writes and reads.
    described = {"huggingface": json.dumps({"info": {"features": features}})}
    with placing(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(described),
            temporary,
            compression="zstd",
            row_group_size=_ROW_GROUP,
        )


def _features(frame: pl.DataFrame, manifest: Manifest) -> dict[str, Any]:
    labels = ("label", "clean_label") if manifest.class_names else ()
    return {
        name: {"names": list(manifest.class_names), "_type": "ClassLabel"}
        if name in labels
        else {"dtype": _KINDS[kind.base_type()], "_type": "Value"}
        for name, kind in frame.schema.items()
    }


# The card


def _card(study: Study, parts: dict[str, pl.DataFrame]) -> str:
    manifest = study.manifest
    text = io.StringIO()
    text.write(f"---\n{_yaml(_header(manifest, parts))}---\n\n# {_line(manifest.title)}\n\n")
    text.write(_WHAT)
    text.write(f"\n## How it was made\n\n{_made(study)}\n")
    text.write(_LIMITS)
    origin = manifest.dataset
    named = {"Data set": "name", "Licence of the images": "licence", "Citation": "citation"}
    text.write("\n## Licence and citation\n\n")
    for title, key in named.items():
        text.write(f"- {title}: {_line(str(origin.get(key) or 'not stated in the store'))}\n")
    return text.getvalue()


_WHAT: Final = """\
Every training and test example of a study of memorisation: its label, its image where the study
keeps one, and its scores. Columns end in `_<objective>_<size>` or `_<objective>`.

| column | meaning |
|---|---|
| `memorization` | P[correct, example in the training subset] − P[correct, example held out] (Feldman and Zhang 2020, arXiv 2008.03703), −1 to 1 |
| `ci_low`, `ci_high`, `std_error` | 95 % interval (Newcombe) and standard error of it |
| `accuracy_in`, `accuracy_out`, `n_in`, `n_out` | its two terms and the numbers of models behind them |
| `shape`, `direction`, `change`, `change_se`, `p_value`, `q_value` | how it moves with model size; last minus first size |
| `<proxy>_in`, `<proxy>_out` | means of cheap proxies over models with the example in and out of train |

NULL means that a value cannot be estimated; it never stands for 0. Test examples are in no training
subset and have no memorization.
"""  # noqa: E501

_LIMITS: Final = """
## Limits

- Scores are estimates over a finite number of models: read them with their intervals. Scores near a
  threshold change sides when the models are trained again.
- They belong to this learning algorithm, data set and subset size. A high score does not say that a
  label is wrong, nor that an image is rare.
- Examples chosen because a score is high were partly chosen for its noise; measure them on other
  models.
- Distilled models learn from a teacher; what the teacher was trained on is part of the recipe above.
"""  # noqa: E501


def _made(study: Study) -> str:
    rows = study.sql("""
        select objective, size, count(*) as n_models, min(n) as n_groups
        from models
        join (select objective, size, count(distinct group_id) as n from models group by all)
            using (objective, size)
        group by objective, size, size_rank
        order by objective desc, size_rank, size
    """)
    manifest = study.manifest
    lines = [
        f"Study `{_line(manifest.study)}`; subset ratio {manifest.ratio or 'unknown'}, subsets "
        f"{manifest.design or 'of unknown design'}, seed {manifest.seed}. Written by memanalysis "
        f"{__version__} from outcomes with checksum `{manifest.outcomes_fingerprint or 'none'}`.",
        "",
        "| objective | size | models | groups of subsets |",
        "|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows.iter_rows()]
    for entry in manifest.imports:
        notes = " ".join(entry.get("notes", []))
        lines += ["", _line(f"Imported from {entry['source']} ({entry['format']}). {notes}")]
    return "\n".join(lines) + "\n"


def _header(manifest: Manifest, parts: dict[str, pl.DataFrame]) -> dict[str, Any]:
    n_rows = sum(part.height for part in parts.values())
    size = next((name for end, name in _SIZE_CLASSES if n_rows < end), "n>10M")
    return {
        "pretty_name": _line(manifest.title),
        **_licence(str(manifest.dataset.get("licence") or "")),
        "task_categories": ["image-classification"],
        "tags": ["memorization", "memanalysis"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": s, "path": f"data/{s}-*"} for s in parts],
            }
        ],
    }


def _licence(text: str) -> dict[str, str]:
    """The header's licence: ``MIT, Copyright …`` is ``mit``, unknown ones are named as they are."""
    if not text:
        return {"license": "unknown"}
    known = _LICENCES.get(text.partition(",")[0].strip())
    return {"license": known} if known else {"license": "other", "license_name": _line(text)}


def _line(text: str) -> str:
    return " ".join(text.split())


def _yaml(header: dict[str, Any]) -> str:
    """Each entry as one line; JSON is YAML."""
    return "".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in header.items()
    )
