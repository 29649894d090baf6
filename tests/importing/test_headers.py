"""Headers that say more than the file holds, and files of another kind than their name."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from memanalysis.errors import DataError
from memanalysis.importing import import_source
from memanalysis.importing.arrays import Archive, open_npy

pytestmark = pytest.mark.usefixtures("without_derive")


def npy(descr: str, shape: str, content: bytes) -> bytes:
    """A .npy file with any header."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (64 - (11 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def archive(path: Path, members: dict[str, bytes | np.ndarray]) -> Path:
    """A .npz file of arrays or of any bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            if isinstance(content, np.ndarray):
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, content)
                content = buffer.getvalue()
            file.writestr(f"{name}.npy", content)
    return path


LIES = {
    "texts of no bytes": ("|S0", "(60,)", b"", "of no bytes"),
    "unicode of no bytes": ("<U0", "(60,)", b"", "of no bytes"),
    "a long axis": ("<i8", "(1000000000000,)", b"\0" * 480, "bytes"),
    "a product beyond int64": ("<i8", "(4294967296, 4294967296, 4)", b"\0" * 480, "bytes"),
    "a negative axis": ("<i8", "(-60,)", b"\0" * 480, "of at least 0"),
    "bytes after the last": ("<i8", "(60,)", b"\0" * 488, "bytes"),
    "a value too few": ("<i8", "(60,)", b"\0" * 472, "bytes"),
}


@pytest.mark.parametrize("name", LIES)
def test_sizes_are_believed_as_far_as_the_file_is_long(tmp_path: Path, name: str) -> None:
    """Before memory is asked for, alone and in an archive."""
    descr, shape, content, message = LIES[name]
    (tmp_path / "a.npy").write_bytes(npy(descr, shape, content))
    with pytest.raises(DataError, match=message):
        open_npy(tmp_path / "a.npy")
    rng = np.random.default_rng(0)
    masks = rng.random((20, 60)) < 0.7
    source = archive(tmp_path / "a.npz", {
        "trainset_mask": masks, "trainset_correctness": masks,
        "labels": npy(descr, shape, content),
    })  # fmt: skip
    with pytest.raises(DataError, match=f"key 'labels'.*{message}"):
        import_source("npz", source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("key", ["trainset_mask", "trainset_correctness"])
def test_bytes_after_the_last_row_are_found(tmp_path: Path, key: str) -> None:
    """Also where nobody asks for another row."""
    masks = np.random.default_rng(0).random((20, 60)) < 0.7
    members = {"trainset_mask": masks, "trainset_correctness": masks}
    members[key] = npy("|b1", "(20, 60)", masks.tobytes() + b"\1")
    source = archive(tmp_path / "a.npz", members)
    with pytest.raises(DataError, match=f"key '{key}'.*damaged"):
        import_source("npz", source, tmp_path / "out")


def test_a_flipped_bit_of_the_last_row_is_found(tmp_path: Path) -> None:
    """The checksum of a member is compared before its last row is used."""
    masks = np.random.default_rng(0).random((20, 60)) < 0.7
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_STORED) as file:
        for name in ("trainset_mask", "trainset_correctness"):
            file.writestr(f"{name}.npy", npy("|b1", "(20, 60)", masks.tobytes()))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    at = content.rindex(masks.tobytes()) + masks.size - 1
    content[at] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"trainset_correctness.*(damaged array|Bad CRC)"):
        import_source("npz", tmp_path / "a.npz", tmp_path / "out")


def test_members_of_one_name_are_refused(tmp_path: Path) -> None:
    """The last would count, the first be seen."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("labels.npy", npy("<i8", "(1,)", b"\0" * 8))
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("labels.npy", npy("<i8", "(1,)", b"\1" + b"\0" * 7))
    with pytest.raises(DataError, match="key 'labels' more than once"):
        Archive(tmp_path / "a.npz")


def test_labels_of_a_bomb_are_not_read(tmp_path: Path) -> None:
    """Their length in the header is compared with the masks' first."""
    masks = np.random.default_rng(0).random((20, 60)) < 0.7
    many = np.zeros(10**6, np.int64)
    source = archive(tmp_path / "a.npz", {"trainset_mask": masks, "trainset_correctness": masks,
                                          "labels": many})  # fmt: skip
    with pytest.raises(DataError, match=r"shape \(1000000,\); expected \(60,\)"):
        import_source("npz", source, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pt", b""), ("a.pkl", b""), ("a.npz", b"\x80\x04\x95"), ("a.npy", b"\x80\x02}q\0.")],
)
@pytest.mark.parametrize("format_", ["npz", "scores", "feldman", "cscore"])
def test_pickles_are_called_so(tmp_path: Path, format_: str, name: str, content: bytes) -> None:
    """By name or by how they begin, in every reader of files."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"a pickle, which is never read: it can run any code"):
        import_source(format_, tmp_path / name, tmp_path / "out")


def test_torchs_archives_are_pickles(tmp_path: Path) -> None:
    """A zip with data.pkl in it, whatever its name."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}q\0.")
    with pytest.raises(DataError, match="a pickle, which is never read"):
        import_source("npz", tmp_path / "a.npz", tmp_path / "out")


def test_one_array_is_no_archive(tmp_path: Path) -> None:
    """The message names what a .npy is and the way from Python."""
    np.save(tmp_path / "masks.npy", np.zeros((3, 4), bool))
    with pytest.raises(DataError, match=r"one array \(\.npy\).*ma\.store\.write takes arrays"):
        import_source("npz", tmp_path / "masks.npy", tmp_path / "out")
