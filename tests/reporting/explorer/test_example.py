"""The open example in a real browser: its numbers, partners and image are those of the store."""

import io

import numpy as np
import pytest
from explorers import HOSTILE, ask, fill
from PIL import Image
from playwright.sync_api import Page

from memanalysis.studies import Study


def test_an_example_shows_its_exact_numbers(page: Page, study: Study) -> None:
    """A link to #example-5 shows its scores and intervals at each size as the relation has them."""
    page.evaluate("location.hash = '#example-5'")
    page.wait_for_selector(".detail .scores svg")
    assert page.inner_text(".detail h3") == "Example 5"
    wanted = study.sql("from memorization where example_id = 5 order by objective desc, size_rank")
    shown = [
        row.split("\t")
        for title in ("one-hot labels", "distilled")
        for row in page.inner_text(f'.detail [aria-label="Scores, {title}"] tbody').splitlines()
    ]
    assert [row[0] for row in shown] == wanted["size"].to_list()
    for row, truth in zip(shown, wanted.iter_rows(named=True), strict=True):
        low, high = row[2].replace("−", "-").split(" to ")
        numbers = (row[1].replace("−", "-"), low, high)
        expected = (truth["memorization"], truth["ci_low"], truth["ci_high"])
        assert [float(x) for x in numbers] == pytest.approx(expected, abs=0.0051)
        assert row[3:] == [
            f"{truth['hits_in']}/{truth['n_in']}", f"{truth['hits_out']}/{truth['n_out']}",
        ]  # fmt: skip
    assert page.locator(".detail .scores .mark-symbol path").count() >= len(shown)


def test_an_example_can_be_closed_and_opened_again(page: Page) -> None:
    """Oracle: the address; its chart has the page's look rather than Vega's white ground."""
    page.evaluate("location.hash = '#example-17'")
    page.wait_for_function("document.querySelector('.detail h3')?.textContent === 'Example 17'")
    page.wait_for_selector(".scores svg")
    ground = "getComputedStyle(document.querySelector('.scores svg')).backgroundColor"
    assert page.evaluate(ground) != "rgb(255, 255, 255)"
    page.click(".detail button >> text=Close")
    assert page.locator(".detail").is_hidden()
    assert "#" not in page.url
    assert page.evaluate("document.activeElement.textContent") == "17"
    page.keyboard.press("Enter")
    page.wait_for_selector(".detail h3")
    assert page.url.endswith("#example-17")


def test_partners_show_with_their_images(page: Page) -> None:
    """The strongest pairs come first, on both sides; partners in train are links."""
    page.evaluate("location.hash = '#example-5'")
    page.wait_for_function("document.querySelector('.detail h3')?.textContent === 'Example 5'")
    lists = page.locator(".partners").all_inner_texts()
    assert len(lists) == 2
    helped = page.locator(".partners >> nth=0").locator("li")
    assert helped.count() == 3
    assert "test 200" in helped.nth(0).inner_text()
    assert "+0.75" in helped.nth(0).inner_text()
    assert helped.nth(0).locator("canvas").count() == 1
    assert helped.nth(1).locator(".noimage").count() == 1
    helped.nth(2).locator("a").click()
    page.wait_for_function("document.querySelector('.detail h3').textContent === 'Example 9'")
    page.evaluate("location.hash = '#example-11'")
    page.wait_for_function("document.querySelector('.detail h3').textContent === 'Example 11'")
    assert "no pair with this example stands out" in page.inner_text(".detail")


def test_images_are_those_of_the_store(page: Page, study: Study) -> None:
    """The large picture has the pixels of the stored image: small stores keep every one."""
    page.evaluate("location.hash = '#example-23'")
    page.wait_for_function("document.querySelector('.detail h3')?.textContent === 'Example 23'")
    read = """() => {
        const canvas = document.querySelector('.detail canvas.large');
        const copy = new OffscreenCanvas(canvas.width, canvas.height);
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
        return [canvas.width, [...data].filter((_, i) => i % 4 === 0)];
    }"""
    page.wait_for_function(f"({read})()[1].some((value) => value > 0)")
    width, shown = page.evaluate(read)
    content = ask(study, "select image from examples where example_id = 23")[0]
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    assert width == pixels.shape[1]
    assert shown == pixels.ravel().tolist()


def test_hostile_names_are_text(page: Page) -> None:
    """Markup in class names and source ids is shown letter by letter, in table, panel and lists."""
    fill(page, "[name=label]", "0")
    assert page.locator("td.col-label").first.inner_text() == HOSTILE[0]
    page.locator(".list tbody a").first.click()
    page.wait_for_selector(".detail dd")
    assert HOSTILE[0] in page.inner_text(".detail")
    assert any(name in page.inner_text(".detail") for name in HOSTILE[:3])
    options = page.locator("select[name=label] option").all_text_contents()
    assert set(HOSTILE) <= set(options)
    assert page.locator(".explorer :is(img, b)").count() == 0
