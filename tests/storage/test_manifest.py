"""Manifests of strangers: every fault named at once by its key, whatever it is."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memanalysis.checking import check
from memanalysis.cli import run
from memanalysis.errors import StoreError
from memanalysis.storage.manifest import ManifestError, read_manifest
from memanalysis.storage.store import Manifest, Store

WRONG = {
    "settings": (None, [], {"distillation": 3}, {"subsets": []}, {"objectives": ["../x"]},
                 {"distillation": {"students": 3, "subsets": -1}}, {"training": {"epochs": "x"}}),
    "seed": ("x", 1.5, 2**80),
    "ratio": ("x", float("nan"), -0.5, True),
    "group_size": (0, "x", [1]),
    "n_subsets": (None, -1, 2**70, 1e9, float("inf")),
    "sizes": (5, None, ["../../x"], ["a", "a"], [""], ["a/b"], ["x" * 65], [1], ["."], ["a\n"]),
    "families": ({"../x": "resnet"}, [], {"small": 1}),
    "layers": ({"small": {"input": "x"}}, {"small": 1}),
    "class_names": (None, "cat", [1]),
    "dataset": (None, [], {"name": 3}, {"judged": 1}),
    "n_train": ("x", -1, 2**40, None, True),
    "n_test": ("x", 1.5),
    "packed": (1, "yes", None),
    "code": (None, "x"),
    "packages": ({"numpy": 2}, 1),
    "machine": ([], None),
    "created_at": (None, 3),
    "outcomes_fingerprint": (None, "xyz", 3),
    "imports": (None, [{}], [{"sizes": ["../x"], "source": "s", "format": "f"}], [3]),
    "proxies": (None, {"el2n": 3}, {"el2n": {"hard_is": 1}}),
    "files": ([], {"../x.parquet": {}}, {"/etc/x": {}}, {"a.parquet": {"sha256": "x"}},
              {"a.parquet": None}),
}  # fmt: skip
CASES = [(key, value) for key, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("key", "value"), CASES, ids=lambda v: str(v)[:30])
def test_a_wrong_value_is_named_by_its_key(tmp_path: Path, key: str, value: object) -> None:
    """Opening and checking name the file and the key, and never end in an internal error."""
    Store.create(tmp_path, Manifest("s", "t"))
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(ManifestError, match=rf"manifest.json' is not the manifest[\s\S]*- {key}"):
        Store.open(tmp_path)
    faults = check(tmp_path)
    assert faults
    assert all(fault.where.startswith(f"manifest.json, {key}") for fault in faults)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """One message lists every key that is wrong."""
    Store.create(tmp_path, Manifest("s", "t"))
    file = tmp_path / "manifest.json"
    wrong = {"ratio": "x", "sizes": 5, "n_train": None}
    file.write_text(json.dumps(json.loads(file.read_text()) | wrong))
    with pytest.raises(ManifestError) as caught:
        read_manifest(file)
    assert [key for key, _, _ in caught.value.problems] == ["ratio", "sizes", "n_train"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested more deeply"),
        ('{"contract": 1, "study": "s", "title": "t", "n_train": ' + "9" * 5000 + "}", "n_train"),
        ('{"contract": 1, "study": "s", "title": "t", "ratio": NaN}', "ratio: nan"),
        ('{"contract": true}', "follows contract version True"),
        ("\ud800", "is not valid JSON"),
    ],
)
def test_what_no_reader_of_json_likes_is_one_message(
    tmp_path: Path, text: str, message: str
) -> None:
    """Deep nesting, integers of thousands of digits, NaN, bytes that are no text."""
    file = tmp_path / "manifest.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ManifestError, match=message):
        Store.open(tmp_path)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_json_value_gets_past_or_breaks_the_reader(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any JSON under any key is a manifest that can be used, or one StoreError."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    )
    key = data.draw(st.sampled_from(sorted(WRONG)))
    content = {"contract": 1, "study": "s", "title": "t", key: data.draw(values)}
    path = tmp_path_factory.mktemp("store")
    (path / "manifest.json").write_bytes(json.dumps(content).encode("utf-8", "surrogatepass"))
    try:
        manifest = Store.open(path).manifest
    except StoreError:
        return
    assert manifest.planned_subsets("distilled", "small") >= 0
    assert isinstance(manifest.design, str)
    assert isinstance(manifest.objectives, list)


def test_a_manifest_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """A manifest is a file of its own: what a link leads to may be anything."""
    Store.create(tmp_path / "a", Manifest("s", "t"))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").symlink_to(tmp_path / "a" / "manifest.json")
    with pytest.raises(StoreError, match="is no file of its own"):
        Store.open(tmp_path / "b")


def test_check_prints_faults_of_a_manifest(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`memanalysis check` ends with 1 and a line for each, control characters shown."""
    Store.create(tmp_path, Manifest("s", "t"))
    file = tmp_path / "manifest.json"
    wrong = {"ratio": "x", "sizes": ["\x1b[31m\u202e"]}
    file.write_text(json.dumps(json.loads(file.read_text()) | wrong))
    assert run(["check", str(tmp_path)]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "manifest.json, ratio", "manifest.json, sizes.0",
    ]  # fmt: skip
    assert "\x1b" not in "".join(lines)
