"""The page on training: its blocks and settings, in the digits study made small."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import layouts
import pytest
import readme_parts
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import memanalysis as ma
from memanalysis import settings
from memanalysis.proxies import recordable

NETWORK = readme_parts.section("Your own network")
DATA = readme_parts.section("Your own data")
TEACHERS = readme_parts.section("Teachers and proxies")
MACHINES = readme_parts.section("Many machines")
(NETS,) = readme_parts.blocks(NETWORK, "python")
(SIZES,) = readme_parts.blocks(NETWORK, "toml")
(CALL,) = readme_parts.blocks(
    readme_parts.section("Your own network and `Dataset`, in one call"), "python"
)
(LOOP,) = readme_parts.blocks(readme_parts.section("One ordinary training"), "python")
(RAY,) = readme_parts.blocks(MACHINES, "toml")
NOISE = DATA[DATA.index("**Label noise.**") :]

DIGITS = (readme_parts.ROOT / "data" / "digits" / "study.toml").read_text(encoding="utf-8")
SMALL = {"train_examples": 60, "test_kept": 20, "epochs": 1, "batch_size": 20}


def study(*more: str, without: str = "", **changes: int) -> str:
    """The digits study with fewer examples and epochs, sections replaced by those in ``more``."""
    text = DIGITS
    for key, value in (SMALL | changes).items():
        text, found = re.subn(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
        assert found == 1
    headers = [without, *(part.split("\n", 1)[0] for part in more)]
    parts = re.split(r"\n(?=\[)", text)
    return "\n".join([*(p for p in parts if p.split("\n", 1)[0] not in headers), *more])


def assignments(text: str) -> list[str]:
    """Inline code that sets a key, such as ``flip = 0.05``."""
    return [s for s in readme_parts.spans(text) if re.fullmatch(r"\w+ = .+", s)]


def parsed(*more: str, **changes: int) -> settings.Study:
    """The small study with these sections, validated."""
    return settings.parse(study(*more, **changes))


@pytest.fixture(autouse=True)
def clean_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The study's folder leaves the path again, and its module is forgotten."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "nets", raising=False)


def test_a_network_of_ones_own_from_the_text_alone(folder: Path, shell) -> None:
    """nets.py and [sizes] as printed, then the commands of "Train a study".

    Parameters by hand, for grey images and ten classes: 9 s + s of the convolution, 2 s of the
    normalisation, 10 (4 s) + 10 of the last layer. Noise and kept logits are as their sections say.
    """
    (folder / "nets.py").write_text(NETS)
    planted = [s for s in assignments(NOISE) if re.match("flip|blend|rotate", s)]
    (logits,) = (s for s in assignments(TEACHERS) if s.startswith("keep_logits"))
    noise = "\n".join(["[data.noise]", *planted])
    (folder / "study.toml").write_text(
        study(SIZES, noise, f"[observe]\n{logits}", without="[distillation]")
    )
    produce, check, report = readme_parts.commands(readme_parts.section("Train a study"))
    shell(produce.replace(" digits ", " study.toml ") + " --workers 1")
    assert shell(check) == ""
    shell(report)
    assert Path("my-report.html").stat().st_size > 100_000
    answered = ma.open("my-store")
    sizes = tomllib.loads(SIZES)["sizes"]["size"]
    assert answered.manifest.sizes == [f"convnet{size}" for size in sizes]
    found = answered.sql("select distinct size, parameters from models").rows()
    assert sorted(found) == sorted((f"convnet{s}", 9 * s + s + 2 * s + 40 * s + 10) for s in sizes)
    assert answered.sql("from models").height == 2 * 10 * len(sizes)
    query = next(s for s in readme_parts.spans(NOISE) if s.startswith("from "))
    rows = answered.sql(query)
    assert rows["example_id"].n_unique() == SMALL["train_examples"] * 0.05
    assert (rows["clean_label"] != rows["label"]).all()
    shell("memanalysis export my-store --to cleanlab --out heldout")
    assert len(list(Path("heldout").iterdir())) == len(sizes)


def test_a_network_and_arrays_from_a_notebook(folder: Path) -> None:
    """The line of Python, its function typed in place; the arrays' labels are in the store."""
    # Without distillation, to be quick.
    (folder / "study.toml").write_text(
        study(SIZES, without="[distillation]", train_examples=30, groups=1)
    )
    (line,) = (s for s in readme_parts.spans(NETWORK) if s.startswith("ma.produce("))
    made = layouts.made(classes=10)
    names: dict[str, Any] = {"__name__": "__main__", "ma": ma}
    exec(NETS, names)
    arrays = {
        name.replace("images", "x").replace("labels", "y"): v for name, v in vars(made).items()
    }
    names |= {
        f"{kind}_{split}": arrays[f"{split}_{kind}"] for kind in "xy" for split in ("train", "test")
    }
    with pytest.warns(UserWarning, match="could import"):
        store = eval(line, names)
    labels = store.read_table("examples")["label"].to_pylist()
    assert labels == [*made.train_labels.tolist(), *made.test_labels.tolist()]
    assert store.read_table("models").num_rows == 10 * 3


def test_built_in_families_are_named() -> None:
    """All of them, and no other."""
    built_in = NETWORK[NETWORK.index("Built in") : NETWORK.index("From a\nnotebook")]
    assert set(settings.FAMILIES) == set(readme_parts.spans(built_in))


def test_every_source_of_data_is_in_the_table() -> None:
    """Each source once; what its row and the text set is understood."""
    rows = readme_parts.table(DATA, "`[data] source =`")
    sources = [source for row in rows for source in re.findall(r'"([\w-]+)"', row[0])]
    assert sorted(sources) == sorted(settings.SOURCES)
    after = DATA[: DATA.index("**Recipe.**")]
    common = [s for s in assignments(after) if not s.startswith("file")]
    assert len(common) == 4
    for row in rows:
        for source in re.findall(r'"([\w-]+)"', row[0]):
            place = [s for s in assignments(row[1]) if s.startswith("file")] or ['folder = "set"']
            data = "\n".join(["[data]", f'source = "{source}"', *place, *common])
            found = parsed(data).data
            assert (found.source, found.image_size) == (source, 32)
            assert found.augmentation == "crop-flip"
    (npz,) = (row for row in rows if "npz" in row[0])
    assert {*vars(layouts.made())} <= {*readme_parts.spans(npz[1])}


def test_label_noise_is_understood() -> None:
    """Together, but for random labels, which stand alone."""
    said = [s for s in assignments(NOISE) if not s.startswith("random")]
    noise = parsed("\n".join(["[data.noise]", *said])).data.noise
    expected = tomllib.loads("\n".join(said))
    assert (noise.flip, noise.blend, noise.rotate) == (0.05, 0.05, 0.05)
    assert dict(noise.pairs) == expected["pairs"]
    (alone,) = (s for s in assignments(NOISE) if s.startswith("random"))
    assert parsed(f"[data.noise]\n{alone}").data.noise.random_labels


def test_teachers_are_understood() -> None:
    """Each value of scope and targets, and the named variant with its objective."""
    spans = readme_parts.spans(TEACHERS)
    first, last = spans.index("[distillation]"), spans.index("[distillation.variants.hot]")
    keys = {span.split(" = ")[0] for span in spans[first + 1 : last] if not span.startswith('"')}
    assert keys == {"teacher", "temperature", "weight", "scope", "targets"}
    header, setting, objective = spans[last : last + 3]
    for key in ("scope", "targets"):
        at = next(i for i, span in enumerate(spans) if span.startswith(f"{key} = "))
        for value in (spans[at].split(" = ")[1], spans[at + 1]):
            section = f"[distillation]\ntemperature = 3\nweight = 0.5\n{key} = {value}"
            found = parsed(section, f"{header}\n{setting}")
            assert getattr(found.distillation, key) == value.strip('"')
            assert found.objectives == ("one_hot", "distilled", objective)
            assert found.distillation_of(objective).temperature == 10
            assert found.distillation.teacher == found.sizes[-1].name


def test_proxies_of_the_network_are_named() -> None:
    """All of them by name, the one that is recorded by default, and epochs to look at."""
    spans = readme_parts.spans(TEACHERS)
    first, last = spans.index("[observe] proxies"), spans.index("at = { grand = [4] }")
    default, none, *others = spans[first + 1 : last]
    assert sorted([default, *others]) == sorted(recordable())
    assert parsed(epochs=5).observe.proxies == (default,)
    assert parsed(f"[observe]\n{none}").observe.proxies == ()
    section = f"[observe]\nproxies = {[default, *others]}\n{spans[last]}\n{spans[last + 1]} = [2]"
    found = parsed(section, epochs=5).observe
    assert set(found.proxies) == {default, *others}
    assert (found.at["grand"], found.eval_at) == ((4,), (2,))


def test_the_ray_cluster_is_understood() -> None:
    """As printed: the cluster of this machine, one processor, a quarter of a GPU."""
    assert parsed(RAY).ray == settings.Ray(address="auto", cpus=1, gpus=0.25)


def test_one_call_and_one_ordinary_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both blocks as printed, with a network, a dataset and a loop of the reader's."""
    images, labels = torch.rand(60, 1, 4, 4), torch.arange(60) % 2
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    names: dict[str, Any] = {
        "ma": ma,
        "make_network": lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 2)),
        "dataset": [(image, int(label)) for image, label in zip(images, labels, strict=True)],
        "labels": labels,
        "epochs": 2,
        "loader": DataLoader(TensorDataset(images, labels, torch.arange(60)), batch_size=20),
        "step": lambda batch, _targets: network(batch),
    }
    exec(LOOP, names)
    assert names["recorder"].suspects(20).height == 20
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="trained in this process"):
        exec(CALL.replace("minutes=30", "minutes=.05"), names)
    assert (tmp_path / "memanalysis-study.toml").exists()
    assert names["study"].suspects(20).width > 10
