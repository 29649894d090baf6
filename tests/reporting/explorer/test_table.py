"""The explorer's table in a real browser: what it lists is what SQL says of the same store."""

import csv
import io
from pathlib import Path

import pytest
from explorers import COMPLAINTS, LARGEST, ask, fill, ids, open_page, sort_by, total
from playwright.sync_api import Page

from memanalysis.studies import Study

SCORES = (
    "select * from memorization where split = 'train' and objective = 'one_hot' "
    f"and size = '{LARGEST}'"
)


def test_all_examples_are_there_and_few_rows_are_drawn(page: Page) -> None:
    """The live region counts every training example; only those of one page are in the DOM."""
    assert total(page) == 200
    assert page.get_attribute(".dt-info", "aria-live") == "polite"
    assert len(ids(page)) == 10


def test_the_highest_scores_come_first(page: Page, study: Study) -> None:
    """Rows are sorted by score at the largest size as SQL sorts them, ties by id."""
    wanted = ask(
        study,
        f"select example_id from ({SCORES}) order by memorization desc nulls last, example_id",
    )
    assert ids(page) == wanted[:10]
    sort_by(page, "score", "ascending")
    ascending = ask(
        study, f"select example_id from ({SCORES}) order by memorization nulls last, example_id"
    )
    assert ids(page) == ascending[:10]


def test_another_size_and_objective_sort_anew(page: Page, study: Study) -> None:
    """Choosing the distilled models of the smallest size sorts by their scores."""
    page.select_option("select[name=objective]", label="distilled")
    page.select_option("select[name=size]", label="s1")
    wanted = ask(
        study,
        "select example_id from memorization where split = 'train' and objective = 'distilled' "
        "and size = 's1' order by memorization desc nulls last, example_id limit 10",
    )
    assert ids(page) == wanted


@pytest.mark.parametrize(
    ("fill_in", "where"),
    [
        ({"[name=label]": "4"}, "label = 4"),
        (
            {"[name=label]": "4", "[name=shape]": "undetermined"},
            "label = 4 and shape = 'undetermined'",
        ),
        ({"[name=kind]": "flipped"}, "kind = 'flipped'"),
        (
            {"[name=text]": "17"},
            r"regexp_matches(concat_ws(' ', examples.example_id, source_id, class_name), "
            r"'(^|\D)0*17(\D|$)')",
        ),
        ({"[name=text]": "<B>"}, "source_id like '%<b>%' or class_name like '%<b>%'"),
        ({"[name=from]": "0.3"}, "memorization >= 0.3"),
        ({"[name=to]": "0.1", "[name=from]": "-0.05"}, "memorization between -0.05 and 0.1"),
        ({"[name=to]": "-0.05", "[name=from]": "0.1"}, "memorization between -0.05 and 0.1"),
    ],
)
def test_filters_keep_what_sql_keeps(
    page: Page, study: Study, fill_in: dict[str, str], where: str
) -> None:
    """Class, shape, planted kind, words, whole numbers and ranges, whichever end is named first,
    leave as many examples as the same SQL.
    """
    for selector, value in fill_in.items():
        fill(page, selector, value)
    count = ask(
        study,
        f"""select count(*) from ({SCORES}) join examples using (example_id)
        join classes on classes.label = examples.label
        join trajectories t on t.example_id = examples.example_id and t.objective = 'one_hot'
        where {where.replace("label = 4", "examples.label = 4")}""",
    )[0]
    assert 0 < count < 200
    assert total(page) == count


def test_two_ranges_hold_together(page: Page, study: Study) -> None:
    """A second range on the change under distillation narrows the first."""
    fill(page, "[name=from]", "0.2")
    page.click("button[data-explorer=range]")
    page.locator("[name=measure]").last.select_option("gain.1.2")
    fill(page, "[name=to]", "-0.1")
    count = ask(
        study,
        f"""select count(*) from distillation where size = '{LARGEST}'
        and memorization_one_hot >= 0.2 and change <= -0.1""",
    )[0]
    assert total(page) == count > 0


def test_wrong_labels_can_be_asked_for(page: Page, study: Study) -> None:
    """The tick keeps examples whose label is not their clean label."""
    page.check("[name=relabelled]")
    page.wait_for_selector(".list:not([aria-busy])")
    count = "select count(*) from examples where split = 'train' and label != clean_label"
    assert total(page) == ask(study, count)[0]


def test_nothing_matches_says_so(page: Page) -> None:
    """Words that no example has leave one line in the table."""
    fill(page, "[name=text]", "no such example")
    assert page.inner_text(".dt-info").startswith("No example matches")
    assert page.inner_text(".list tbody") == "No example matches these filters."


def test_the_download_holds_the_filtered_rows(page: Page, study: Study) -> None:
    """The CSV has the rows in their order, scores and limits to the last bit, changes to a step."""
    fill(page, "[name=label]", "4")
    with page.expect_download() as waiting:
        page.click("button[data-explorer=rows]")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    truth = study.sql(
        f"select m.*, t.change, d.change as gain, p.value_in, source_id from ({SCORES}) m "
        "join examples using (example_id) "
        "join trajectories t on t.example_id = m.example_id and t.objective = 'one_hot' "
        f"join distillation d on d.example_id = m.example_id and d.size = '{LARGEST}' "
        "join proxies p on p.example_id = m.example_id and p.objective = 'one_hot' "
        f"and p.size = '{LARGEST}' and p.proxy = 'aum' "
        "where m.label = 4 order by m.memorization desc, m.example_id"
    )
    assert [int(row["example_id"]) for row in rows] == truth["example_id"].to_list()
    assert [row["source_id"] for row in rows] == truth["source_id"].to_list()
    end = f"one_hot_{LARGEST}"
    for column, name, tolerance in [
        (f"memorization_{end}", "memorization", 0),
        (f"ci_low_{end}", "ci_low", 1e-12),
        (f"ci_high_{end}", "ci_high", 1e-12),
        ("change_one_hot", "change", 4 / 131_068),
        (f"change_by_distilled_{LARGEST}", "gain", 4 / 131_068),
        (f"aum_{end}", "value_in", 2e-4),
    ]:
        got = [float(row[column]) for row in rows]
        assert got == pytest.approx(truth[name].to_list(), abs=tolerance), column


def test_ranks_say_how_many_are_easier(page: Page, study: Study) -> None:
    """The last column is the share of examples that the proxy calls easier, rounded down."""
    page.select_option("select[name=proxy]", label="Area under the margin, one-hot labels")
    sort_by(page, "proxy", "descending")
    shares = study.sql(
        f"""select example_id, floor(100 * (count(*) over (order by value_in desc
                range between unbounded preceding and current row)
            - count(*) over (partition by value_in))
            / count(*) over ()) as harder
        from proxies where objective = 'one_hot' and size = '{LARGEST}' and proxy = 'aum'"""
    )
    wanted = dict(shares.iter_rows())
    shown = [
        int(text.split("\u202f")[0]) for text in page.locator("td.col-proxy").all_inner_texts()
    ]
    assert shown == [wanted[example] for example in ids(page)]
    assert shown[0] == 99


def test_columns_say_of_which_models_they_are(page: Page) -> None:
    """The chosen size, objective and proxy stand under the titles; wide tables sort by heads."""
    page.select_option("select[name=size]", label="s1")
    page.select_option("select[name=objective]", label="distilled")
    assert page.locator("th.col-score small").text_content() == "distilled, s1"
    assert page.locator("th.col-gain small").text_content() == "s1"
    page.select_option("select[name=proxy]", label="Area under the margin, one-hot labels")
    named = page.locator("th.col-proxy small").text_content()
    assert named == f"Area under the margin, one-hot labels at {LARGEST}"
    assert not page.locator("select[name=sort]").is_visible()


def test_the_keyboard_is_enough(page: Page) -> None:
    """Arrows move over rows and pages, Enter opens and moves to the example, Escape returns."""
    page.evaluate("location.hash = '#explorer'")
    first = ids(page)
    page.locator(".list tbody a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.activeElement.textContent === 'Example {first[1]}'")
    assert page.get_attribute(".list tbody a >> nth=1", "aria-current") == "true"
    page.keyboard.press("Escape")
    assert page.locator(".detail").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == str(first[1])
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.activeElement.textContent === 'Example {first[1]}'")
    page.locator(".list tbody a").nth(1).focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.querySelector('.dt-info').textContent.startsWith('11 to')")
    following = ids(page)
    assert following[0] not in first
    assert page.evaluate("document.activeElement.textContent") == str(following[0])
    page.wait_for_function(
        f"document.querySelector('.detail h3').textContent === 'Example {following[0]}'"
    )
    page.click(".detail button >> text=Previous")
    page.wait_for_function(
        f"document.querySelector('.detail h3').textContent === 'Example {first[-1]}'"
    )


def test_a_view_can_be_sent(page: Page, written: Path) -> None:
    """Filters, order and marks stand in the address: another window shows the same rows."""
    fill(page, "[name=label]", "4")
    sort_by(page, "change", "descending")
    page.locator(".list tbody a").nth(1).focus()
    page.keyboard.press("m")
    marked = ids(page)[1]
    assert page.locator(".list tbody .marked").count() == 1
    browser = page.context.browser
    assert browser is not None
    other = open_page(browser, written, end=page.url.partition(".html")[2])
    assert ids(other) == ids(page)
    assert other.locator(".list tbody .marked").all_inner_texts() == [str(marked)]
    other.check("[name=marked]")
    other.wait_for_selector(".list:not([aria-busy])")
    assert (total(other), ids(other)) == (1, [marked])
    assert other.inner_text(".dt-info") == "1 example (of 200)"
    assert COMPLAINTS[other] == []
    other.context.close()
    page.locator(".list tbody a").nth(1).focus()
    page.keyboard.press("m")


def test_presets_are_views_to_start_with(page: Page, study: Study) -> None:
    """Rises are sorted by the change over sizes, the most memorised by score; where nothing is
    suspected, nothing is offered.
    """
    assert study.table("suspects").is_empty()
    assert page.locator("[data-preset=suspects]").count() == 0
    page.click("[data-preset=rising]")
    page.wait_for_selector("th.col-change[aria-sort=descending]")
    wanted = ask(
        study,
        "select example_id from trajectories where objective = 'one_hot' "
        "order by change desc nulls last, example_id limit 1",
    )
    assert ids(page)[:1] == wanted
    page.click("[data-preset=memorised]")
    page.wait_for_selector("th.col-score[aria-sort=descending]")


def test_an_example_that_is_not_there_is_said(page: Page) -> None:
    """A link to a number that no training example has says so, and opens nothing."""
    page.evaluate("location.hash = '#example-99999'")
    page.wait_for_selector(".absent:not([hidden])")
    assert page.inner_text(".absent") == "There is no training example 99999 on this page."
    page.evaluate("location.hash = '#explorer'")
