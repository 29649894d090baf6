"""A thing has one word: pages, glossary, comments of relations and help keep to CONTRIBUTING.md."""

import re

import pytest
import readme_parts

from memanalysis.reporting.glossary import TERMS
from memanalysis.sql.catalogue import catalogue
from memanalysis.storage.store import Store

WORDS = readme_parts.table(readme_parts.section("Words"), "say")
# The pages of relations and of commands have every comment and all help. Results quote others.
TEXTS = {
    page: text for page, text in readme_parts.TEXTS.items()
    if not page.startswith(("data/results/", "data/cifar10/"))
} | {"glossary": "\n\n".join(f"{term.name}: {term.meaning}" for term in TERMS)}  # fmt: skip
# Columns are called by their names in comments, without quotes.
NAMES = {"queries/relations.md": {"memorization"}, "glossary": {"memorization"}}


def prose(text: str) -> str:
    """Text without code and links' targets; help, which stands in blocks of text, is prose."""
    text = text.replace(readme_parts.section("Words"), "")
    for code in (r"^```(?!text)\w+$.*?^```$", r"^```\w*$", r"^    \S[^\n]*$"):
        text = re.sub(code, "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|https?:\S+", " ", " ".join(text.split()))
    return re.sub(r'"[^"]{,120}"', "", text)  # titles of others' works


@pytest.mark.parametrize("page", TEXTS)
def test_no_second_word_for_a_thing(page: str) -> None:
    """No page has a word of the right column, alone or with an s."""
    text = prose(TEXTS[page])
    found = [
        f"'{match[0]}' in '{text[max(0, match.start() - 30) : match.end() + 30]}': say {instead}"
        for instead, words in WORDS
        for word in words.split(", ")
        if word not in NAMES.get(page, ())
        for match in re.finditer(
            rf"(?<![\w-])[{word[0]}{word[0].upper()}]{word[1:]}s?(?![\w-])", text
        )
    ]
    assert not found


def test_terms_that_are_columns_say_so(stand_in: Store) -> None:
    """The report's short names of rates and the score lead to the columns that hold them."""
    (relation,) = catalogue(stand_in, ["memorization"])
    columns = {column.name for column in relation.columns}
    named = {"p_in": "accuracy_in", "p_out": "accuracy_out", "memorisation score": "memorization"}
    meanings = {term.name: term.meaning for term in TERMS}
    for term, column in named.items():
        assert column in columns
        assert f"{column} in SQL" in meanings[term]
