"""``memanalysis import`` as people run it."""

import numpy as np
import pytest

from memanalysis.importing import FORMATS
from memanalysis.storage.store import Store


@pytest.fixture
def released(tmp_path):
    """A file with the key names of the CIFAR-10N release."""
    rng = np.random.default_rng(0)
    masks = rng.random((12, 30)).argsort(axis=0) < 8
    np.savez(
        tmp_path / "released.npz", total_runs=12, trainset_mask=masks,
        trainset_correctness=rng.random((12, 30)) < 0.6,
    )  # fmt: skip
    return tmp_path / "released.npz"


def test_help_says_what_each_format_reads(memanalysis):
    """A line for every format, in order, and none is wider than a terminal."""
    lines = memanalysis("import", "--help").out.splitlines()
    start = next(at for at, line in enumerate(lines) if line.split() == ["FORMAT", "SOURCE"])
    listed = [line.split(maxsplit=1) for line in lines[start + 1 : start + 1 + len(FORMATS)]]
    assert [name for name, _ in listed] == list(FORMATS)
    assert lines[start + 1 + len(FORMATS)] == ""
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", FORMATS)
def test_help_of_a_format_lists_its_own_options(memanalysis, name):
    """What it reads, an example, the options that it declares, and no other's."""
    said = memanalysis("import", name, "--help")
    assert said.code == 0
    lines = said.out.splitlines()
    assert f"import {name} SOURCE" in lines[0]
    assert FORMATS[name].reads.split()[0] in said.out
    assert f"memanalysis import {FORMATS[name].example}" in said.out
    listed = {line.split()[0] for line in lines if line.startswith("  --")}
    assert ("--augmentation" in listed) == (name in ("lira", "datamodels"))
    assert ("--hard-is" in listed) == (name == "scores")
    assert {"--out", "--dry-run", "--size"} <= listed
    assert max(map(len, lines)) <= 80


@pytest.mark.usefixtures("without_derive")
def test_an_option_of_another_format_is_said(memanalysis, tmp_path, released):
    """What a format does not heed is no silence."""
    said = memanalysis(
        "import", "npz", released, "--out", tmp_path / "out", "--hard-is", "low", "--dry-run"
    )
    assert (said.code, "npz does not heed --hard-is" in said.err) == (0, True)


@pytest.mark.usefixtures("without_derive")
def test_a_dry_run_prints_and_an_import_builds(memanalysis, tmp_path, released):
    """The plan goes to standard output and nothing is written; then the store is there."""
    out = tmp_path / "out"
    said = memanalysis("import", "npz", released, "--out", out, "--size", "r18", "--dry-run")
    assert (said.code, out.exists()) == (0, False)
    assert "models: 12 of size r18, one_hot" in said.out
    done = memanalysis("import", "npz", released, "--out", out, "--size", "r18")
    assert (done.code, done.out) == (0, "")
    assert f"imported into {out}" in done.err
    assert Store.open(out).manifest.sizes == ["r18"]


def test_faults_are_one_message(memanalysis, tmp_path, released):
    """An unknown format, a missing file and a wrong file exit with 1 and say what to do."""
    out = ["--out", tmp_path / "out"]
    for arguments, said in (
        (["npzz", released], "Did you mean 'npz'"),
        (["npz", tmp_path / "none.npz"], "does not exist"),
        (["cscore", released], "'scores' among them"),
        (["npz", tmp_path], "found a folder; expected a .npz file"),
        (["lira", released], "keep.npy"),
    ):
        result = memanalysis("import", *arguments, *out)
        assert result.code == 1, arguments
        assert said in result.err
        assert "Traceback" not in result.err
        assert not (tmp_path / "out").exists()
