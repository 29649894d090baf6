"""Licences that `make licences` lets pass."""

import licences
import pytest


@pytest.mark.parametrize(
    ("text", "permissive"),
    [
        ("MIT", True), ("BSD License", True), ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-only", False), ("MIT AND GPL-2.0", False), ("MIT OR GPL-2.0", True),
        ("LGPL-2.1", False), ("unknown", False), ("Mozilla Public License 2.0 (MPL 2.0)", False),
        ("LicenseRef-NVIDIA-Proprietary", False),
    ],
)  # fmt: skip
def test_an_expression_is_permissive_as_a_whole(text: str, permissive: bool) -> None:
    """One part that is not permissive spoils a conjunction, and no alternative."""
    assert licences.is_permissive(text) is permissive


def test_nothing_else_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every package here is permissive, or an exception with its reason."""
    licences.main()
    assert "numpy" in capsys.readouterr().out
