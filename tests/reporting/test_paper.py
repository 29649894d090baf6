"""A study in a paper: facts from the manifest, citations that resolve, LaTeX."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

import memanalysis as ma
from memanalysis.reporting import paper
from memanalysis.reporting.context import Reading
from memanalysis.reporting.paper import paragraph, works
from memanalysis.reporting.sections.what_was_run import coverage
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def embedded() -> Iterator[Reading]:
    """The study that comes with the package."""
    study = ma.open()
    yield Reading(study)
    study.close()


def test_the_paragraph_is_the_manifest_in_words(embedded: Reading) -> None:
    """Numbers, recipe, teacher, seed and versions are those of the manifest and the models."""
    text = works.as_text(" ".join(paragraph.sentences(embedded)))
    manifest, settings = embedded.manifest, embedded.manifest.settings
    training, teaching = settings["training"], settings["distillation"]
    for words in (
        f"{manifest.n_train:,} training examples of Fashion-MNIST (Xiao et al. 2017)",
        "14 × 14 pixels",
        f"{len(embedded.sizes)} sizes and 2 training objectives",
        f"{embedded.table('models').height:,} in all",
        f"subset of {100 * (manifest.ratio or 0):g} %",
        f"20 balanced groups of {manifest.group_size}",
        "held out from 60 models",
        "resnet8w2 (1,384 parameters)",
        f"for {training['epochs']} epochs",
        f"batches of {training['batch_size']}",
        f"peak learning rate of {training['learning_rate']}",
        f"weight decay {training['weight_decay']:g}",
        "no augmentation",
        f"teacher {teaching['teacher']}, trained on the same subset",
        f"temperature {teaching['temperature']:g}",
        "Newcombe",
        "delete-one-group jackknife",
        f"seed of the study is {manifest.seed}",
        f"numpy {manifest.packages['numpy']}",
    ):
        assert words in text, words
    assert "Not known" not in text
    assert "[@" not in text


def test_what_is_cited_is_in_the_references(embedded: Reading) -> None:
    """Each LaTeX citation has its BibTeX entry, braces balance, and nothing else is cited."""
    snippets = {block.name: block.text for block in paper.parts(embedded)}  # type: ignore[union-attr]
    cited = set(re.findall(r"\\citep\{(\w+)\}", snippets["paragraph-latex"]))
    entries = set(re.findall(r"^@\w+\{(\w+),", snippets["bibtex"], re.M))
    assert cited == entries - {"memanalysis"}
    assert {"feldman2020", "lukasik2023", "hinton2015", "xiao2017", "he2016"} <= cited
    for text in snippets.values():
        bare = re.sub(r"\\[{}]", "", text)
        assert bare.count("{") == bare.count("}")
    assert r"\%" in snippets["paragraph-latex"]
    assert "%" not in re.sub(r"\\%", "", snippets["paragraph-latex"])


def test_the_tables_are_the_relations(embedded: Reading) -> None:
    """A row of the LaTeX table per size and objective, with the relation's numbers."""
    snippets = {block.name: block.text for block in paper.parts(embedded)}  # type: ignore[union-attr]
    table = embedded.table("accuracy")
    rows = [line for line in snippets["latex-accuracy"].splitlines() if "resnet" in line]
    assert len(rows) == table.height
    first = table.row(0, named=True)
    assert rows[0].startswith(f"one-hot & {first['size']} & {first['parameters']:,} & 200 & ")
    assert f"{first['memorization']:.4f}".lstrip("0") in rows[0]
    assert snippets["latex-findings"].count(" supported ") == 4
    assert "provisional" not in snippets["latex-findings"]  # of 20 groups
    assert "increasing" in snippets["latex-trajectories"]


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ({"name": "CIFAR-10", "citation": "Krizhevsky (2009), ..."}, None),
        ({"name": "My {set} #1", "citation": "Me & you, 50 %"}, r"note  = {Me \& you, 50 \%},"),
        ({"name": "mine", "citation": "not stated"}, "% The store names no work to cite"),
        ({}, "% The store names no work to cite for the data set."),
    ],
)
def test_the_data_set_is_cited_as_the_store_says(
    dataset: dict[str, Any], words: str | None
) -> None:
    """A known citation is a known entry; any other is quoted; none is said to be none."""
    text = works.bibtex(["feldman2020"], dataset)
    if words is None:
        assert works.of_data(dataset) == "krizhevsky2009"
        assert "dataset" not in text
    else:
        assert words in text


def test_hostile_citations_stay_text() -> None:
    """Only known keys are citations, whatever a store's names look like."""
    sentence = r"We [@feldman2020] use \input{x} [@unknown2020] of $5 & 50 %."
    assert works.as_text(sentence).startswith("We (Feldman and Zhang 2020) use")
    assert works.as_latex(sentence) == (
        r"We \citep{feldman2020} use \textbackslash{}input\{x\} {[}@unknown2020{]} "
        r"of \$5 \& 50 \%."
    )
    assert works.cited([sentence]) == ["feldman2020"]


def test_a_hostile_data_set_leaves_bibtex_whole() -> None:
    """BibTeX counts every brace, escaped or not, and an @ outside of an entry begins one."""
    cited = works.bibtex([], {"name": "a{b}}", "citation": "by } {{ @misc{x,"})
    assert cited.count("{") == cited.count("}")
    uncited = works.bibtex([], {"name": "@misc{x,", "citation": "not stated"})
    assert uncited.count("@misc") == 1  # this program's


def test_what_was_not_run_is_said(embedded: Reading, tiny_study: Study) -> None:
    """The embedded store is packed and lacks proxies; the tiny one has one objective, no images."""
    rows = {part: (there, detail) for part, there, detail in coverage(embedded).rows}
    assert rows["outcomes per group of models"][0] == "in part"
    assert "prediction depth" in rows["proxies"][1]
    assert rows["test split"] == (
        "in part",
        "2,000 examples kept; test accuracy is over 10,000.",
    )
    tiny = {part: (there, detail) for part, there, detail in coverage(Reading(tiny_study)).rows}
    assert tiny["distillation"] == ("no", "One objective: one-hot labels.")
    assert tiny["images"] == ("no", "The store keeps none.")
    assert tiny["outcomes per group of models"][0] == "yes"


@pytest.fixture
def tiny_study(tiny_store: Any) -> Iterator[Study]:
    """The store typed by hand, open."""
    study = Study(tiny_store)
    yield study
    study.close()
