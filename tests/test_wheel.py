"""The built wheel works with the source tree out of sight."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this source tree."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return path


def tracked(folder: str) -> set[str]:
    """Files under version control below a folder."""
    listed = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(listed.stdout.split())


def test_the_wheel_holds_what_the_repository_holds(wheel: Path) -> None:
    """Every query, template and embedded table under version control is in the wheel."""
    names = set(zipfile.ZipFile(wheel).namelist())
    data = (
        tracked("queries")
        | tracked("notebooks")
        | tracked("data/fashion-mnist")
        | tracked("data/digits")
    )
    expected = tracked("memanalysis") | {f"memanalysis/{name}" for name in data}
    assert expected - names == set()
    assert not {name for name in names if "/models/" in name or "/groups/" in name}


def test_the_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    """Installed elsewhere, in an empty directory, it answers SQL and writes the report."""
    environment = tmp_path / "venv"
    # Dependencies come from this environment; the package itself must come from the wheel.
    venv.create(environment, with_pip=False, symlinks=True)
    site = next((environment / "lib").glob("python*")) / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    dependencies = [p for p in sys.path if p.endswith("site-packages")]
    code = (
        "import sys; sys.path += sys.argv[1:]\n"
        "import memanalysis as ma\n"
        f"assert ma.__file__.startswith({str(environment)!r}), ma.__file__\n"
        "study = ma.open()\n"
        "assert study.sql('select count(*) as n from memorization').item() > 0\n"
        "ma.report(study, 'report.html')\n"
    )
    work = tmp_path / "work"
    work.mkdir()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    subprocess.run(
        [str(environment / "bin" / "python"), "-P", "-c", code, *dependencies],
        cwd=work, env=clean, check=True,
    )  # fmt: skip
    assert (work / "report.html").stat().st_size > 500_000
