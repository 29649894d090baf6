"""The list of formats: what is listed exists, and plug-ins join it."""

from dataclasses import fields
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from memanalysis.errors import DataError
from memanalysis.importing import FORMATS, Options, import_source, registry
from memanalysis.importing.formats import npz
from memanalysis.importing.source import COMMON_OPTIONS


def test_every_format_declares_what_it_is() -> None:
    """Each module has a documented ``read``; its options are fields of ``Options``."""
    known = {field.name for field in fields(Options)}
    for name, format_ in FORMATS.items():
        assert format_.name == name
        assert format_.read.__doc__, name
        assert {*format_.options, *COMMON_OPTIONS} <= known, name
        assert format_.example.startswith(f"{name} "), name


PLUGIN = """
from memanalysis.importing import Contents, Format, Options
from memanalysis.importing.source import Examples, Scores
import numpy as np

FORMAT = Format("lines", __name__, "a number a line", ("hard_is",), "lines a.txt --out mine")

def read(source, options):
    values = np.loadtxt(source)
    scores = Scores("depth", values, "high", where=f"'{source}'")
    return Contents("lines", source.name, Examples(n_train=len(values)), scores=(scores,))
"""


def installed(monkeypatch: pytest.MonkeyPatch, value: str) -> registry.Formats:
    """The formats with one entry point."""
    point = EntryPoint("lines", value, registry.GROUP)
    monkeypatch.setattr(
        registry, "entry_points", lambda **group: [point] * (group == {"group": registry.GROUP})
    )
    return registry.Formats()


@pytest.mark.usefixtures("without_derive")
def test_an_importer_of_ones_own_is_listed_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry point that names a module with FORMAT and read is a format like ours."""
    (tmp_path / "lines_importer.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    formats = installed(monkeypatch, "lines_importer")
    assert list(formats) == [*FORMATS, "lines"]
    monkeypatch.setattr("memanalysis.importing.FORMATS", formats)
    (tmp_path / "a.txt").write_text("1\n5\n2\n")
    store = import_source("lines", tmp_path / "a.txt", tmp_path / "out").store
    assert store is not None
    assert store.read_table("proxies")["value_in"].to_pylist() == [1, 5, 2]


def test_ours_come_first_and_a_broken_plugin_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plug-in cannot take npz's place; what cannot be imported is named."""
    text = PLUGIN.replace('"lines", __name__', '"npz", __name__')
    (tmp_path / "another_npz.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert installed(monkeypatch, "another_npz")["npz"] is npz.FORMAT
    with pytest.raises(DataError, match=r"'lines' \(nowhere_at_all\) cannot be imported"):
        list(installed(monkeypatch, "nowhere_at_all"))
    with pytest.raises(DataError, match="declares no FORMAT"):
        list(installed(monkeypatch, "math"))
