"""The page of a request in a real browser: what each step would do now stands below it, a target that hangs keeps nobody, and what systems say runs nowhere."""

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

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import Looked, Preview
from sre_copilot.app.acting import open_desk
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, Plan, Target, Ticket
from sre_copilot.testing.alerting_service import Deciding, deciding
from sre_copilot.testing.plans import a_plan, a_step
from sre_copilot.testing.stated_executor import StatedExecutor, spec

playwright = pytest.importorskip("playwright.sync_api", reason="the `dev` extra is not installed")
pytestmark = pytest.mark.browser
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]
EVIL = (
    "<img src=http://127.0.0.1:9/x onerror=document.title='broken'><script>document.title='broken'</script>"
)
HANGING = "payments"


class Cluster(StatedExecutor):
    """Says what it would do, with what a hostile system may say; one of its targets does not answer."""

    def __init__(self, until: threading.Event) -> None:
        names = ("cart", HANGING)
        restart = spec("kubernetes.rollout_restart", kinds=("Deployment",), properties={"grace": {}})
        super().__init__("kubernetes", specs=[restart], states={name: {"replicas": 2} for name in names})
        self._until = until

    def look(self, action: Action) -> Looked:
        """Of one target, not before it is let go."""
        if action.target.name == HANGING:
            self._until.wait(30.0)
        return super().look(action)

    def preview(self, action: Action) -> Preview:
        """Lines, one of which is none."""
        lines = ("spec.template.annotations.restartedAt: (absent) -> now", f"status: {EVIL}")
        said = Message(key="action.problem", params=(("problem", EVIL),))
        return Preview(before={}, after={}, difference=lines, objections=(said,))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    """A server with one system that it may change."""
    let_go = threading.Event()
    with deciding(tmp_path_factory.mktemp("approvals")) as found:
        service = found.service
        desk = open_desk(service.settings, service.database, service.clock)
        desk.__dict__["catalogue"] = Catalogue([Cluster(let_go)])
        found.application.state.acting = desk
        yield found
        let_go.set()


@pytest.fixture(scope="module")
def place(there: Deciding) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(there.application, log_config=None, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        there.until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        there.service.stop.set()
        thread.join(5)


@pytest.fixture
def tab(tmp_path: Path, there: Deciding, place: str) -> Iterator[Any]:
    """A tab of an approver; what the browser complains of is its `complaints`, what it asks elsewhere `foreign`."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip(
            "Chromium is missing: apt-get install chromium fonts-noto-cjk, or set CHROMIUM to its path"
        )
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=found, args=FLAGS)
        page = launched.new_context(locale="en-US").new_page()
        page.goto(f"{place}/")
        page.fill("input", there.token("approver"))
        page.click("button")
        page.wait_for_url(f"{place}/")
        page.complaints, page.foreign = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("request", lambda asked: asked.url.startswith(place) or page.foreign.append(asked.url))
        yield page
        launched.close()


def proposed(there: Deciding) -> Plan:
    """Two steps, of which the second's target hangs, and a ticket."""
    plans = there.application.state.approving.plans
    steps = (a_step(1, state="another"), a_step(2, name=HANGING))
    ticket = Ticket(queue=Target(executor="jira", kind="queue", name="OPS"))
    made: Plan = plans.propose(a_plan(*steps, now=there.service.clock.now(), id="", ticket=ticket))
    return made


def test_an_approver_sees_what_would_be_done_and_decides_though_a_target_hangs(
    there: Deciding, place: str, tab: Any
) -> None:
    plan = proposed(there)
    began = time.monotonic()
    assert tab.goto(f"{place}/approvals/{plan.id}?lang=en").status == 200
    first_s = time.monotonic() - began
    tab.screenshot(path=os.environ.get("SCREENSHOT") or None, full_page=True)
    shown = [each.inner_text() for each in tab.query_selector_all(".preview")]
    assert len(shown) == 2
    assert "restartedAt: (absent) -> now" in shown[0]
    assert "The target is not as it was when the plan was made" in shown[0]
    assert EVIL in shown[0], "it is text"
    assert "The preview could not be had: the target has not answered within 3 s" in shown[1]
    assert "a ticket is opened in OPS (jira)" in tab.inner_text("main")
    assert plan.id in tab.title()
    assert (tab.complaints, tab.foreign) == ([], [])
    began = time.monotonic()
    tab.reload()
    assert time.monotonic() - began < first_s, "what hangs is not waited for again"
    tab.click("button[value=approve]")
    tab.wait_for_url("**/approvals/*?lang=*")
    kept = there.application.state.approving.plans.get(plan.id)
    assert kept.status == "approved"
    assert tab.complaints == []


def test_a_narrow_screen_scrolls_the_preview_and_not_the_page(there: Deciding, place: str, tab: Any) -> None:
    plan = proposed(there)
    tab.set_viewport_size({"width": 360, "height": 700})
    tab.goto(f"{place}/approvals/{plan.id}?lang=zh")
    assert "当前将产生的变更" in tab.inner_text("main")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
