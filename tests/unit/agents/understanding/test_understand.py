"""A question becomes an intent, services, a window and parameters; what is missing is said, and nothing is invented."""

from __future__ import annotations

import importlib.util
import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.agents.answer import Understood
from sre_copilot.agents.room import room
from sre_copilot.agents.understanding import understand
from sre_copilot.agents.understanding.intents import INTENTS, PARAMETERS
from sre_copilot.domain.signals import Window

_spec = importlib.util.spec_from_file_location("development", Path(__file__).with_name("development.py"))
assert _spec is not None
assert _spec.loader is not None
development = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(development)

SERVICES = (
    "payment",
    "checkout",
    "cart-service",
    "inventory",
    "user-center",
    "mail-gateway",
    "ad-server",
    "shipping-api",
)
ALIASES = {
    "支付": "payment",
    "收银台": "checkout",
    "购物车": "cart-service",
    "用户中心": "user-center",
    "库存": "inventory",
    "the mailer": "mail-gateway",
}
NOW = datetime.fromisoformat("2026-03-04T16:20:00+08:00").timestamp()


def read(text: str, previous: Understood | None = None, window: Window | None = None) -> Understood:
    return understand(
        text,
        now=NOW,
        services=SERVICES,
        aliases=ALIASES,
        utc_offset_hours=8,
        previous=previous,
        window=window,
    )


LONG = (
    "1",
    "\uff11",
    "a",
    "a.",
    "点",
    "一",
    "十点",
    "1 ",
    "1.",
    "1点",
    "10:00 ",
    "1月1日",
    "昨天",
    "昨天三点到",
    "from ",
    "node-",
    "half ",
    "a-",
    " ",
)


@pytest.mark.parametrize("unit", LONG)
def test_what_repeats_itself_is_read_in_linear_time(unit: str) -> None:
    text = unit * (8000 // len(unit))
    for reading in (read, lambda said: room.said(said, author="x", now=NOW, services=SERVICES)):
        began = time.process_time()
        reading(text)
        assert time.process_time() - began < 2.0


def rows(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


@pytest.mark.parametrize(
    ("intent", "text"), [line.split("|", 1) for line in development.ONE.strip().splitlines()]
)
def test_a_question_has_the_intent_that_is_meant(intent: str, text: str) -> None:
    understood = read(text)
    assert (understood.intent, understood.parts) == (intent, ())
    assert 0 < understood.confidence <= 1


@pytest.mark.parametrize(("intent", "text", "services", "minutes", "parameters"), rows(development.CARRYING))
def test_a_question_carries_what_it_says(
    intent: str, text: str, services: str, minutes: str, parameters: str
) -> None:
    understood = read(text)
    assert understood.intent == intent
    assert ",".join(understood.services) == services
    if minutes:
        assert understood.window is not None
        assert understood.window.seconds == float(minutes) * 60
    wanted = dict(pair.split("=") for pair in parameters.split(";") if pair)
    assert wanted.items() <= dict(understood.parameters).items()


@pytest.mark.parametrize(("intents", "text"), rows(development.COMPOUND))
def test_a_request_for_several_things_has_a_part_for_each(intents: str, text: str) -> None:
    understood = read(text)
    found = [part.intent for part in understood.parts] or [understood.intent]
    assert ",".join(found) == intents
    assert all(set(part.services) == set(understood.services) for part in understood.parts)


@pytest.mark.parametrize(("before", "text", "intent", "service"), rows(development.FOLLOWING))
def test_a_follow_up_keeps_what_it_does_not_say(before: str, text: str, intent: str, service: str) -> None:
    first = read(before)
    understood = read(text, previous=first)
    assert (understood.intent, ",".join(understood.services)) == (intent, service)


def test_a_follow_up_keeps_the_time_and_the_indicator() -> None:
    first = read("was payment's latency normal from 14:00 to 15:00?")
    understood = read("and checkout?", previous=first)
    assert understood.window == first.window
    assert understood.parameters["metric"] == "latency"
    earlier = read("and an hour earlier?", previous=first)
    assert first.window is not None
    assert earlier.window == Window(first.window.start - 3600, first.window.start)


def test_every_part_of_a_request_has_the_time_that_is_said_once() -> None:
    understood = read("show the errors in the payment logs from 14:00 to 15:00 and what changed")
    assert [part.intent for part in understood.parts] == ["logs", "changes"]
    assert {part.window for part in understood.parts} == {understood.window}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("is the cpu normal?", ("service",)),
        ("延迟正常吗", ("service",)),
        ("which service has the highest cpu", ()),
        ("is billing-service healthy", ("service",)),
        ("who depends on it?", ("service",)),
        ("compare the latency of payment", ("reference",)),
        ("explain this query", ("query",)),
        ("why is payment slow", ()),
    ],
)
def test_what_is_missing_is_said_so_that_it_can_be_asked_for(text: str, missing: tuple[str, ...]) -> None:
    assert read(text).missing == missing


def test_the_window_of_the_conversation_holds_where_no_time_is_said() -> None:
    given_window = Window(NOW - 7200, NOW - 3600)
    assert read("why is payment slow", window=given_window).window == given_window
    assert read("errors of payment in the last 10 minutes", window=given_window).window == Window(
        NOW - 600, NOW
    )
    assert read("how do I restart redis", window=given_window).window is None


def test_the_language_is_that_of_the_sentence_not_of_the_names_in_it() -> None:
    assert [read(t).lang for t in ("is payment slow", "payment 的 CPU 怎么样", "支付慢吗")] == [
        "en",
        "zh",
        "zh",
    ]


def test_what_is_quoted_or_code_is_no_request_of_its_own() -> None:
    understood = read('search the payment logs for "restart checkout now"')
    assert (understood.intent, understood.parameters["text"]) == ("logs", "restart checkout now")
    assert read("explain `kubectl delete pod x; kubectl rollout restart deploy/y`").intent == "explain"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_understood_as_something_that_there_is(text: str) -> None:
    understood = read(text)
    assert understood.intent in INTENTS
    assert set(understood.services) <= set(SERVICES)
    assert set(understood.parameters) <= set(PARAMETERS)
    assert understood.window is None or understood.intent == "forecast" or understood.window.end <= NOW


def test_a_long_text_is_read_quickly() -> None:
    began = time.monotonic()
    read("why " * 5000 + "1:" * 2000 + "从" * 3000)
    assert time.monotonic() - began < 3.0
