"""Training dynamics: cartography, AUM and data_diet, written as those tools write them."""

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from artefacts import write_aum, write_cartography, write_data_diet, write_jsonl

from memanalysis.errors import DataError
from memanalysis.importing import import_source
from memanalysis.importing.formats import dynamics
from memanalysis.importing.source import Contents, Options
from memanalysis.studies import open as open_study

T, N, C = 4, 9, 3
GOLD = np.arange(N) % C


def logits() -> np.ndarray:
    """float64 [epochs, examples, classes]; example 0 is never right, example 1 always."""
    values = np.random.default_rng(2).normal(size=(T, N, C)).round(3)
    values[:, 0, GOLD[0]] = -9
    values[:, 1, GOLD[1]] = 9
    return values


def by_name(contents: Contents) -> dict[str, dict[object, float]]:
    """Values by proxy and id."""
    return {s.name: dict(zip(list(s.ids), s.values.tolist(), strict=True)) for s in contents.scores}


def expected_of(i: int) -> dict[str, float]:
    """Every proxy of one example, by loops over the epochs."""
    outputs = logits()[:, i]
    y = GOLD[i]
    p = [np.exp(z[y]) / np.exp(z).sum() for z in outputs]
    right = [z.argmax() == y for z in outputs]
    events = sum(a and not b for a, b in itertools.pairwise(right))
    return {
        "cumulative_accuracy": np.mean(right),
        "cumulative_confidence": np.mean(p),
        "confidence_variability": np.std(p),
        "forgetting_events": events if any(right) else T,
        "aum": np.mean([z[y] - np.delete(z, y).max() for z in outputs]),
        "cumulative_loss": -np.sum(np.log(p)),
        **({"first_learned": right.index(True) + 1} if any(right) else {}),
    }


@pytest.mark.usefixtures("without_derive")
def test_cartography_epochs_become_proxies(tmp_path) -> None:
    """Each proxy equals a loop; the never learned have no first epoch, and a note says so."""
    source = write_cartography(tmp_path / "roberta", logits(), GOLD)
    done = import_source("dynamics", source, tmp_path / "store", Options(size="roberta"))
    study = open_study(tmp_path / "store")
    rows = study.sql("from proxies order by example_id, proxy")
    for i in range(N):
        found = rows.filter(example_id=i).select("proxy", "value_in").rows()
        assert dict(found) == pytest.approx(expected_of(i), rel=1e-5)
    assert study.sql("from examples")["label"].to_list() == GOLD.tolist()
    never = sum("first_learned" not in expected_of(i) for i in range(N))
    assert never >= 1
    assert any(f"{never} examples were never classified" in line for line in done.lines)


def test_names_that_are_no_numbers_become_source_ids(tmp_path) -> None:
    """NLP guids are texts; epochs may count from 1, in any order of lines."""
    names = [f"{i}n" for i in range(N)]
    contents = dynamics.read(
        write_cartography(tmp_path, logits(), GOLD, first=1, names=names), Options()
    )
    assert sorted(contents.examples.source_ids) == names
    assert by_name(contents)["aum"]["4n"] == pytest.approx(expected_of(4)["aum"])
    known = dynamics.read(tmp_path, Options(has_store=True))
    assert known.examples.source_ids is None


def coordinates(tmp_path: Path) -> Path:
    """`compute_train_dy_metrics`, with the sentinel of an example never learned."""
    return write_jsonl(
        tmp_path / "cartography_metrics.jsonl",
        [
            {"guid": 2, "index": 0, "threshold_closeness": 0.24, "confidence": 0.4,
             "variability": 0.1, "correctness": 3, "forgetfulness": 2},
            {"guid": 0, "index": 1, "threshold_closeness": 0.09, "confidence": 0.1,
             "variability": 0.3, "correctness": 0, "forgetfulness": 1000},
            {"guid": 1, "index": 2, "threshold_closeness": 0.09, "confidence": 0.9,
             "variability": 0.0, "correctness": 5, "forgetfulness": 0},
        ],
    )  # fmt: skip


def test_coordinates_join_by_guid_and_know_the_sentinel(tmp_path) -> None:
    """Forgetfulness 1000 is no count: NULL, or the epochs if they are given."""
    found = by_name(contents := dynamics.read(coordinates(tmp_path), Options()))
    assert found["forgetting_events"] == {2: 2, 1: 0}
    assert found["correctness"] == {2: 3, 0: 0, 1: 5}
    assert found["cumulative_confidence"] == {2: 0.4, 0: 0.1, 1: 0.9}
    assert any("1 examples of forgetfulness 1000 were never learned" in n for n in contents.notes)
    counted = by_name(dynamics.read(coordinates(tmp_path), Options(epochs=6)))
    assert counted["forgetting_events"] == {2: 2, 0: 6, 1: 0}
    hard = {s.name: s.hard_is for s in contents.scores}
    assert hard["threshold_closeness"] == hard["confidence_variability"] == "none"
    assert (hard["correctness"], hard["forgetting_events"]) == ("low", "high")


def aums(names=None) -> dict[object, float]:
    """AUM by id."""
    return {i if names is None else names[i]: expected_of(i)["aum"] for i in range(N)}


def write_records(folder: Path) -> Path:
    """`compressed=False`: a row per update with the running mean; example 3 is a threshold one."""
    columns = ["sample_id", "num_measurements", "target_logit", "target_val", "other_logit",
               "other_val", "margin", "aum"]  # fmt: skip
    rows = []
    for i in range(N):
        target = C if i == 3 else GOLD[i]
        running = []
        for t in range(T):
            z = np.append(logits()[t, i], 0.5)
            other = int(np.delete(z, target).argmax())
            other += other >= target
            running.append(z[target] - z[other])
            rows.append([i, t + 1, target, z[target], other, z[other], running[-1],
                         np.mean(running)])  # fmt: skip
    with (folder / "full_aum_records.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows[::-1]])
    return folder / "full_aum_records.csv"


def test_aum_joins_by_id(tmp_path) -> None:
    """Whatever the order of rows; ids may be texts."""
    found = by_name(dynamics.read(write_aum(tmp_path / "aum_values.csv", aums()), Options()))["aum"]
    assert found == pytest.approx(aums())
    names = [f"img/{i}.png" for i in range(N)]
    contents = dynamics.read(write_aum(tmp_path / "aum_values.csv", aums(names)), Options())
    assert set(contents.examples.source_ids) == set(names)


def test_aum_records_take_the_last_and_leave_thresholds_out(tmp_path) -> None:
    """The mean over all updates; an example trained on the extra class has no AUM of its own."""
    contents = dynamics.read(write_records(tmp_path), Options(store_labels=GOLD))
    found = by_name(contents)["aum"]
    assert sorted(found) == [0, 1, 2, 4, 5, 6, 7, 8]
    z = np.concatenate([logits(), np.full((T, N, 1), 0.5)], axis=2)
    margins = [z[t, 4, GOLD[4]] - np.delete(z[t, 4], GOLD[4]).max() for t in range(T)]
    assert found[4] == pytest.approx(np.mean(margins))
    assert any("1 examples were trained on another class" in note for note in contents.notes)
    unknown = dynamics.read(write_records(tmp_path), Options())
    assert any("cannot be told apart" in note for note in unknown.notes)


def data_diet(folder: Path) -> tuple[Path, Options]:
    """Two trainings, of which one never learned example 2; class-sorted."""
    generator = np.random.default_rng(4)
    kinds = {"forget_scores": [900], "error_l2_norm_scores": [100, 200], "grad_norm_scores": [50]}
    scores = {
        (k, step): generator.random((2, N)) * 3 for k, steps in kinds.items() for step in steps
    }
    scores["forget_scores", 900] = scores["forget_scores", 900].round()
    scores["forget_scores", 900][0, 2] = np.inf
    write_data_diet(folder, scores)
    np.save(folder / "labels.npy", np.sort(GOLD))
    return folder, Options(labels=folder / "labels.npy")


def test_data_diet_averages_trainings_itself(tmp_path) -> None:
    """Means over the per-training files; infinity in one training is NULL, or its epochs."""
    folder, options = data_diet(tmp_path / "exp")
    found = by_name(contents := dynamics.read(folder, options))
    assert set(found) == {
        "forgetting_events", "el2n_clean_step_100", "el2n_clean_step_200", "grand",
    }  # fmt: skip
    runs = [np.load(folder / f"run_{r}" / "forget_scores" / "ckpt_900.npy") for r in range(2)]
    assert sorted(found["forgetting_events"]) == [0, 1, 3, 4, 5, 6, 7, 8]
    assert found["forgetting_events"][5] == (runs[0][5] + runs[1][5]) / 2
    assert any("1 examples that a training never learned" in note for note in contents.notes)
    counted = by_name(dynamics.read(folder, Options(labels=options.labels, epochs=30)))
    assert counted["forgetting_events"][2] == (30 + runs[1][2]) / 2
    assert contents.provenance["order"] == "class_sorted"


def test_one_data_diet_file(tmp_path) -> None:
    """A mean file has lost which training was infinite: the epochs cannot be put in."""
    folder, options = data_diet(tmp_path / "exp")
    path = folder / "forget_scores" / "ckpt_900.npy"
    found = by_name(dynamics.read(path, Options(labels=options.labels, epochs=30)))
    assert 2 not in found["forgetting_events"]
    assert len(found["forgetting_events"]) == N - 1


def edit(path: Path, change) -> None:
    """Rewrite a JSONL file by ``change`` of its records."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    write_jsonl(path, change(records))


CARTOGRAPHY = {
    "gap": (lambda f: (f / "dynamics_epoch_1.jsonl").unlink(), r"epochs 0, 2, 3; expected every"),
    "renamed": (
        lambda f: (f / "dynamics_epoch_3.jsonl").rename(f / "dynamics_epoch_4.jsonl"),
        r"epochs 0, 1, 2, 4",
    ),
    "other key": (
        lambda f: edit(
            f / "dynamics_epoch_0.jsonl",
            lambda r: [{"guid": x["guid"], "gold": 0, "logits_epoch_7": [1, 2]} for x in r],
        ),
        r"keys guid, gold, logits_epoch_7 in line 1; expected guid, gold and logits_epoch_0",
    ),
    "twice": (
        lambda f: edit(f / "dynamics_epoch_0.jsonl", lambda r: [*r, r[0]]),
        r"example '\d' again in line 10",
    ),
    "short epoch": (
        lambda f: edit(f / "dynamics_epoch_2.jsonl", lambda r: r[:-1]),
        r"dynamics_epoch_2.jsonl'.*8 examples, some again or missing; expected the 9",
    ),
    "unknown example": (
        lambda f: edit(f / "dynamics_epoch_2.jsonl", lambda r: [{**r[0], "guid": 99}, *r[1:]]),
        r"unknown ones such as '99'",
    ),
    "changed gold": (
        lambda f: edit(f / "dynamics_epoch_1.jsonl",
                       lambda r: [{**r[0], "gold": (r[0]["gold"] + 1) % C}, *r[1:]]),
        r"as in the first epoch",
    ),
    "text gold": (
        lambda f: edit(f / "dynamics_epoch_0.jsonl", lambda r: [{**x, "gold": 5} for x in r]),
        "gold 5; expected classes 0 to 2",
    ),
    "ragged": (
        lambda f: edit(f / "dynamics_epoch_0.jsonl",
                       lambda r: [{**r[0], "logits_epoch_0": [1, 2]}, *r[1:]]),
        r"equally many numbers in each line",
    ),
    "not a number": (
        lambda f: edit(f / "dynamics_epoch_0.jsonl",
                       lambda r: [{**r[0], "logits_epoch_0": [1, 2, float("nan")]}, *r[1:]]),
        r"not finite",
    ),
    "truncated": (
        lambda f: (f / "dynamics_epoch_3.jsonl").write_text('{"guid": 1, "gol'),
        r"no JSON lines",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(CARTOGRAPHY))
def test_each_hazard_of_cartography_is_one_message(tmp_path, what: str) -> None:
    """File and line, what was found, what was expected."""
    change, message = CARTOGRAPHY[what]
    change(write_cartography(tmp_path, logits(), GOLD) / "training_dynamics")
    with pytest.raises(DataError, match=message):
        dynamics.read(tmp_path, Options())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "id,aum\n1,2\n", r"found columns aum, id; expected columns sample_id and aum"),
        ("x.csv", "sample_id,aum\n1,2\n1,3\n", r"example '1' again in line 3"),
        ("x.csv", "sample_id,aum\n1,inf\n", r"aum 'inf' for example 1; expected a finite number"),
        ("x.csv", "sample_id,aum\n", r"no rows"),
        ("x.jsonl", '{"guid": 1, "confidence": NaN}\n', r"confidence = nan in line 1"),
        ("x.jsonl", '{"guid": 1}\n', r"keys guid in line 1; expected guid and confidence"),
        ("x.jsonl", "", r"no lines"),
        ("stats_dict.pkl", "", r"a pickle, which is never read.*example_forgetting"),
        ("ssft.pt", "", r"a pickle, which is never read"),
        ("x.txt", "", r"expected JSONL, CSV or .npy"),
    ],
)
def test_each_hazard_of_single_files_is_one_message(tmp_path, name, text, message) -> None:
    """File, what was found, what was expected."""
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        dynamics.read(tmp_path / name, Options())


DATA_DIET = {
    "no labels": (lambda _f, _o: Options(), r"sorts by class, unstably.*--labels FILE"),
    "unsorted": (
        lambda f, o: (np.save(f / "labels.npy", GOLD), o)[1],
        r"not sorted by class.*name it with --order",
    ),
    "other length": (
        lambda f, o: (np.save(f / "labels.npy", np.sort(GOLD)[:-1]), o)[1],
        r"found shape \(9,\); expected \(8,\)",
    ),
    "margins": (
        lambda f, o: (np.save(f / "run_0" / "grad_norm_scores" / "ckpt_50.npy", -np.ones(N)), o)[1],
        r"Margin scores are written to the same folders",
    ),
}


@pytest.mark.parametrize("what", sorted(DATA_DIET))
def test_each_hazard_of_data_diet_is_one_message(tmp_path, what: str) -> None:
    """Its order cannot be rebuilt, and its folders hold other scores, too."""
    change, message = DATA_DIET[what]
    folder, options = data_diet(tmp_path / "exp")
    with pytest.raises(DataError, match=message):
        dynamics.read(folder, change(folder, options))


def test_unknown_places_are_refused(tmp_path) -> None:
    """A folder without any known file, or a score file in an unknown folder."""
    with pytest.raises(DataError, match="none of the known files"):
        dynamics.read(tmp_path, Options())
    np.save(tmp_path / "ckpt_3.npy", np.zeros(3))
    np.save(tmp_path / "labels.npy", np.zeros(3, np.int64))
    with pytest.raises(DataError, match=r"imported as `scores`"):
        dynamics.read(tmp_path / "ckpt_3.npy", Options(labels=tmp_path / "labels.npy"))


def test_labels_that_disagree_with_the_store_are_named(tmp_path) -> None:
    """Cartography's gold is compared where ids are positions of the store."""
    source = write_cartography(tmp_path, logits(), GOLD, names=[i + 2 for i in range(N)])
    known = np.concatenate([[0, 0], GOLD, [1]])
    here = Options(store_labels=known, has_store=True)
    assert len(dynamics.read(source, here).scores) == 7
    known[5] = (known[5] + 1) % C
    with pytest.raises(DataError, match=r"label 0 for example 5, and 0 more; expected 1"):
        dynamics.read(source, here)
