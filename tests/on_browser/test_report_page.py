"""The page of a run in a real browser: drawn whole, without the network, on a phone, in the dark and on paper."""

from pathlib import Path

import pytest

from marathon_ray.outcome import Outcome
from marathon_ray.report import page
from marathon_ray.report.report import Report
from tests.marathon_ray.report import sample
from tests.on_browser.browser import Browser

pytestmark = pytest.mark.on_browser
CHARTS = 8
WIDTHS = "return [document.scrollingElement.scrollWidth, innerWidth]"


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("failed")
    sample.measure(folder)
    return page.write(sample.report(Outcome.FAILED), folder)


def test_all_charts_are_drawn_and_nothing_is_asked_of_a_network(browser: Browser, failed: Path) -> None:
    browser.show(failed, width=1100)
    assert browser.ask("return document.querySelectorAll('.figure .plot-container').length") == CHARTS
    assert browser.ask("return document.querySelectorAll('.scatterlayer .trace path.js-line').length") > 10
    assert browser.complaints() == []
    asked = browser.requests()
    assert failed.as_uri() in asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_span_is_drawn_as_long_as_it_lasted_and_says_so(browser: Browser, failed: Path) -> None:
    browser.show(failed, width=1100)
    widths = """
        const width = element => element.getBoundingClientRect().width;
        const bars = [...document.querySelectorAll('#timeline .bars .point')];
        const bar = bars.find(bar => bar.querySelector('text')?.textContent === 'second steady, 2 min');
        return [bar ? width(bar.querySelector('path')) : 0, width(document.querySelector('#timeline .nsewdrag'))];
    """
    bar, plot = browser.ask(widths)
    assert bar == pytest.approx(plot * 120 / sample.SECONDS, rel=0.02)


def test_the_first_screen_has_the_outcome_and_every_promise(browser: Browser, failed: Path) -> None:
    browser.show(failed, width=1100)
    assert browser.ask("return document.querySelector('.outcome').innerText") == "Failed"
    bottom = browser.ask("return document.querySelector('table.promises').getBoundingClientRect().bottom")
    assert bottom < 900
    rows = browser.ask("return [...document.querySelectorAll('table.promises tbody tr')].map(row => row.innerText)")
    assert len(rows) == 3
    assert "840 lost" in rows[0]
    assert rows[0].endswith("broken")


@pytest.mark.parametrize("width", [320, 400, 768])
def test_a_narrow_screen_never_scrolls_sideways(browser: Browser, failed: Path, width: int) -> None:
    browser.show(failed, width=width)
    assert browser.ask(WIDTHS) == [width, width]
    widest = "return Math.max(...[...document.querySelectorAll('.main-svg')].map(each => each.getBoundingClientRect().right))"
    assert browser.ask(widest) <= width


def test_charts_follow_the_windows_width(browser: Browser, failed: Path) -> None:
    browser.show(failed, width=1100)
    browser.resize(400)
    browser.wait("return document.querySelector('#rates .main-svg').getBoundingClientRect().right <= 400")
    assert browser.ask(WIDTHS) == [400, 400]


@pytest.mark.parametrize("dark", [False, True])
def test_texts_stand_out_from_the_paper(browser: Browser, failed: Path, *, dark: bool) -> None:
    """By the contrast of the Web Content Accessibility Guidelines, 4.5 or more."""
    browser.show(failed, width=1100, dark=dark)
    light = """
        const light = text => {
            const parts = text.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
                .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
        };
        const paper = light(getComputedStyle(document.body).backgroundColor);
        const places = ['.outcome', '.promise', 'td.passed', 'td.failed', 'th', 'dt', '.soft', 'td'];
        const inks = places.map(place => getComputedStyle(document.querySelector(place)).color);
        inks.push(getComputedStyle(document.querySelector('#rates .xtick text')).fill);
        const contrast = ink => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        return [paper, inks.map(light).map(contrast)];
    """
    paper, contrasts = browser.ask(light)
    assert (paper < 0.1) == dark
    assert min(contrasts) >= 4.5


def test_it_prints_with_its_charts_on_white(browser: Browser, failed: Path) -> None:
    browser.show(failed, width=1100, dark=True)
    browser.command("Emulation.setEmulatedMedia", media="print")
    browser.wait("return document.querySelector('#rates .main-svg').getBoundingClientRect().width === 660")
    assert browser.ask("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.pdf().startswith(b"%PDF")


def test_texts_of_a_run_cannot_act(browser: Browser, tmp_path: Path) -> None:
    evil = "<img src=x onerror=\"document.title='taken'\"></script><script>document.title='taken'</script>"
    sample.measure(tmp_path)
    browser.show(page.write(sample.report(promise=evil, cause=evil, others=(evil,)), tmp_path), width=1100)
    assert browser.ask("return document.title") == "kill-leader passed"
    assert browser.ask("return document.querySelector('.promise').innerText") == evil


def test_a_run_that_never_began_is_shown(browser: Browser, tmp_path: Path) -> None:
    head = {"run": "1", "bench": "b", "scenario": "s", "promise": "p", "outcome": "skipped", "cause": "nobody may kill"}
    bare = Report.model_validate({**head, "began": sample.BEGAN, "seconds": 0, "seed": 1})
    browser.show(page.write(bare, tmp_path), width=400)
    assert "nobody may kill" in browser.ask("return document.body.innerText")
    assert browser.complaints() == []
