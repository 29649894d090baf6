"""A file is there whole or not at all."""

import hashlib
from pathlib import Path

import pytest

from memanalysis.storage import atomic


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """An error while writing changes nothing and leaves no temporary file behind."""
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """The name changes hands after the last byte."""
    path = tmp_path / "file"
    atomic.write_bytes(path, b"old")
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_two_writers_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Each has a temporary file of its own, and the later rename wins."""
    path = tmp_path / "folder" / "file"
    with atomic.replacing(path) as first:
        first.write_text("first")
        with atomic.replacing(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_checksums_are_sha256(tmp_path: Path) -> None:
    """Any sha256sum gives the same."""
    atomic.write_bytes(tmp_path / "file", b"abc")
    assert atomic.sha256(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
