"""The HTML report in a real browser: opened from disk, both languages, light and dark, wide and narrow."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.incidents.report import example

from sre_copilot.incidents.report import Language, build, catalogue, render

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HEADINGS = ("timeline", "signals", "topology", "evidence", "struck", "alternatives", "gaps", "next_steps")
VIEWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (360, "light")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium of the system, with a profile of its own."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: python3 dev.py installs it"
    )
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip(
            "Chromium is missing: apt-get install chromium fonts-noto-cjk, or set CHROMIUM to its path"
        )
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module", params=["en", "zh"])
def lang(request: pytest.FixtureRequest) -> Language:
    """Each language."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def page_file(lang: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the invented shop among 46 services, hostile text included."""
    diagnosis = example.diagnosis()
    observation = example.observation(topology=example.large_topology())
    report = build(diagnosis, observation, example.observed(diagnosis))
    file = tmp_path_factory.mktemp("report") / f"report-{lang}.html"
    file.write_text(render(report, output="html", lang=lang), encoding="utf-8")
    return file


@pytest.mark.parametrize(("width", "theme"), VIEWS)
def test_the_page_opens_without_error_request_or_overflow(
    browser: Any, page_file: Path, lang: Language, width: int, theme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert said == []
    assert asked == [page_file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.lang") == catalogue()["language"][lang]
    wanted = [catalogue()[f"heading.{name}"][lang] for name in HEADINGS]
    assert page.locator("h2").all_inner_texts() == wanted
    context.close()


def test_dark_and_light_follow_the_reader(browser: Any, page_file: Path) -> None:
    shades = []
    for theme in ("light", "dark"):
        context = browser.new_context(color_scheme=theme)
        page = context.new_page()
        page.goto(page_file.as_uri())
        shades.append(page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor"))
        context.close()
    assert shades == ["rgb(255, 255, 255)", "rgb(22, 27, 34)"]


def test_text_in_pictures_stays_readable_on_a_narrow_screen(browser: Any, page_file: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(page_file.as_uri())
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('svg.chart, svg.graph')].filter("
        "svg => svg.checkVisibility()).map("
        "svg => 12 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))"
    )
    assert smallest >= 8
    context.close()


@pytest.mark.parametrize("width", [360, 390, 700, 1280])
def test_the_culprit_is_seen_in_the_topology_without_scrolling(
    browser: Any, page_file: Path, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(page_file.as_uri())
    label = page.locator("svg.graph .culprit > text:not(.rank-name)").locator("visible=true")
    assert label.count() == 1
    assert label.text_content() == "payments"
    seen, box = label.bounding_box(), page.locator("svg.graph").locator("visible=true").bounding_box()
    assert max(0, box["x"]) <= seen["x"]
    assert seen["x"] + seen["width"] <= min(width, box["x"] + box["width"])
    context.close()
