"""The report in a real browser, where there is one."""

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("chromium", Path(__file__).with_name("chromium.py"))
chromium = importlib.util.module_from_spec(spec)
spec.loader.exec_module(chromium)

pytestmark = pytest.mark.skipif(
    chromium.find_chromium() is None, reason="NO CHROMIUM: the report was not looked at in a browser"
)
SHOWN = "[...document.querySelectorAll('.over-time figure')].filter(f => f.offsetHeight).map(f => f.dataset.what)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory):
    with chromium.Chromium(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.mark.parametrize("kind", ["digits", "gaussian"])
def test_slider_width_and_colours(kind: str, digits_run, gaussian_run, browser, tmp_path: Path) -> None:
    file = {"digits": digits_run, "gaussian": gaussian_run}[kind].report(tmp_path / "page.html")
    backgrounds = set()
    for width, scheme in ((390, "light"), (1280, "dark")):
        browser.show(file, width, scheme=scheme)
        assert browser.ask("document.documentElement.scrollWidth") <= width
        assert browser.ask("[...document.images].every(i => i.complete)")
        first, last = "000000", browser.ask(SHOWN)
        browser.ask("s = document.querySelector('input'); s.value = 0; s.dispatchEvent(new Event('input'))")
        assert browser.ask(SHOWN) == [f"step {int(first)}"] != last
        assert browser.ask("document.querySelector('output').value") == "step 0"
        assert not browser.happened("Log.entryAdded")  # such as a text that the page's own policy forbids
        asked = [e["request"]["url"] for e in browser.happened("Network.requestWillBeSent")]
        assert all(url.startswith(("file:", "data:")) for url in asked)
        backgrounds.add(browser.ask("getComputedStyle(document.body).backgroundColor"))
    assert len(backgrounds) == 2


def test_without_scripts_the_last_picture_is_there(digits_run, browser, tmp_path: Path) -> None:
    file = digits_run.report(tmp_path / "page.html")
    browser.show(file, 390, scripts=False)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.ask(SHOWN) == ["step 30"]
    assert browser.ask("document.querySelector('.slider').offsetHeight") == 0
