"""The API reference has the public names, and no other."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import memanalysis as ma

HELPER = Path(__file__).parent / "helpers" / "api_pages.py"


@pytest.mark.slow
def test_the_api_reference_has_public_names_alone(tmp_path: Path) -> None:
    """A page for the package and each public module, with a section for each name of `__all__`."""
    subprocess.run([sys.executable, HELPER, tmp_path], check=True)
    pages = {
        "memanalysis": {*ma.__all__} - {"charts", "store"},  # which are modules
        "memanalysis/charts": {*ma.charts.__all__},
        "memanalysis/store": {*ma.store.__all__},
    }
    made = {str(page.relative_to(tmp_path)) for page in tmp_path.rglob("*.html")}
    assert made == {"index.html", *(f"{name}.html" for name in pages)}
    for name, public in pages.items():
        text = (tmp_path / f"{name}.html").read_text("utf-8")
        assert set(re.findall(r'<section id="(\w+)"', text)) == public
    charts = re.sub(r"<[^>]*>", "", (tmp_path / "memanalysis/charts.html").read_text("utf-8"))
    assert "trajectories(study" in charts.replace("\t", "").replace("\n", "")
    assert "Figure(name=" not in charts
