"""Ids of rows: the store's names first, positions where it has none, and every word said."""

import numpy as np
import pytest
from artefacts import write_cartography, zenodo

from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source
from memanalysis.importing.example_names import number, positions, read_rows, unwrapped
from memanalysis.studies import open as open_study

pytestmark = pytest.mark.usefixtures("without_derive")


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("tensor(45)", "45"), ("tensor(45, device='cuda:0')", "45"), ("tensor([45])", "45"),
        ("torch.tensor(45, dtype=torch.int32)", "45"), ("np.int64(12)", "12"), ("12.0", "12"),
        ("b'12'", "12"), ("b'img_1.png'", "img_1.png"), ("np.str_('a')", "a"), ("'12'", "12"),
        ("tensor(12.)", "12"), ("007", "007"), ("0x10", "0x10"), ("1e3", "1e3"),
        ("train_12", "train_12"), ("a (1).png", "a (1).png"), ("-3", "-3"), ("12.5", "12.5"),
    ],
)  # fmt: skip
def test_wrapping_is_read_and_nothing_else(given: str, plain: str) -> None:
    """What tools wrap around a number or text goes; every other name stays as it is."""
    assert unwrapped(given) == plain
    assert number("007") == "7"


def aum(path, values):
    """A file of AUM, row by row."""
    path.write_text("sample_id,aum\n" + "".join(f'"{k}",{v}\n' for k, v in values.items()))
    return path


def by_name(store):
    """(source_id, label, value) of each example, in order."""
    return open_study(store.path).sql(
        "select source_id, label, value_in from examples left join proxies using (example_id) "
        "order by example_id"
    ).rows()  # fmt: skip


@pytest.mark.parametrize(
    "shell", ["{}", "tensor({})", "tensor({}, device='cuda:0')", "{}.0", "b'{}'", "00{}"]
)
def test_numbers_without_a_gap_are_positions(tmp_path, shell) -> None:
    """Each value goes to its example whatever is wrapped around the number, and labels with it."""
    rows = {shell.format(i): i / 4 for i in (2, 0, 3, 1)}
    np.save(tmp_path / "labels.npy", [5, 6, 7, 8])
    options = Options(labels=tmp_path / "labels.npy")
    done = import_source("dynamics", aum(tmp_path / "a.csv", rows), tmp_path / "out", options)
    assert by_name(done.store) == [(None, 5 + i, i / 4) for i in range(4)]
    assert any("read" in line for line in done.lines if line.startswith("note")) == (shell != "{}")


@pytest.fixture
def numbered(tmp_path):
    """A store whose examples are called 3, 2, 1, 0."""
    (tmp_path / "names.csv").write_text("source_id,pvi\nx3,3\nx2,2\n0,0\n1,1\n")
    options = Options(hard_is="low")
    return import_source("scores", tmp_path / "names.csv", tmp_path / "out", options).store


def test_names_of_the_store_come_before_positions(tmp_path, numbered) -> None:
    """A number that is both is the name, and a note says so; example_id is a position always."""
    done = import_source("dynamics", aum(tmp_path / "a.csv", {0: 0.5, 1: 1.5}), numbered.path)
    assert any("are the store's names (source_id), not positions" in line for line in done.lines)
    rows = open_study(numbered.path).sql(
        "select source_id, value_in from proxies join examples using (example_id) "
        "where proxy = 'aum' order by all"
    )
    assert rows.rows() == [("0", 0.5), ("1", 1.5)]
    (tmp_path / "b.csv").write_text("example_id,depth\n0,7\n1,8\n")
    done = import_source("scores", tmp_path / "b.csv", numbered.path, Options(hard_is="low"))
    rows = open_study(numbered.path).sql(
        "select source_id, value_in from proxies join examples using (example_id) "
        "where proxy = 'depth' order by value_in"
    )
    assert rows.rows() == [("x3", 7), ("x2", 8)]


def test_positions_are_no_way_out_where_the_store_has_names(tmp_path, numbered) -> None:
    """A number that the store knows no example by is named, and nothing is imported."""
    with pytest.raises(DataError, match=r"1 unknown ids, first '3'.*source_id.*'example_id'"):
        import_source("dynamics", aum(tmp_path / "a.csv", {0: 0.5, 3: 1.5}), numbered.path)


def test_numbers_with_gaps_are_names_and_join_again(tmp_path) -> None:
    """13-digit guids make a store with names; scores by them find it, in any order."""
    rng = np.random.default_rng(0)
    guids = (4628016878024 + 7 * rng.permutation(900)[:9]).tolist()
    source = write_cartography(tmp_path / "c", rng.normal(size=(2, 9, 3)), np.arange(9) % 3,
                               names=guids)  # fmt: skip
    done = import_source("dynamics", source, tmp_path / "out", Options(size="roberta"))
    assert any("leave gaps, so they are the examples' names" in line for line in done.lines)
    names = done.store.read_table("examples")["source_id"].to_pylist()
    assert sorted(names) == sorted(map(str, guids))
    shuffled = rng.permutation(guids).tolist()
    lines = "".join(f"{guid},{guid % 1000}\n" for guid in shuffled)
    (tmp_path / "s.csv").write_text("guid,pvi\n" + lines)
    import_source("scores", tmp_path / "s.csv", tmp_path / "out", Options(hard_is="low"))
    rows = open_study(tmp_path / "out").sql(
        "select source_id, value_in from proxies join examples using (example_id) "
        "where proxy = 'pvi'"
    )
    assert all(value == int(name) % 1000 for name, value in rows.rows())
    assert rows.height == 9


def test_names_beyond_n_train_are_refused_with_a_way_out(tmp_path) -> None:
    """--n-train that the numbers go beyond is no position of theirs."""
    with pytest.raises(DataError, match="Numbers beyond --n-train are names"):
        import_source("dynamics", aum(tmp_path / "a.csv", {10: 1, 90: 2}), tmp_path / "out",
                      Options(n_train=20))  # fmt: skip


def test_one_example_under_two_names_is_refused() -> None:
    """8 and tensor(8) are one example."""
    with pytest.raises(DataError, match=r"more than once, first 8 \('8' and 'tensor\(8\)'\)"):
        read_rows(["8", "tensor(8)"], Options(), "file")


def test_leading_zeros_that_a_spreadsheet_lost_are_found_again() -> None:
    """Names of digits are equal as numbers, unless the store has both."""
    assert positions(["7", "10"], ["007", "010", "x"]).tolist() == [0, 1]
    assert positions(["7"], ["07", "007"]).tolist() == [-1]
    assert positions(["07"], ["07", "007"]).tolist() == [0]


def test_models_whose_rows_have_names_are_put_in_the_stores_order(tmp_path, world) -> None:
    """Masks and outcomes move with the names: a second size in another order has its own scores."""
    names = np.array([f"img_{i}.png" for i in range(30)])
    first = zenodo(world, labels=world.labels, example_id=names, influence=None)
    order = np.random.default_rng(1).permutation(30)
    second = {
        key: values[..., order] if key.startswith(("train", "mem")) else values
        for key, values in first.items()
    }
    second |= {"labels": world.labels[order], "example_id": names[order]}
    np.savez(tmp_path / "a.npz", **first)
    np.savez(tmp_path / "b.npz", **second)
    import_source("npz", tmp_path / "a.npz", tmp_path / "out", Options(size="a"))
    import_source("npz", tmp_path / "b.npz", tmp_path / "out", Options(size="b"))
    rows = open_study(tmp_path / "out").sql(
        "from memorization where split = 'train' order by size, example_id"
    )
    expected = np.tile(world.memorization, 2)
    np.testing.assert_allclose(rows["memorization"].to_numpy(), expected, atol=1e-6)


def test_numbers_in_another_order_are_positions_of_models_too(tmp_path, world) -> None:
    """``example_id`` of an archive that is a permutation puts rows where they belong."""
    order = np.random.default_rng(1).permutation(30)
    arrays = {
        key: values[..., order] if key.startswith(("train", "mem")) else values
        for key, values in zenodo(world, influence=None).items()
    }
    np.savez(tmp_path / "a.npz", **arrays, labels=world.labels[order], example_id=order)
    store = import_source("npz", tmp_path / "a.npz", tmp_path / "out", Options(size="a")).store
    assert store.read_table("examples")["label"].to_pylist()[:30] == world.labels.tolist()
    rows = open_study(store.path).sql("from memorization where split = 'train' order by example_id")
    np.testing.assert_allclose(rows["memorization"].to_numpy(), world.memorization, atol=1e-6)


def test_names_do_not_meet_a_store_without_names(tmp_path, world) -> None:
    """Rows with names are not laid over positions by their order."""
    np.savez(tmp_path / "a.npz", **zenodo(world))
    store = import_source("npz", tmp_path / "a.npz", tmp_path / "out", Options(size="a")).store
    names = np.array([f"img_{i}.png" for i in range(30)])
    np.savez(tmp_path / "b.npz", **zenodo(world), example_id=names)
    with pytest.raises(DataError, match=r"names of examples such as 'img_0\.png'"):
        import_source("npz", tmp_path / "b.npz", store.path, Options(size="b"))
