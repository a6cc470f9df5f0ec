"""Decisions that chat platforms bring in, from the request as the platform signs it to the plan, the audit and the answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.api.chat_world import SENDERS, World, listening
from tests.unit.decision.chat import signing

from sre_copilot.api.server import create_app
from sre_copilot.app.approving import Answer, Approving
from sre_copilot.app.chat_inbound import Inbound
from sre_copilot.app.chat_replies import Replies
from sre_copilot.app.serving import make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.decision.approval.model import Refused
from sre_copilot.decision.chat.request import Heard
from sre_copilot.domain.plan import RiskLevel
from sre_copilot.errors import StoreError
from sre_copilot.settings.acting.approval_chat import ApprovalChat
from sre_copilot.settings.document import Settings
from sre_copilot.store.leases import Leases
from sre_copilot.testing.plans import NOW, a_plan
from sre_copilot.testing.synthetic import SyntheticSource

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with listening(tmp_path_factory.mktemp("store")) as found:
        yield found


every_platform = pytest.mark.parametrize("platform", list(SENDERS))


@every_platform
def test_an_approver_approves_and_rejects_by_a_message_and_is_answered(world: World, platform: str) -> None:
    plan, other = world.plan(), world.plan()
    answer = world.say(platform, f"APPROVE {plan.id}", user=SENDERS[platform][0])
    assert (answer.status_code, world.status(plan)) == (200, "approved"), answer.text
    assert (world.last()["who"], world.last()["detail"]["way"]) == (f"Ann by {platform}", "chat")
    assert "was approved by" in world.answered(platform, answer)
    answer = world.say(platform, f"REJECT {other.id} the sale is on", user=SENDERS[platform][1])
    assert world.status(other) == "rejected"
    assert "the sale is on" in world.answered(platform, answer)


@every_platform
def test_whoever_is_nobody_here_decides_nothing_and_is_told_and_audited(world: World, platform: str) -> None:
    plan = world.plan()
    answer = world.say(platform, f"APPROVE {plan.id}", user=SENDERS[platform][2])
    assert (answer.status_code, world.status(plan)) == (200, "proposed")
    assert (world.last()["outcome"], world.last()["detail"]["code"]) == ("refused", "sender")
    assert "nobody who may approve" in world.answered(platform, answer)


@every_platform
def test_a_request_that_the_platform_did_not_sign_is_refused_and_audited(world: World, platform: str) -> None:
    plan = world.plan()
    answer = world.say(platform, f"APPROVE {plan.id}", user=SENDERS[platform][0], signed=False)
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert (world.status(plan), world.last()["outcome"]) == ("proposed", "refused")
    assert world.last()["detail"]["code"] == "unverified"
    assert world.last()["subject"] == (plan.id if platform in {"slack", "dingtalk"} else platform)


@every_platform
def test_what_the_platform_sends_again_is_decided_and_answered_once(world: World, platform: str) -> None:
    plan = world.plan()
    world.say(platform, f"REJECT {plan.id} no", user=SENDERS[platform][0], number="777")
    entries, posted = world.entries(), len(world.posted)
    if platform == "slack":  # signed anew with each attempt
        body = signing.slack_message(f"REJECT {plan.id} no", ts="1770388222.777", channel_type="im")
        again = {**signing.slack_headers(body, at=NOW + 60), "x-slack-retry-num": "1"}
        answer = world.post("slack", body, again)
    else:
        answer = world.say(platform, f"REJECT {plan.id} no", user=SENDERS[platform][0], number="777")
    assert (answer.status_code, world.entries(), len(world.posted)) == (200, entries, posted)


def test_the_very_request_of_slack_again_is_refused_and_audited(world: World) -> None:
    plan = world.plan()
    body = signing.slack_button("approve", plan.id, trigger="replay")
    headers = signing.slack_headers(body, at=NOW)
    assert world.post("slack", body, headers).status_code == 200
    assert world.status(plan) == "approved"
    again = world.post("slack", body, headers)
    assert (again.status_code, again.json()["status"]) == (409, 409)
    assert "nothing is decided by it again" in again.json()["detail"]
    assert (world.last()["subject"], world.last()["detail"]["code"]) == (plan.id, "repeated")


@pytest.mark.parametrize("kind", ["text", "picture"])
def test_a_signature_of_dingtalk_that_brought_one_message_brings_no_other(world: World, kind: str) -> None:
    plan = world.plan()
    headers = signing.dingtalk_headers(at=NOW - 5 - len(kind))
    seen = signing.dingtalk_message("hello", number=f"seen {kind}", msgtype=kind)
    assert world.post("dingtalk", seen, headers).status_code == 200
    forged = signing.dingtalk_message(f"APPROVE {plan.id}", number=f"forged {kind}")
    answer = world.post("dingtalk", forged, headers)
    assert (answer.status_code, world.status(plan)) == (409, "proposed")
    assert world.last()["detail"]["code"] == "repeated"
    assert world.post("dingtalk", seen, headers).status_code == 200  # the platform's own repetition


def test_buttons_decide_and_a_rejection_takes_its_reason_from_the_field(world: World) -> None:
    plan = world.plan()
    hook = f"{world.url}/hooks/actions/1"

    def press(verdict: str, **more: Any) -> Any:
        body = signing.slack_button(verdict, plan.id, url=hook, **more)
        return world.post("slack", body, signing.slack_headers(body, at=NOW))

    assert press("reject", trigger="a").content == b""
    assert world.posted[-1].path == "/hooks/actions/1"
    assert "needs its reason" in json.loads(world.posted[-1].body)["text"]
    assert world.status(plan) == "proposed"
    press("reject", reason="not today", trigger="b")
    assert world.status(plan) == "rejected"


def test_a_slash_command_is_answered_to_its_sender_alone_in_the_answer_itself(world: World) -> None:
    plan = world.plan()

    def command(text: str, trigger: str) -> dict[str, Any]:
        body = signing.slack_command(text, trigger=trigger)
        found: dict[str, Any] = world.post("slack", body, signing.slack_headers(body, at=NOW)).json()
        return found

    assert command("what?", "a")["text"].startswith("This is no decision")
    said = command(f"approve {plan.id}", "b")
    assert (said["response_type"], world.status(plan)) == ("ephemeral", "approved")


def test_a_button_of_a_card_is_answered_by_a_toast(world: World) -> None:
    plan = world.plan()
    body = signing.feishu_sealed(signing.feishu_button("approve", plan.id, at=NOW, number="card"))
    answer = world.post("feishu", body, signing.feishu_headers(body, at=NOW))
    assert plan.id in answer.json()["toast"]["content"]
    assert world.status(plan) == "approved"


def test_an_answer_goes_to_the_platform_and_nowhere_else(world: World) -> None:
    plan, before = world.plan(), len(world.posted)
    for number, url in enumerate(
        (f"{world.url}/elsewhere", f"{world.url}/hooks.evil/x", "https://hooks.slack.com.example/x", "")
    ):
        body = signing.slack_button("reject", plan.id, url=url, trigger=f"else{number}")
        assert world.post("slack", body, signing.slack_headers(body, at=NOW)).status_code == 200
    assert len(world.posted) == before


def test_what_people_say_to_each_other_is_neither_answered_nor_remembered(world: World) -> None:
    before, entries = len(world.posted), world.entries()
    for text in ("approve", "I would APPROVE that", "同意"):
        body = signing.slack_message(text, ts=f"2.{len(text)}")
        answer = world.post("slack", body, signing.slack_headers(body, at=NOW))
        assert (answer.status_code, answer.content) == (200, b"")
    assert (len(world.posted), world.entries()) == (before, entries)


def test_a_key_operation_needs_two_people_whatever_the_platforms(world: World) -> None:
    plan = world.plan(level=RiskLevel.CRITICAL)
    first = world.say("wecom", f"APPROVE {plan.id}", user="wang")
    assert "1 more" in world.answered("wecom", first)
    again = world.say("feishu", f"APPROVE {plan.id}", user="ou_1")
    assert "has voted on this plan already" in world.answered("feishu", again)
    assert world.status(plan) == "proposed"
    world.say("slack", f"APPROVE {plan.id}", user="U2")
    assert world.status(plan) == "approved"


@pytest.mark.parametrize("second", ["APPROVE {} ", "REJECT {} no"])
def test_of_two_who_decide_at_once_the_first_counts_and_the_other_is_told(world: World, second: str) -> None:
    plan = world.plan()
    said: list[str] = []
    ready = threading.Barrier(2)

    def speak(user: str, text: str, number: str) -> None:
        body, query = signing.wecom_request(signing.wecom_message(text, user=user, number=number), at=NOW)
        ready.wait()
        said.append(world.answered("wecom", world.post("wecom", body, {}, query)))

    texts = ((("wang", f"APPROVE {plan.id}")), ("li", second.format(plan.id)))
    threads = [
        threading.Thread(target=speak, args=(*each, f"{plan.id}{number}"))
        for number, each in enumerate(texts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    already = [each for each in said if "already" in each]
    if world.status(plan) == "cancelled":  # approved, and at once taken back by who may
        assert second.startswith("REJECT")
        return
    assert (len(said), len(already)) == (2, 1), said
    assert world.status(plan) in {"approved", "rejected"}


def test_a_person_whose_token_is_too_weak_is_told_so(world: World) -> None:
    plan = world.plan()
    world.service.tokens.create("carl", role="responder", now=NOW)
    answer = world.say("slack", f"APPROVE {plan.id}", user="U3")
    assert (world.status(plan), world.last()["detail"]["code"]) == ("proposed", "role")
    assert "responder" in world.answered("slack", answer)


def test_the_address_shows_each_platform_that_it_is_ours(world: World) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c1"}).encode()
    assert world.post("slack", body, signing.slack_headers(body, at=NOW)).json() == {"challenge": "c1"}
    assert world.post("slack", body, {}).status_code == 401
    asked = {"type": "url_verification", "challenge": "c2", "token": signing.FEISHU_TOKEN}
    assert world.post("feishu", signing.feishu_sealed(asked), {}).json() == {"challenge": "c2"}
    sealed, moment = signing.wecom_sealed(b"12345"), str(int(NOW))
    signature = signing.wecom_signature(moment, "n", sealed)
    query = {"msg_signature": signature, "timestamp": moment, "nonce": "n", "echostr": sealed}
    echo = world.client.get(f"/api/v1/chat/wecom?{urlencode(query)}")
    assert (echo.status_code, echo.text) == (200, "12345")
    assert world.client.get("/api/v1/chat/wecom").status_code in {400, 401}


def test_a_body_may_not_be_large(world: World) -> None:
    answer = world.post("slack", b"{" + b" " * 300_000, {})
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_requests_of_nobody_do_not_fill_the_audit(world: World) -> None:
    inbound: Inbound = world.client.app.state.inbound  # type: ignore[attr-defined]
    fresh = Inbound(
        world.door,
        Leases(world.service.database, clock=world.service.clock),
        known=inbound.known,
        replies=inbound.replies,
        language="zh",
    )
    before = world.entries()
    for _ in range(100):
        assert "未经平台签名验证" in fresh.turned_away("slack", None)
    assert world.entries() == before + 60


def test_what_the_store_could_not_decide_counts_when_it_is_sent_again(world: World) -> None:
    plan, fails = world.plan(), [True]

    class Failing(Approving):
        def decide_by_text(self, **what: Any) -> Answer | Refused:
            if fails.pop():
                raise StoreError("the store did not answer")
            return super().decide_by_text(**what)

    door = Failing(**{name: getattr(world.door, name) for name in Approving.__slots__})
    leases = Leases(world.service.database, clock=world.service.clock)
    inbound = Inbound(door, leases, known={}, replies=Replies(ApprovalChat()), language="en")
    heard = Heard(
        sender="U1", text=f"APPROVE {plan.id}", event="message/x", signature="v0=x", signed_anew=True
    )
    with pytest.raises(StoreError):
        inbound.heard("slack", heard)
    fails.append(False)
    assert plan.id in inbound.heard("slack", heard)
    assert world.status(plan) == "approved"


def test_what_a_process_died_in_counts_when_it_is_sent_again_and_then_no_more(world: World) -> None:
    plan, dies, clock = world.plan(), [True], TurnedClock(NOW)

    class Dying(Approving):
        def decide_by_text(self, **what: Any) -> Answer | Refused:
            if dies:
                raise SystemExit(dies.pop())
            return super().decide_by_text(**what)

    door = Dying(**{name: getattr(world.door, name) for name in Approving.__slots__})
    leases = Leases(world.service.database, clock=clock)
    inbound = Inbound(door, leases, known={}, replies=Replies(ApprovalChat()), language="en")
    heard = Heard(sender="U1", text=f"APPROVE {plan.id}", event="message/died", signature="s")
    with pytest.raises(SystemExit):
        inbound.heard("slack", heard)
    assert inbound.heard("slack", heard) == "", "somebody may still be at it"
    clock.wait(31, threading.Event())
    assert plan.id in inbound.heard("slack", heard)
    assert world.status(plan) == "approved"
    clock.wait(80_000, threading.Event())
    assert inbound.heard("slack", heard) == ""


def test_a_message_says_how_to_reply_where_something_receives_it_and_only_there(world: World) -> None:
    plan = a_plan(now=NOW)
    (heard,) = world.door.messages.request(plan)
    assert (heard.receiver, heard.content["reply"]) == ("chat", ["slack"])
    assert world.door.messages.chat == {"chat": ("slack",)}


QUICK = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "event",
                    "header",
                    "action",
                    "actions",
                    "user",
                    "text",
                    "content",
                    "msgtype",
                    "value",
                    "token",
                ]
            )
            | st.text(max_size=8),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
SIGNERS: dict[str, Callable[[bytes], tuple[bytes, dict[str, str], dict[str, str]]]] = {
    "slack": lambda body: (body, signing.slack_headers(body, at=NOW), {}),
    "feishu": lambda body: (body, signing.feishu_headers(body, at=NOW), {}),
    "dingtalk": lambda body: (body, signing.dingtalk_headers(at=NOW - 9), {}),
    "wecom": lambda body: (signing.wecom_request(body, at=NOW)[0], {}, signing.wecom_request(body, at=NOW)[1]),
}  # fmt: skip
EVENTS = st.one_of(
    JSON.map(lambda found: json.dumps(found).encode()),
    JSON.map(lambda event: json.dumps({"type": "event_callback", "event": event}).encode()),
    JSON.map(
        lambda found: urlencode(
            {"payload": json.dumps({"type": "block_actions", "actions": [found]})}
        ).encode()
    ),
    JSON.map(lambda found: signing.feishu_sealed({"schema": "2.0", "event": found})),
    JSON.map(
        lambda found: signing.feishu_sealed(
            {
                "schema": "2.0",
                "event": found,
                "header": {
                    "token": signing.FEISHU_TOKEN,
                    "event_id": "f",
                    "event_type": "card.action.trigger",
                    "create_time": str(int(NOW * 1000)),
                },
            }
        )
    ),
    st.binary(max_size=80),
    st.text(max_size=40).map(
        lambda text: f"<xml><MsgType>text</MsgType><MsgId>{text}</MsgId></xml>".encode()
    ),
)


@QUICK
@given(body=EVENTS, platform=st.sampled_from(list(SENDERS)), signed=st.booleans())
def test_nothing_that_is_sent_breaks_a_route(world: World, body: bytes, platform: str, signed: bool) -> None:
    body, headers, query = SIGNERS[platform](body) if signed else (body, {}, {})
    answer = world.post(platform, body, headers, query)
    assert answer.status_code < 500, (platform, body, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["detail"]


def test_a_platform_that_is_not_configured_is_not_there(tmp_path: Any) -> None:
    service = make_service(
        Settings.model_validate({"store": {"folder": tmp_path}, "language": "zh"}),
        sources=[SyntheticSource(services=1, metrics=1)],
        clock=TurnedClock(NOW),
    )
    client = TestClient(create_app(service), raise_server_exceptions=False)
    body = signing.slack_message("APPROVE PLAN-20260206143022")
    answer = client.post("/api/v1/chat/slack", content=body, headers=signing.slack_headers(body, at=NOW))
    assert (answer.status_code, "decision.approval.chat.slack" in answer.json()["detail"]) == (404, True)
    service.close()
