"""Options of a report: sections, title, examples, format; and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_parts import Elements

from memanalysis.cli import run
from memanalysis.errors import MemanalysisError
from memanalysis.reporting import check, options, report
from memanalysis.reporting.document import SECTIONS
from memanalysis.storage.store import Store
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def study(simulated_store: Store) -> Iterator[Study]:
    """The simulated study, open."""
    opened = Study(simulated_store)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("out", "chosen", "expected"),
    [
        ("a.html", None, "html"),
        ("a.HTM", None, "html"),
        ("a.md", None, "md"),
        ("a.json", "json", "json"),
        ("a.pdf", None, "pdf"),
        ("a.txt", "md", "md"),
        ("report", "json", "json"),
        (None, None, "html"),
        (None, "pdf", "pdf"),
    ],
)
def test_the_format_follows_the_name_or_the_choice(
    out: str | None, chosen: str | None, expected: str
) -> None:
    """A choice counts, else the ending; without a name the page is meant."""
    assert options.format_of(Path(out) if out else None, chosen) == expected


@pytest.mark.parametrize(
    ("out", "chosen", "words"),
    [
        ("a.html", "pdf", "contradicts the name 'a.html', which says html"),
        ("a.docx", None, "'a.docx': its ending names no format"),
        ("a.html", "doc", "There is no format 'doc'"),
    ],
)
def test_contradicting_formats_are_refused(out: str, chosen: str | None, words: str) -> None:
    """One message says what was given and what is known."""
    with pytest.raises(MemanalysisError) as caught:
        options.format_of(Path(out), chosen)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"sections": "findngs"}, "no section 'findngs'. Did you mean 'findings'? The sections"),
        ({"sections": ["accuracy", "accuracy"]}, "'accuracy' was named twice"),
        ({"sections": " , "}, "No section was named"),
        ({"title": "  "}, "The title is empty"),
        ({"examples": -1}, "-1 examples"),
    ],
)
def test_what_cannot_be_given_is_refused(asked: dict[str, object], words: str) -> None:
    """Unknown sections are named with the list of them, before anything is read."""
    with pytest.raises(MemanalysisError) as caught:
        check(Path("a.html"), **asked)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_sections_come_as_asked_and_links_lead_somewhere(study: Study, tmp_path: Path) -> None:
    """Two sections in the order asked; evidence elsewhere is text; the rest is named."""
    out = report(study, tmp_path / "a.html", sections=["scores", "findings"], title="<b>Mine</b>")
    page = Elements(out.read_text(encoding="utf-8"))
    names = [a["id"] for a in page.of("section") if a.get("class") == "part"]
    assert names[:2] == ["scores", "findings"]
    assert "methods" not in names
    ids = {a["id"] for _, a in page.tags if a.get("id")}
    links = {(a.get("href") or "")[1:] for a in page.of("a") if (a.get("href") or "")[:1] == "#"}
    assert links <= ids
    assert "scores" in links
    assert "What distillation changes" in page.text or "(not in this report)" in page.text
    assert "Left out on request" in page.text
    assert "<b>Mine</b>" in page.text


def test_examples_limit_images(study: Study, tmp_path: Path) -> None:
    """A gallery shows at most as many images as asked for, from all its rows; 0 is none."""
    few = report(study, tmp_path / "a.json", sections="examples", examples=7)
    gallery = next(
        block
        for block in json.loads(few.read_text())["sections"][0]["blocks"]
        if block["kind"] == "gallery"
    )
    assert sum(len(row["examples"]) for row in gallery["rows"]) == 7
    assert len(gallery["rows"]) == 7
    assert "7 of " in gallery["caption"]
    none = report(study, tmp_path / "b.html", sections="examples", examples=0)
    assert "data:image/png" not in none.read_text(encoding="utf-8")


def test_a_report_says_how_far_it_is(study: Study, tmp_path: Path) -> None:
    """Before each section that is composed, its place and how many there are."""
    told: list[tuple[str, int, int]] = []
    report(
        study, tmp_path / "a.json", sections="accuracy,methods",
        progress=lambda *said: told.append(said),
    )  # fmt: skip
    assert told == [("sections", 0, 2), ("sections", 1, 2)]


def test_the_command_writes_what_is_asked(
    simulated_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line passes everything on, and replaces a file."""
    out = tmp_path / "a.json"
    out.write_text("old")
    asked = ["--sections", "methods,accuracy", "--title", "Mine", "--out", str(out)]
    assert run(["report", str(simulated_store.path), *asked]) == 0
    content = json.loads(out.read_text())
    assert [section["name"] for section in content["sections"]] == ["methods", "accuracy"]
    assert content["title"] == "Mine"
    assert "wrote" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--sections", "nothing"], "The sections are: findings,"),
        (["--format", "md", "--out", "a.html"], "contradicts the name"),
        (["--out", "a.xyz"], "names no format"),
        (["--examples", "-3"], "-3 is not in the range"),
    ],
)
def test_wrong_usage_is_one_message(
    asked: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2 and the reason; nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert run(["report", *asked]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_the_help_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """No line of the help is wider than 80 columns; it names each format and gives examples."""
    assert run(["report", "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert all(f"  {name} " in text for name in options.FORMATS)
    assert text.count("memanalysis report") >= 4


def test_a_section_is_called_like_its_module() -> None:
    """The names that --sections takes are those of the sections."""
    assert next(iter(SECTIONS)) == "findings"
    assert list(SECTIONS)[-1] == "methods"
