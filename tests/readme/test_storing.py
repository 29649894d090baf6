"""The page on stores: its lines merge two parts of a study, and take a part out."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import readme_parts
from once import made_once

import memanalysis as ma
from memanalysis.checking import check
from memanalysis.experiments.simulate import simulate

BLOCKS = re.findall(r"(?:^    \S.*\n)+", readme_parts.section("Merging and deleting"), re.MULTILINE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of four groups of models, with its model files."""
    asked = {"n_train": 60, "n_test": 10, "sizes": ("s1", "s2"), "groups": 4}
    return made_once(tmp_path_factory, "storing", lambda path: simulate(path, **asked))


@pytest.fixture
def run(shell: Callable[..., str]) -> Callable[[str], None]:
    """Run the lines of a block, those of memanalysis in this process."""

    def lines(block: str) -> None:
        for line in map(str.strip, block.splitlines()):
            if line.startswith("memanalysis "):
                shell(line)
            else:
                subprocess.run(line, shell=True, check=True)

    return lines


@pytest.mark.parametrize("pack", [False, True])
def test_parts_of_a_study_become_one(whole: Path, folder: Path, run, pack: bool) -> None:
    """Two groups and the other two, merged by the page's lines, are the study of all four."""
    for name, others in (("a", r"000[23]\d"), ("b", r"000[01]\d")):
        shutil.copytree(whole, folder / name)
        for path in (folder / name / "models").rglob("*.safetensors"):
            if re.fullmatch(others, path.stem):
                path.unlink()
    ma.build("a", pack=pack)
    assert set(ma.open("a").table("accuracy")["n_models"]) == {20}
    run(BLOCKS[0])
    merged = ma.open("a")
    assert merged.table("memorization").equals(ma.open(whole).table("memorization"))
    assert check(folder / "a") == []


def test_a_part_is_taken_out(whole: Path, folder: Path, run) -> None:
    """Without the files of one objective, the store is of the other alone."""
    shutil.copytree(whole, folder / "mine")
    run(BLOCKS[1])
    assert set(ma.open("mine").table("accuracy")["objective"]) == {"one_hot"}
    assert check(folder / "mine") == []
