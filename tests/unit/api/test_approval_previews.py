"""The page of a request shows what each step would do now, as text, to whoever may see that, and hangs on no target."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import Looked, Preview
from sre_copilot.app.acting import open_desk
from sre_copilot.app.plan_difference import Previews
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, Mode, Plan, Target, Ticket
from sre_copilot.testing.alerting_service import Deciding, deciding
from sre_copilot.testing.plans import a_plan, a_step
from sre_copilot.testing.stated_executor import StatedExecutor, spec

RESTART = spec("kubernetes.rollout_restart", kinds=("Deployment",), properties={"grace": {}})
EVIL = "<script>alert(1)</script>"


class Told(StatedExecutor):
    """What it says, and how long it takes, a test decides."""

    lines: tuple[str, ...] = ("replicas: 2 -> 3",)
    hangs: threading.Event | None = None
    looks = 0

    def look(self, action: Action) -> Looked:
        """Perhaps not at once."""
        self.looks += 1
        if self.hangs is not None:
            self.hangs.wait(20.0)
        return super().look(action)

    def preview(self, action: Action) -> Preview:
        """What it was told to say."""
        said = Message(key="action.problem", params=(("problem", EVIL),))
        return Preview(before={}, after={}, difference=self.lines, objections=(said,))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("previews")) as found:
        yield found


@pytest.fixture
def there(running: Deciding) -> tuple[Deciding, Told]:
    """A server, and the only system that it may change, as a test wants it."""
    found = running
    service = found.service
    desk = open_desk(service.settings, service.database, service.clock)
    told = Told("kubernetes", specs=[RESTART], states={"cart": {"replicas": 2}})
    desk.__dict__["catalogue"] = Catalogue([told])
    found.application.state.acting = desk
    found.application.state.previews = Previews(lambda: desk.catalogue, within_s=0.5)
    return found, told


def proposed(there: Deciding, **changes: Any) -> Plan:
    """A plan of one step that waits."""
    plans = there.application.state.approving.plans
    step = a_step(state=changes.pop("state", ""), name=changes.pop("target", "cart"))
    made: Plan = plans.propose(a_plan(step, now=there.service.clock.now(), id="", **changes))
    return made


def shown(there: Deciding, plan: Plan, *, role: Any = "approver", lang: str = "en") -> str:
    """The page."""
    client = TestClient(there.application, headers={"Accept": "text/html"}, follow_redirects=False)
    assert client.post("/open", data={"token": there.token(role)}).status_code == 200
    answer = client.get(f"/approvals/{plan.id}?again=1&lang={lang}")
    assert answer.status_code == 200
    return answer.text


def test_the_page_shows_what_a_step_would_do_and_that_its_target_has_changed(
    there: tuple[Deciding, Told],
) -> None:
    found, _ = there
    text = shown(found, proposed(found, state="another"))
    assert "What it would do now" in text
    assert "replicas: 2 -&gt; 3" in text
    assert "The target is not as it was when the plan was made" in text
    assert "当前将产生的变更" in shown(found, proposed(found), lang="zh")


def test_what_a_system_says_is_text_and_of_much_the_beginning(there: tuple[Deciding, Told]) -> None:
    found, told = there
    told.lines = (EVIL, "left\u202eright", *(f"line {number} {'x' * 5000}" for number in range(500)))
    text = shown(found, proposed(found))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "\u202e" not in text
    assert "… and 462 more lines" in text
    assert len(text) < 60_000


def test_a_target_that_hangs_keeps_neither_the_page_nor_the_decision(there: tuple[Deciding, Told]) -> None:
    found, told = there
    plan, told.hangs = proposed(found), threading.Event()
    began = time.monotonic()
    text = shown(found, plan)
    first = time.monotonic() - began
    assert "The preview could not be had: the target has not answered within" in text
    assert 'value="approve"' in text
    began = time.monotonic()
    shown(found, plan)
    assert time.monotonic() - began < first, "what hangs is not waited for again"
    assert told.looks == 1
    told.hangs.set()
    answer = found.client("approver").post(f"/api/approvals/{plan.id}/approve", json={})
    assert answer.status_code == 200, answer.text


def test_a_system_that_refuses_is_said_with_its_reason(there: tuple[Deciding, Told]) -> None:
    found, _ = there
    found.application.state.acting.__dict__["catalogue"] = Catalogue()
    text = shown(found, proposed(found))
    assert (
        "The preview could not be had: action &#39;kubernetes.rollout_restart&#39;: is not in the catalogue"
        in text
    )


def test_who_may_not_see_differences_and_plans_that_are_over_have_no_target_looked_at(
    there: tuple[Deciding, Told],
) -> None:
    found, told = there
    plan = proposed(found)
    text = shown(found, plan, role="viewer")
    assert "What it would do now" not in text
    assert f"sre-copilot plan diff {plan.id}" in text
    assert (
        found.client("approver").post(f"/api/approvals/{plan.id}/reject", json={"reason": "no"}).status_code
        == 200
    )
    assert "What it would do now" not in shown(found, plan)
    assert told.looks == 0


def test_the_page_says_that_a_ticket_goes_along(there: tuple[Deciding, Told]) -> None:
    found, _ = there
    queue = Target(executor="jira", kind="queue", name="OPS")
    plan = proposed(found, ticket=Ticket(queue=queue, required=True), mode=Mode.MANUAL)
    assert "a ticket is opened in OPS (jira)" in shown(found, plan)
    item = next(each for each in found.client("viewer").get("/api/approvals/pending").json()["items"] if each["plan_id"] == plan.id)  # fmt: skip
    assert (item["ticket"]["queue"], item["ticket"]["required"], item["ticket"]["state"]) == ("OPS", True, "")
    one = found.client("viewer").get(f"/api/v1/plans/{plan.id}").json()
    assert one["ticket"]["words"].endswith("without it nothing is done")


def test_the_form_of_the_page_is_sent_with_its_origin(there: tuple[Deciding, Told]) -> None:
    found, _ = there
    client = TestClient(found.application, headers={"Accept": "text/html"}, follow_redirects=False)
    client.post("/open", data={"token": found.token("approver")})
    answer = client.get(f"/approvals/{proposed(found).id}?again=1")
    assert answer.headers["referrer-policy"] == "same-origin", "with none, a browser sends `Origin: null`"
