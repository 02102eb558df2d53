"""The page as a browser shows it: narrow and wide, in light and dark, by keyboard, and without a network."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.report import make_page
from tests.conftest import CHROMIUM
from tests.lake.assemble.lakeside import Lakeside
from tests.lake.report.chromium import Tab, chromium

pytestmark = pytest.mark.browser

TAB = ("Tab", 9)


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """Open a tab; where there is no browser, the tests do not run, and the summary says so loudly."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: `apt-get install -y chromium`")
    # The path of pytest's own folder is longer than that of a socket may be.
    with tempfile.TemporaryDirectory() as folder, chromium(CHROMIUM, Path(folder)) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(side: Lakeside, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_bytes(make_page(side.lake, pokemon="pikachu")[1])
    return path


def test_it_opens_without_an_error_and_asks_for_the_picture_alone(tab: Tab, page: Path):
    """There is no network here, so the picture does not come, and what is drawn in its place is seen."""
    for width in (380, 1400):
        for scheme in ("light", "dark"):
            tab.said.clear()
            tab.asked.clear()
            tab.open(page, width, scheme)
            assert tab.run("document.documentElement.scrollWidth") <= width
            [picture] = {address for address in tab.asked if not address.startswith(("file:", "data:"))}
            assert picture.startswith("https://raw.githubusercontent.com/PokeAPI/sprites/")
            # That the picture is not there is what the browser has to say, and all.
            assert {line.partition(": ")[2] for line in tab.said} <= {"net::ERR_NAME_NOT_RESOLVED"}
            seen = tab.run("[...document.querySelectorAll('.portrait > *')].map(e => e.getBoundingClientRect().width)")
            assert (seen[0] > 150, seen[1] < 30) == (True, True)


def test_nothing_is_cut_or_broken_where_it_is_narrow(tab: Tab, page: Path):
    """The snapshot's name stands in one line, and menu and commands are seen whole."""
    tab.open(page, 380)
    assert tab.run("document.querySelector('h1 .id').getBoundingClientRect().height") < 40
    cut = "[...document.querySelectorAll('nav ul, code')].filter(e => e.scrollWidth > e.clientWidth).length"
    assert tab.run(cut) == 0
    assert tab.run("document.querySelector('#findings ~ .card td').getBoundingClientRect().width") >= 36


def test_every_text_can_be_told_from_what_is_behind_it(tab: Tab, page: Path):
    """By a contrast of 4.5 at least, as WCAG 2 asks of small text."""
    for scheme in ("light", "dark"):
        tab.open(page, 1400, scheme)
        assert tab.run(CONTRAST) == []


# Colours over those of the elements around them, until one is opaque.
CONTRAST = """
(() => {
    const parts = color => { const c = color.match(/[0-9.]+/g).map(Number); return c.length > 3 ? c : [...c, 1]; };
    const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
    const behind = element => {
        if (!element) return [255, 255, 255];
        const own = parts(getComputedStyle(element).backgroundColor);
        return own[3] === 1 ? own : over(own, behind(element.parentElement));
    };
    const light = rgb => rgb.slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const faint = new Set();
    document.querySelectorAll('details').forEach(element => { element.open = true; });
    for (const element of document.body.querySelectorAll('*')) {
        const words = [...element.childNodes].filter(n => n.nodeType === 3 && n.textContent.trim());
        if (!words.length || element.tagName === 'title') continue;
        const style = getComputedStyle(element);
        const own = parts(element instanceof SVGElement ? style.fill : style.color);
        const [one, other] = [light(over(own, behind(element))), light(behind(element))].sort((a, b) => b - a);
        const contrast = (one + 0.05) / (other + 0.05);
        if (contrast < 4.5) faint.add(`${element.tagName} ${element.getAttribute('class')}: ${contrast.toFixed(2)}`);
    }
    return [...faint];
})()
"""


def test_it_is_read_by_keyboard(tab: Tab, page: Path):
    tab.open(page, 1400)
    tab.press(*TAB)
    assert tab.run("document.activeElement.textContent") == "Skip to the content"
    assert tab.run("document.activeElement.getBoundingClientRect().left >= 0")
    tab.press("Enter", 13)
    reached = []
    for _ in range(4):
        tab.press(*TAB)
        reached.append(tab.run("document.activeElement.tagName"))
    assert set(reached) == {"SUMMARY"}
    assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
