"""The page of the running server, in a real browser: its policy lets its style and its form work, and nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.testing.synthetic import SyntheticSource

playwright = pytest.importorskip("playwright.sync_api", reason="the `dev` extra is not installed")
pytestmark = pytest.mark.browser
NOW = 1_760_000_040.0
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose watch has told and investigated one anomaly."""
    settings = Settings.model_validate({"store": {"folder": tmp_path_factory.mktemp("store")}})
    source = SyntheticSource(services=3, metrics=2)
    made = make_service(settings, sources=[source], clock=TurnedClock(NOW))
    made.watch.request_learning(wait=True)
    source.disturb(source.keys[0], start=NOW, end=NOW + 99_999, add=60.0)
    for _ in range(8):
        made.clock.wait(60.0, made.stop)
        made.watch.tick()
        made.watch._inquiries.wait(30)
    yield made
    made.close()


@pytest.fixture(scope="module")
def place(service: Service) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(5)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Any]:
    """An empty tab; what the browser complains of is its `complaints`."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip(
            "Chromium is missing: apt-get install chromium fonts-noto-cjk, or set CHROMIUM to its path"
        )
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=found, args=FLAGS)
        page = launched.new_context(locale="zh-CN").new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        yield page
        launched.close()


def test_a_person_gets_in_by_a_token_reads_a_report_and_changes_nothing(
    service: Service, place: str, tab: Any
) -> None:
    _, plain = service.tokens.create("person", role="admin", now=NOW)
    assert tab.goto(f"{place}/").status == 401
    assert "令牌" in tab.title()
    tab.complaints.clear()  # the browser writes down the 401
    tab.fill("input", plain)
    tab.click("button")
    tab.wait_for_url(f"{place}/")
    assert "数据源" in tab.content()
    assert tab.evaluate("document.cookie") == "", "no script reads the session"
    assert tab.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse") == "collapse"
    posted = tab.evaluate(
        "fetch('/api/v1/baseline/learn', {method: 'POST'}).then(r => r.status, () => 'refused')"
    )
    assert posted in {401, "refused"}
    tab.complaints.clear()
    tab.click('a[href="/?lang=en"]')
    assert "Open anomalies" in tab.content()
    tab.screenshot(path=os.environ.get("SCREENSHOT") or None, full_page=True)
    tab.click('a[href^="/investigations/"]')
    tab.wait_for_load_state()
    assert tab.query_selector("h1") is not None
    assert tab.complaints == []


def test_a_narrow_screen_needs_no_scrolling_to_the_side(service: Service, place: str, tab: Any) -> None:
    _, plain = service.tokens.create("phone", role="viewer", now=NOW)
    tab.set_viewport_size({"width": 360, "height": 700})
    tab.goto(f"{place}/")
    tab.fill("input", plain)
    tab.click("button")
    tab.wait_for_url(f"{place}/")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
