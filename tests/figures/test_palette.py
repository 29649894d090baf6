"""The palette for readers who see fewer colours, by a published model of their vision."""

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from memanalysis.figures import theme

Vector = npt.NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009, doi 10.1109/TVCG.2009.113, table 1, severity 1.0: matrices
# on linear RGB. The rarest of the three, tritanopia, is there for completeness.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
# CIELAB: 2.3 is just noticeable; two colours in one chart need several times that.
LEAST = 15
# What stands side by side in a chart and is told apart by colour.
BESIDE = (theme.SHAPES, ("one-hot", "distilled"), ("inside", "outside"))


def lab(colour: str, vision: Vector) -> Vector:
    """A colour's place in CIELAB (D65), as seen by one kind of vision."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(vision @ linear, 0, 1)
    to_xyz = np.array([
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ])  # fmt: skip
    xyz = to_xyz @ seen / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_black_white_and_red_are_where_cielab_puts_them() -> None:
    """The conversion gives the published coordinates of three sRGB colours (D65)."""
    known = {"#000000": (0, 0, 0), "#ffffff": (100, 0, 0), "#ff0000": (53.24, 80.09, 67.20)}
    for colour, place in known.items():
        assert lab(colour, VISION["normal"]) == pytest.approx(place, abs=0.05)


def test_the_model_confuses_what_such_readers_confuse() -> None:
    """Red and green of one lightness are far apart for most readers and close in deuteranopia."""
    pair = ("#b4463c", "#6b7a2f")
    normal, deuteranopia = (
        np.linalg.norm(np.subtract(*(lab(colour, VISION[name]) for colour in pair)))
        for name in ("normal", "deuteranopia")
    )
    assert normal > 3 * deuteranopia


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_colours_that_stand_side_by_side_differ(palette: dict[str, str], vision: str) -> None:
    """Any two categories of one chart keep their distance in CIELAB under each kind of vision."""
    for names in BESIDE:
        for pair in combinations(names, 2):
            one, other = (lab(palette[name], VISION[vision]) for name in pair)
            assert np.linalg.norm(one - other) >= LEAST, pair


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_sizes_run_one_way_in_lightness(palette: dict[str, str], vision: str) -> None:
    """The ramp of sizes is ordered by lightness for everybody, so that order needs no hue."""
    lightness = np.array([lab(palette[f"size-{i}"], VISION[vision])[0] for i in range(9)])
    steps = np.diff(lightness)
    assert (np.sign(steps) == np.sign(steps[0])).all()
    assert np.abs(steps).min() > 2.3
