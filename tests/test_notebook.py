"""The tour runs from top to bottom on the embedded study, and is kept without outputs."""

from pathlib import Path

import nbformat
import pytest
import vl_convert
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "notebooks" / "tour.ipynb"
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def tour() -> nbformat.NotebookNode:
    """The notebook as it is kept."""
    return nbformat.read(TOUR, as_version=4)


def test_the_tour_is_kept_without_outputs(tour: nbformat.NotebookNode) -> None:
    """No cell keeps an output or a count, so that changes stay readable."""
    for cell in tour.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


# Starting a kernel leaves sockets and event loops to the garbage collector on some versions.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_tour_runs_and_draws(
    tour: nbformat.NotebookNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell runs; five of them show live charts, which have marks; none complains."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    resources = {"metadata": {"path": str(TOUR.parent)}}
    NotebookClient(tour, timeout=600, kernel_name="python3", resources=resources).execute()
    outputs = [out for cell in tour.cells for out in cell.get("outputs", [])]
    assert [out for out in outputs if out.output_type == "stream"] == []
    shown = [out.data[WIDGET]["model_id"] for out in outputs if WIDGET in out.get("data", {})]
    assert len(shown) >= 5
    widgets = tour.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    for model in shown:
        svg = vl_convert.vegalite_to_svg(widgets[model]["state"]["spec"])
        assert svg.count("<path") + svg.count("<text") > 20
