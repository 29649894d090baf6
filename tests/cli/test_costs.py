"""plan: arithmetic, disk space, the price of recording and hours."""

from __future__ import annotations

import polars as pl

from memanalysis import settings
from memanalysis.cli import costs
from memanalysis.cli.studies import load_study
from memanalysis.producer.costs import bytes_per_model


def test_a_plan_says_what_it_costs() -> None:
    """The digits study: twenty subsets, three sizes, two objectives; hours shared by devices."""
    study = load_study("digits")
    frame = pl.DataFrame({"hours": [1.0, 3.0, None]})
    arithmetic, disk, time = costs.lines(study, frame, 4)
    assert arithmetic.startswith("Arithmetic: 511 GFLOP in all")
    shape = {"n_train": 1000, "n_test": 363, "classes": 10}
    teacher, other = (
        bytes_per_model(study, objective, "resnet8w8", **shape) for objective in study.objectives
    )
    assert teacher > other
    assert disk.startswith(f"Disk space: {(20 * teacher + 100 * other) / 1e6:.3g} MB")
    assert time == (
        "Time: 4.0 hours on one worker, 1.0 on 4 for 2 of 3 rows; the others are unknown."
    )


def test_a_plan_without_the_data_says_so(tmp_path) -> None:
    """What depends on the data is unknown, with the message that names the files."""
    text = load_study("digits").text.replace(
        'source = "digits"', f'source = "fashion-mnist"\nfolder = "{tmp_path}"'
    )
    lines = costs.lines(settings.parse(text), pl.DataFrame({"hours": [None]}), 1)
    assert lines[0].startswith("Arithmetic and disk space: unknown without the data. ")
    assert str(tmp_path) in lines[0]
    assert "--calibrate" in lines[1]
