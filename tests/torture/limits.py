"""SQL that would escape or exhaust, studies at the edges of what there is, and very large ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from trials import Result, Table, command

import memanalysis as ma
from memanalysis.errors import MemanalysisError
from memanalysis.importing.writing import write
from memanalysis.sql.limits import Limits
from memanalysis.storage.store import Store

# {o} is a folder beside the store, in which one file lies.
ESCAPES: Final = (
    "from read_text('{o}/secret')", "select * from read_blob('{o}/*')", "from '{o}/secret.csv'",
    "from read_csv('{o}/secret', header := false)", "from read_json('{o}/secret')",
    "from glob('{o}/*')", "copy (select 1) to '{o}/x'", "copy classes to '{o}/x.parquet'",
    "attach '{o}/x.db' as x", "export database '{o}/x'", "install httpfs", "load httpfs",
    "pragma database_list", "set enable_external_access = true", "reset all",
    "set variable store = '{o}'", "create table x as select 1", "drop view memorization",
    "create or replace view accuracy as select 1", "call pragma_version()",
    "select getenv('HOME')", "import database '{o}'", "vacuum", "checkpoint",
    "from duckdb_secrets()", "create secret s (type s3)", "select * from sniff_csv('{o}/secret')",
    "explain analyze copy (select 1) to '{o}/x'", "select 1; copy (select 1) to '{o}/x'",
    "prepare p as copy (select 1) to '{o}/x'",
    "select * from query('from read_text(''{o}/secret'')')",
    "from parquet_metadata('{o}/secret')", "update extensions", "select write_log('x')",
    "from read_text('{s}/../outside/secret')", "from read_duckdb('{o}/x.db')",
)  # fmt: skip
EXHAUSTION: Final = (
    "select list(range) from range(1000000000)", "select repeat('x', 3000000000)",
    "select string_agg(range::varchar, ',') from range(1000000000)", "from range(100000000000)",
    "select a.range, b.range from range(100000) a, range(100000) b order by 2, 1",
    "with recursive a as (select 1 x union all select x + 1 from a) select max(x) from a",
    "select count(*) from range(100000) a, range(100000) b, range(100000) c",
    "select " + "(" * 5000 + "1" + ")" * 5000, "select 1 " + "+ 1 " * 100_000,
    "select " + "abs(" * 2000 + "1" + ")" * 2000, "select '" + "x" * 10_000_000 + "'",
)  # fmt: skip


def sql(table: Table, make: Callable[[Path], Store]) -> None:
    """Nothing outside is read or written; what is endless is stopped; the study still answers."""
    with table.room() as room:
        store, outside = make(room / "store").path, room / "outside"
        outside.mkdir()
        for name in ("secret", "secret.csv"):
            (outside / name).write_text("TOPSECRET,1\nTOPSECRET,2\n")
        small = replace(Limits.default(), memory=256 << 20, disk=64 << 20, seconds=2.0)
        study = ma.open(store, limits=small)
        right = study.sql("select count(*) from outcomes").item()
        for query in ESCAPES:
            _asked(table, "SQL, escapes", study, query.format(o=outside, s=store))
        table.expect(
            "SQL, escapes", len(list(outside.iterdir())) == 2, f"written: {list(outside.iterdir())}"
        )
        for query in EXHAUSTION:
            _asked(table, "SQL, exhaustion", study, query)
            still = study.sql("select count(*) from outcomes").item()
            table.expect("SQL, exhaustion", still == right, "no answer afterwards")


def _asked(table: Table, kind: str, study: Any, query: str) -> None:
    try:
        answer = str(study.sql(query).rows()[:5])
    except MemanalysisError as error:
        table.said(kind, query[:60], Result(1, str(error)))
    except Exception as error:
        table.note(kind, "confusing", f"{query[:60]}: {type(error).__name__}: {error}")
    else:
        table.expect(kind, "TOPSECRET" not in answer, f"{query}: read {answer}")


def _numbers(path: Path) -> list[str]:
    """Values of every relation that are not finite numbers."""
    study = ma.open(path)
    wrong = []
    for name in _RELATIONS:
        for column in (frame := study.sql(f"from {name}")).columns:
            if frame[column].dtype.is_float() and not all(
                map(math.isfinite, frame[column].drop_nulls())
            ):
                wrong.append(f"{name}.{column}")
    study.close()
    return wrong


_RELATIONS: Final = (
    "memorization", "accuracy", "kind_effects", "findings", "proxies", "trajectories", "outcomes",
    "models",
)  # fmt: skip


def edges(table: Table) -> None:
    """Studies of nothing, of one thing, of ties and of numbers at the end of floats."""
    rng = np.random.default_rng(0)
    masks = (np.arange(8)[:, None] + np.arange(12)) % 2 == 0
    some = rng.random((8, 12)) < 0.5
    labels = np.arange(12) % 3
    cases: dict[str, dict[str, Any]] = {
        "no model": {"masks": masks[:0], "correct": some[:0]},
        "one model": {"masks": masks[:1], "correct": some[:1]},
        "two models": {"masks": masks[:2], "correct": some[:2]},
        "all right": {"masks": masks, "correct": some | True, "labels": labels},
        "all wrong": {"masks": masks, "correct": some & False, "labels": labels},
        "always in": {"masks": masks | True, "correct": some},
        "never in": {"masks": masks & False, "correct": some},
        "one example": {"masks": masks[:, :1], "correct": some[:, :1]},
        "no example": {"masks": masks[:, :0], "correct": some[:, :0]},
        "one class": {"masks": masks, "correct": some, "labels": labels * 0},
        "ties": {"masks": masks, "correct": masks, "labels": labels},
        "NaN": {"masks": masks, "correct": some * np.nan},
        "1e308": {"masks": masks, "correct": some * 1e308},
        "NaN logits": {"masks": masks, "logits": np.full((8, 12, 3), np.nan), "labels": labels},
        "logits of 1e308": {
            "masks": masks, "logits": rng.choice([-1e308, 1e308], (8, 12, 3)), "labels": labels},
        "infinite logits": {
            "masks": masks, "logits": np.full((8, 12, 3), np.inf), "labels": labels},
    }  # fmt: skip
    for what, given in cases.items():
        with table.room() as room:
            try:
                store = write(room / "store", sizes="s", **given)
            except MemanalysisError as error:
                table.said("edges", what, Result(1, str(error)))
            except Exception as error:
                table.note("edges", "confusing", f"{what}: {type(error).__name__}: {error}")
            else:
                table.expect("edges", not (bad := _numbers(store.path)), f"{what}: {bad}")
                table.said("edges", f"{what}, check", command("check", store.path))
                result = command("report", store.path, "--out", room / "r.md")
                table.expect("edges", result.code == 0, f"{what}, report: {result.text[:300]}")


LARGE: Final = {
    "10,000 models": (10_000, 500, 10),
    "1,000,000 examples": (10, 1_000_000, 10),
    "1,000 classes": (40, 20_000, 1000),
}


def _named(*arrays: Any) -> dict[str, Any]:
    return dict(zip(("trainset_mask", "trainset_correctness", "labels"), arrays, strict=True))


def large(table: Table) -> None:
    """Many models, examples and classes: imported whole, asked and checked."""
    for what, (models, examples, classes) in LARGE.items():
        rng = np.random.default_rng(1)
        masks = rng.random((models, examples)) < 0.5
        correct = rng.random((models, examples)) < 0.5
        labels = np.arange(examples) % classes
        with table.room() as room:
            np.savez(room / "all.npz", **_named(masks, correct, labels))
            result = command(
                "import",
                "npz",
                room / "all.npz",
                "--size",
                "s",
                "--axes-known",
                "--out",
                room / "s",
            )
            if result.code:
                table.said("large", what, result)
                table.note("large", "lost", f"{what}: {result.text[:300]}")
                continue
            study = ma.open(room / "s")
            got = study.sql("select sum(n_in), sum(correct_in), count(*) from memorization").row(0)
            study.close()
            right = (int(masks.sum()), int((correct & masks).sum()), examples)
            table.expect("large", tuple(map(int, got)) == right, f"{what}: {got} for {right}")
            faults = command("check", room / "s")
            table.expect("large", faults.code == 0, f"{what}: {faults.text[:300]}")
