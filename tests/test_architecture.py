"""The shape of the package: what may import what, and what importing it costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "memanalysis"

HEAVY_ALLOWED = {
    "torch": ("producer", "experiments"),
    "sklearn": ("producer",),
    "numba": ("producer",),
    "llvmlite": ("producer",),
    "altair": ("figures", "reporting"),
    "vl_convert": ("figures", "reporting"),
    "jinja2": ("reporting",),
    "duckdb": ("sql", "studies.py"),  # studies.py names a type of it and loads nothing
}


def imported_roots(module: Path) -> set[str]:
    """Top-level packages that a module imports anywhere, inside functions too."""
    roots: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.split(".")[0])
    return roots


@pytest.mark.parametrize("heavy", sorted(HEAVY_ALLOWED))
def test_heavy_packages_stay_where_they_belong(heavy: str) -> None:
    """Each heavy dependency is imported in its own sub-package and nowhere else, lazily or not."""
    offenders = [
        str(module.relative_to(PACKAGE))
        for module in PACKAGE.rglob("*.py")
        if heavy in imported_roots(module)
        and module.relative_to(PACKAGE).parts[0] not in HEAVY_ALLOWED[heavy]
    ]
    assert offenders == []


def test_importing_the_package_is_light() -> None:
    """`import memanalysis` pulls in none of the heavy packages."""
    heavy = [*HEAVY_ALLOWED, "polars", "scipy", "pyarrow", "numpy"]
    program = f"import sys, memanalysis; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_nothing_unpickles() -> None:
    """No module loads pickles: not by pickle, not by NumPy, not by torch."""
    for module in PACKAGE.rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert "pickle" not in imported_roots(module), module
        assert "allow_pickle=True" not in text, module
        assert "torch.load(" not in text, module


def test_docstrings_open_with_a_noun_or_a_verb() -> None:
    """The first line of a module, class or function names it, and asks nothing first."""
    opening = re.compile(r"(What|Whether|Whose|Which|How|Where|When|Who)\b")
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    asking = [
        f"{path.relative_to(PACKAGE)}: {getattr(node, 'name', 'the module')}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, documented) and opening.match(ast.get_docstring(node) or "")
    ]
    assert asking == []
