"""The CIFAR-10 study against what others say of the same images: writes outside.json here.

``python outside.py --cscores FILE --human FILE [--store STORE]``. Neither file is shipped; what is
written are aggregates and the checksums of what they came from.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import memanalysis as ma
from memanalysis.importing import Options, import_source

HERE: Final = Path(__file__).parent
QUERIES: Final = HERE / "outside.toml"
RESULT: Final = HERE / "outside.json"
# The plain index of CIFAR-10 in its original order.
NAMES: Final = "train/{}"
_PEOPLE: Final = ("random_label1", "random_label2", "random_label3")
_SAY: Final = ("all the label", "mostly the label", "another class", "no majority")


def compare(store: Path, cscores: Path, human: Path) -> dict[str, Any]:
    """Every table of outside.toml over a copy of ``store`` with both files as annotations."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "store")
        shutil.copytree(
            store, copy, ignore=shutil.ignore_patterns("models", "groups", "repeats", "teachers")
        )
        named = Options(row_names=NAMES)
        for name, source in {"c_score": f"{cscores}:scores", **_annotations(human, folder)}.items():
            import_source("labels", source, copy, _called(named, name))
        study = ma.open(copy)
        tables = {
            table["name"]: _rows(study, table["sql"])
            for table in tomllib.loads(QUERIES.read_text(encoding="utf-8"))["table"]
        }
        made = {
            "outcomes": study.manifest.outcomes_fingerprint,
            "cscores_sha256": sha256(cscores.read_bytes()).hexdigest(),
            "human_sha256": sha256(human.read_bytes()).hexdigest(),
        }
        study.close()
    return {"made": made, "tables": tables}


def _called(options: Options, name: str) -> Options:
    from dataclasses import replace

    return replace(options, name=name)


def _annotations(human: Path, folder: str) -> dict[str, str]:
    """Files of what three people say of each image, beside CIFAR-10's own label."""
    with np.load(human, allow_pickle=False) as archive:
        labels = archive["clean_label"].astype(np.int64)
        votes = np.stack([archive[name].astype(np.int64) for name in _PEOPLE])
    said = people(votes, labels)
    file = Path(folder, "people.npz")
    np.savez(file, dissents=(votes != labels).sum(axis=0), people=said, labels=labels)
    return {"dissents": f"{file}:dissents", "people": f"{file}:people"}


def people(votes: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.str_]:
    """What three people, int [3, n], say together of each image with one of ``labels`` [n].

    ``all the label``; ``mostly the label``, two of them; ``another class``, the same one of two or
    three; or ``no majority``.
    """
    right = (votes == labels).sum(axis=0)
    same = np.stack([votes[0] == votes[1], votes[0] == votes[2], votes[1] == votes[2]])
    cases = [right == 3, right == 2, same.any(axis=0)]
    return np.select(cases, _SAY[:3], _SAY[3])


def _rows(study: ma.Study, sql: str) -> dict[str, Sequence[Any]]:
    frame = study.sql(sql)
    if frame.is_empty():
        raise SystemExit(f"no rows of: {sql}")
    return {"columns": frame.columns, "rows": [list(row) for row in frame.rows()]}


def main() -> None:
    """Parse the command line, compute and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cscores", type=Path, required=True)
    parser.add_argument("--human", type=Path, required=True)
    parser.add_argument("--store", type=Path, default=HERE.parent / "cifar10")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    found = compare(given.store, given.cscores, given.human)
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
