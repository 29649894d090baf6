"""CONTRIBUTING.md describes the house as it is."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_rooms_stand_in_the_order_of_the_contract():
    """Highest first, as import-linter checks them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = [re.split(r" *\| *", layer) for layer in contracts["contracts"][0]["layers"]]
    position = {room: number for number, layer in enumerate(layers) for room in layer}
    lines = re.findall(r"^    ((?:\w+, )*\w+)  +\S", PAGE, re.MULTILINE)
    rooms = [room for line in lines for room in line.split(", ")]
    assert [position[room] for room in rooms] == sorted(position[room] for room in rooms)
    assert set(position) - set(rooms) <= {"bundled_studies", "literals", "numbers", "wording"}


def test_what_the_page_names_is_there():
    """Helpers of tests, folders and files, but for those with a name of yours."""
    assert all(
        (ROOT / "tests/helpers" / f"{name}.py").exists()
        for name in ("tiny_study", "handmade", "worlds", "drawn_models", "naive")
    )
    named = {name.rstrip("/") for name in re.findall(r"`([\w./]+/[\w./]*)`", PAGE)}
    homes = (ROOT, ROOT / "memanalysis", ROOT / "memanalysis" / "producer")
    missing = {name for name in named if not any((home / name).exists() for home in homes)}
    assert not missing
