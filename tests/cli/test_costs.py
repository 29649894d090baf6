"""plan: arithmetic, disk space, the price of recording and hours."""

from __future__ import annotations

import polars as pl
import pytest

from memanalysis import settings
from memanalysis.cli import costs
from memanalysis.cli.studies import load_study
from memanalysis.producer.costs import bytes_per_model


def test_a_plan_says_what_it_costs() -> None:
    """The digits study: twenty subsets, three sizes, two objectives; hours shared by devices."""
    study = load_study("digits")
    arithmetic, recording, disk, tables = costs.lines(study, costs.look(study))
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


@pytest.mark.parametrize(
    ("hours", "devices", "said"),
    [
        ([4.0, 4.0, None], 4, "2.0 h of training on 4 workers for 2 of 3 rows; the others are"),
        ([0.5, 0.5], 1, "60 min of training on one worker"),
        ([240.0], 2, "5.0 days of training on 2 workers"),
    ],
)
def test_hours_are_shared_by_workers(hours, devices, said) -> None:
    """Minutes, hours or days, whichever reads best, and how much of it is known."""
    assert costs.hours(pl.DataFrame({"hours": hours}), devices).startswith(f"about {said}")


def test_teachers_on_all_examples_are_counted() -> None:
    """One teacher per group, each on 1 / .7 as many examples as a student."""
    text = load_study("digits").text
    alone = settings.parse(text)
    shape = costs.look(alone)
    full = text.replace("[distillation]", '[distillation]\nscope = "full_data"')
    alone, taught = (costs.lines(s, shape)[0] for s in (alone, settings.parse(full)))
    assert taught.endswith("with 2 teachers trained on all examples).")
    more = [float(line.split()[1]) for line in (taught, alone)]
    assert abs(more[0] - more[1] - 2 * 9.67 / 0.7) < 1


def test_a_plan_without_the_data_says_so(tmp_path) -> None:
    """What depends on the data is unknown, with the message that names the files."""
    text = load_study("digits").text.replace(
        'source = "digits"', f'source = "fashion-mnist"\nfolder = "{tmp_path}"'
    )
    study = settings.parse(text)
    reason = costs.look(study)
    assert reason.startswith("Arithmetic, time and disk space: unknown without the data. ")
    assert str(tmp_path) in reason
    assert costs.lines(study, reason) == []
