"""The section "Beyond one machine" of the page on SQL, on a hundredth of its examples."""

import duckdb
import polars as pl
import pytest
import readme_parts

import memanalysis as ma

SECTION = readme_parts.section("Beyond one machine")
SIMULATE, *PARTS = (line.replace("0000", "00") for line in readme_parts.commands(SECTION))
(COMBINE,) = readme_parts.blocks(SECTION, "sql")


def test_parts_add_up(shell, folder) -> None:
    """Rows of all parts are those of the whole, and so are means and shares made from them."""
    shell(SIMULATE)
    for line in PARTS:
        shell(line)
    study = ma.open("big")
    whole = study.table("memorization")
    files = sorted(folder.glob("part-*.parquet"))
    parts = pl.concat(map(pl.read_parquet, files))
    key = ["objective", "size", "example_id"]
    assert [pl.read_parquet(file).height for file in files] == [6 * 100, 6 * 300]
    assert parts.sort(key).equals(whole.sort(key))
    found = duckdb.sql(COMBINE).pl()
    wanted = study.sql("select objective, size, memorization from accuracy order by all")
    assert found["memorization"].to_list() == pytest.approx(wanted["memorization"].to_list())
    scores = whole.filter(pl.col("split") == "train").group_by("objective", "size")
    shares = scores.agg(share=(pl.col("memorization") >= 0.5).mean()).sort("objective", "size")
    assert found["share_above_half"].to_list() == pytest.approx(shares["share"].to_list())
