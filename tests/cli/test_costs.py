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
    arithmetic, recording, disk, tables, time = costs.lines(study, frame, 4)
    assert arithmetic.startswith("Arithmetic: 511 GFLOP in all")
    # Layers by hand on 8x8 images at width 8: 64 + 512 + 512 + 256 + 128 + 10 numbers. Products of
    # 2 x 1000 x 700 of them, and one pass over 1,000 images, against 12 epochs over 700.
    forward = 9.67e9 / (2.95 * 700 * 12)
    share = 1 / (3 * 0.7 * 12) + 2 * 1000 * 1482 / (3 * forward * 12)
    said = recording.removeprefix("Recording adds to the arithmetic of a training of resnet8w8: ")
    assert said.startswith("prediction_depth ")
    assert abs(float(said.split()[1].strip("%.")) / 100 - share) < 0.02
    shape = {"n_train": 1000, "n_test": 363, "classes": 10}
    teacher, other = (
        bytes_per_model(study, objective, "resnet8w8", **shape) for objective in study.objectives
    )
    assert teacher > other
    assert disk.startswith(f"Disk space: {(20 * teacher + 100 * other) / 1e6:.3g} MB")
    assert tables.startswith("Tables of what is recorded beside outcomes and proxies")
    assert time == (
        "Time: 4.0 hours on one worker, 1.0 on 4 for 2 of 3 rows; the others are unknown."
    )


def test_teachers_on_all_examples_are_counted() -> None:
    """One teacher per group, each on 1 / .7 as many examples as a student."""
    text = load_study("digits").text
    alone = costs.lines(settings.parse(text), pl.DataFrame({"hours": [None]}), 1)[0]
    full = text.replace("[distillation]", '[distillation]\nscope = "full_data"')
    taught = costs.lines(settings.parse(full), pl.DataFrame({"hours": [None]}), 1)[0]
    assert taught.endswith("with 2 teachers trained on all examples).")
    more = [float(line.split()[1]) for line in (taught, alone)]
    assert abs(more[0] - more[1] - 2 * 9.67 / 0.7) < 1


def test_a_plan_without_the_data_says_so(tmp_path) -> None:
    """What depends on the data is unknown, with the message that names the files."""
    text = load_study("digits").text.replace(
        'source = "digits"', f'source = "fashion-mnist"\nfolder = "{tmp_path}"'
    )
    lines = costs.lines(settings.parse(text), pl.DataFrame({"hours": [None]}), 1)
    assert lines[0].startswith("Arithmetic and disk space: unknown without the data. ")
    assert str(tmp_path) in lines[0]
    assert "--calibrate" in lines[1]
