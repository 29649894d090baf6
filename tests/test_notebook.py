"""The notebooks: kept with their outputs, small, in public names; they run from top to bottom."""

import ast
import base64
import io
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

import memanalysis as ma
from memanalysis.cli import run

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 300_000
LONGEST_FUNCTION = 5
# Charts that each draws, at least.
CHARTS = {
    "tour": 5, "wrong_labels": 2, "trajectories": 4, "proxies": 3, "twenty_questions": 0,
    "train_your_own": 1,
}  # fmt: skip
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def pictures(notebook: nbformat.NotebookNode) -> list[Image.Image]:
    """The charts of a notebook, as pictures."""
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return [
        Image.open(io.BytesIO(base64.b64decode(out.data["image/png"])))
        for out in outputs
        if "image/png" in out.get("data", {})
    ]


def test_all_notebooks_are_known_here() -> None:
    """Each has a least number of charts above."""
    assert {path.stem for path in NOTEBOOKS} == set(CHARTS)


@EACH
def test_outputs_are_kept_small_and_without_places(path: Path) -> None:
    """Every code cell keeps what it showed; a notebook stays below 300 kB and names no machine."""
    notebook = nbformat.read(path, as_version=4)
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    assert str(Path.home()) not in text
    assert "/tmp/" not in text
    assert len(pictures(notebook)) >= CHARTS[path.stem]
    assert not [o for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert len(shown) > 3


@EACH
def test_notebooks_use_public_names(path: Path) -> None:
    """Of memanalysis only what ``ma`` offers; no function has more than five lines."""
    notebook = nbformat.read(path, as_version=4)
    code = [ast.parse(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    nodes = [node for tree in code for node in ast.walk(tree)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("memanalysis")
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.value.id != "ma" or node.attr in ma.__all__, node.attr


# Starting a kernel leaves sockets and event loops to the garbage collector on some versions.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@EACH
def test_notebooks_run_and_draw(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs, charts have something on them, and nothing complains."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert [out for out in outputs if out.output_type == "error"] == []
    if path.stem != "train_your_own":  # which says how far training is
        assert [out for out in outputs if out.output_type == "stream"] == []
    drawn = pictures(notebook)
    assert len(drawn) >= CHARTS[path.stem]
    assert all(len(picture.convert("L").getcolors() or range(99)) > 10 for picture in drawn)


def test_the_command_copies_them_and_keeps_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All notebooks, unchanged; a file of that name stays as it was."""
    (tmp_path / "tour.ipynb").write_text("mine")
    assert run(["notebooks", str(tmp_path)]) == 0
    assert "stays" in capsys.readouterr().err
    assert (tmp_path / "tour.ipynb").read_text() == "mine"
    for path in NOTEBOOKS:
        if path.stem != "tour":
            assert (tmp_path / path.name).read_bytes() == path.read_bytes()
