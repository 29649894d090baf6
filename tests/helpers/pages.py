"""A report's page in a browser: at a width, in a theme, and what is where on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import prerequisites
from playwright.sync_api import Browser, Page, sync_playwright

# Machines in use are slow; what never happens is what this is for.
PATIENCE_MS = 120_000

# Charts are drawn when a reader comes near: this one visits them all and goes back to where it was.
_VISIT = """async (patience) => {
    const before = scrollY;
    const end = performance.now() + patience;
    for (const chart of document.querySelectorAll('.chart')) {
        if (!chart.checkVisibility()) continue;  // in a fold: drawn when that is opened
        chart.scrollIntoView({ block: 'center', behavior: 'instant' });
        while (chart.dataset.width !== String(chart.clientWidth)) {
            if (performance.now() > end) throw new Error(`${chart.dataset.chart} is not drawn`);
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }
    scrollTo({ top: before, behavior: 'instant' });
}"""

# Every visible text of a chart as four corners, so that slanted labels are no larger than they are.
# Two texts overlap where no side of either separates them by more than the slack.
_TEXTS = """(slack) => {
    const cornersOf = (text) => {
        const box = text.getBBox();
        const matrix = text.getScreenCTM();
        return [[0, 0], [1, 0], [1, 1], [0, 1]].map(([i, j]) =>
            new DOMPoint(box.x + i * box.width, box.y + j * box.height).matrixTransform(matrix));
    };
    const separate = (a, b) => [a, b].some((shape) => [[0, 1], [1, 2]].some(([i, j]) => {
        const [dx, dy] = [shape[j].x - shape[i].x, shape[j].y - shape[i].y];
        const length = Math.hypot(dx, dy) || 1;
        const along = (points) => points.map((p) => (p.x * dx + p.y * dy) / length);
        const [one, other] = [along(a), along(b)];
        return Math.min(...one) > Math.max(...other) - slack
            || Math.min(...other) > Math.max(...one) - slack;
    }));
    const faults = [];
    for (const chart of document.querySelectorAll('.chart:has(svg)')) {
        const name = chart.dataset.chart;
        const frame = chart.querySelector('svg').getBoundingClientRect();
        const texts = [...chart.querySelectorAll('svg text')]
            .filter((text) => text.textContent.trim() && getComputedStyle(text).opacity > 0)
            .map((text) => ({ said: text.textContent, corners: cornersOf(text) }));
        for (const { said, corners } of texts) {
            if (said.endsWith('…')) faults.push(`${name}: '${said}' is cut`);
            if (corners.some((p) => p.x < frame.left - slack || p.x > frame.right + slack
                || p.y < frame.top - slack || p.y > frame.bottom + slack))
                faults.push(`${name}: '${said}' leaves the chart`);
        }
        texts.forEach((one, i) => texts.slice(i + 1).forEach((other) => {
            if (!separate(one.corners, other.corners))
                faults.push(`${name}: '${one.said}' and '${other.said}' overlap`);
        }));
    }
    return faults;
}"""

# The titles of panels that are nearly at the height of another one of their chart, but not quite.
_UNEVEN = """() => {
    const faults = [];
    for (const svg of document.querySelectorAll(':root:is(svg), .chart svg')) {
        const tops = [...svg.querySelectorAll('text')]
            .filter((text) => {
                const { fontSize, fontWeight } = getComputedStyle(text);
                return fontSize === '12px' && fontWeight === '600';
            })
            .map((text) => [text.getBoundingClientRect().top, text.textContent])
            .sort(([one], [other]) => one - other);
        tops.slice(1).forEach(([top, said], i) => {
            const above = top - tops[i][0];
            if (above > 0.5 && above < 14)
                faults.push(`'${said}' is ${above} below '${tops[i][1]}'`);
        });
    }
    return faults;
}"""

# One record per block of each section: edges in hundredths of the content's width, panels in a
# row, and what is wrong with it.
_LAYOUT = """() => {
    const main = document.querySelector('main').getBoundingClientRect();
    const share = (x) => Math.round(100 * (x - main.left) / main.width);
    const found = [];
    for (const part of document.querySelectorAll('.part')) {
        const blocks = [...part.children];
        blocks.forEach((block, i) => {
            const box = block.getBoundingClientRect();
            const next = blocks[i + 1]?.getBoundingClientRect();
            const flags = [];
            if (next && box.bottom > next.top + 1) flags.push('overlap');
            if (box.right > main.right + 1 || block.scrollWidth > block.clientWidth + 1)
                flags.push('overflow');
            const name = block.id || block.querySelector('[id]')?.id
                || block.className || block.localName;
            const picture = block.querySelector('.chart svg');
            const record = { part: part.id, name, left: share(box.left), right: share(box.right) };
            if (picture) {
                const cells = [...picture.querySelectorAll('.role-scope.cell > g > .background')];
                const lefts = cells.map((cell) => Math.round(cell.getBoundingClientRect().left));
                record.columns = new Set(lefts).size || 1;
                record.chart = share(picture.getBoundingClientRect().right);
            }
            found.push({ ...record, flags: flags.join('+') || 'none' });
        });
    }
    return found;
}"""

# What decides whether a text can be read against its ground is its look: its own style, its
# parent's colour, and every ground, opacity or place of its own among its ancestors. Of each look
# the first, the middle and the last visible element are marked.
_LOOKS = """() => {
    const grounds = new Map([[null, '']]);
    const groundOf = (element) => {
        if (grounds.has(element)) return grounds.get(element);
        const style = getComputedStyle(element);
        let ground = groundOf(element.parentElement);
        const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter,
            style.mixBlendMode];
        if (own.join() !== 'rgba(0, 0, 0, 0),none,1,none,normal') ground += `>${own}`;
        if (!['static', 'relative'].includes(style.position))
            ground += `>${style.position} ${element.className}`;
        grounds.set(element, ground);
        return ground;
    };
    const looks = new Map();
    for (const element of document.querySelectorAll('body *')) {
        element.removeAttribute('data-look');
        const says = element.matches('input, select, textarea, button')
            || [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!says || !element.checkVisibility({ visibilityProperty: true })) continue;
        const style = getComputedStyle(element);
        const look = [style.color, style.fill, style.fontSize, style.fontWeight, style.fontStyle,
            style.textDecorationLine, style.textShadow, style.borderBottom,
            element.matches(':disabled'), element.localName === 'a',
            getComputedStyle(element.parentElement).color, groundOf(element)].join('|');
        looks.set(look, [...looks.get(look) ?? [], element]);
    }
    for (const alike of looks.values())
        for (const i of [0, alike.length >> 1, alike.length - 1])
            alike[i].setAttribute('data-look', '');
    return looks.size;
}"""

# Takes out of the page what shows no text: closed details and the marks of charts.
_REDUCE = """() => {
    const silent = 'details:not([open]) > :not(summary), .chart svg path, .chart svg line';
    window.takenOut = [...document.querySelectorAll(silent)].map((element) => {
        const hole = document.createComment('');
        element.replaceWith(hole);
        return [hole, element];
    });
    return window.takenOut.length;
}"""
_RESTORE = "window.takenOut.forEach(([hole, element]) => hole.replaceWith(element))"


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless browser that ends with its context."""
    path = prerequisites.browser()
    assert path is not None, "no browser: see `python tests/helpers/prerequisites.py browser`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def settle(page: Page, width: int, scheme: Literal["light", "dark"] = "light") -> None:
    """Give the page a width and a theme, and have all its charts drawn to fit."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    draw_all(page)


def draw_all(page: Page) -> None:
    """Have every chart that can be seen drawn at the page's present width."""
    page.evaluate(_VISIT, PATIENCE_MS)


def unfold(page: Page, open_: bool = True) -> None:
    """Open the folds of the sections, or close them."""
    script = "(all, open) => all.forEach((d) => { d.open = open; })"
    page.eval_on_selector_all(".part .fold", script, open_)


def mark_looks(page: Page) -> int:
    """Give three visible texts of each look the attribute ``data-look``; how many looks there are.

    What holds for the contrast of these holds for all: whatever decides it is part of the look.
    """
    looks: int = page.evaluate(_LOOKS)
    return looks


@contextmanager
def texts_alone(page: Page) -> Iterator[None]:
    """The page without what shows no text, most of its elements: axe-core reads all there are."""
    assert page.evaluate(_REDUCE) > 0
    yield
    page.evaluate(_RESTORE)


def text_faults(page: Page, slack: float = 1.5) -> list[str]:
    """Texts of charts that are cut, leave their chart, or overlap by more than ``slack`` pixels."""
    faults: list[str] = page.evaluate(_TEXTS, slack)
    return faults


def uneven_titles(page: Page) -> list[str]:
    """Titles of panels that should stand at the height of another one and do not."""
    faults: list[str] = page.evaluate(_UNEVEN)
    return faults


def layout(page: Page) -> list[dict[str, Any]]:
    """Layout of a page: one record per block of each section."""
    records: list[dict[str, Any]] = page.evaluate(_LAYOUT)
    return records
