"""A server that is slow, full, broken, mad or gone: it ends in time, with the reason, and with another model where there is one."""

from __future__ import annotations

import socket
import time

import pytest
from tests.unit.llm.asking import Verdict, at, endpoint, question, tool

from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.speaking import Reply
from sre_copilot.settings.llm import Llm
from sre_copilot.testing.servers.openai import (
    OpenAIServer,
    called,
    circles,
    openai_server,
    says,
)

GOOD = called("answer", {"service": "order"})
MARGIN_S = 5.0  # over the budget


def timed(settings: Llm) -> tuple[Reply[Verdict], float]:
    speaker = make_speaker(settings)
    began = time.monotonic()
    reply = speaker.ask(question(max_calls=50), ledger=speaker.ledger(), call=tool()[0])
    return reply, time.monotonic() - began


@pytest.mark.parametrize(
    ("manner", "trouble"),
    [
        ("silent", "budget"),
        ("trickle", "budget"),
        ("too many", "rate_limited"),
        ("broken", "unreachable"),
        ("unavailable", "unreachable"),
        ("garbage", "garbage"),
        ("odd", "garbage"),
        ("huge", "garbage"),
        ("cut", "cut_off"),
        ("hang up", "cut_off"),
        ("unauthorised", "refused"),
    ],
)
def test_whatever_a_server_does_it_ends_within_the_budget_with_the_reason(manner: str, trouble: str) -> None:
    with openai_server(lambda _: GOOD) as server:
        server.misbehave(manner)  # type: ignore[arg-type]
        reply, seconds = timed(at(server.url, budget={"seconds": 0.8}, timeout_seconds=30, retries=1))
    assert (reply.value, reply.trouble) == (None, trouble)
    assert reply.problem.startswith("local: ")
    assert seconds < 0.8 + MARGIN_S


def test_an_empty_answer_is_no_answer() -> None:
    with openai_server(lambda _: GOOD) as server:
        server.misbehave("empty")
        reply, _ = timed(at(server.url))
    assert (reply.value, reply.trouble in {"garbage", "unreachable"}) == (None, True)


def test_a_call_is_given_up_at_its_own_time_out_although_bytes_keep_coming() -> None:
    with openai_server(lambda _: GOOD) as server:
        server.misbehave("trickle")
        reply, seconds = timed(at(server.url, timeout_seconds=0.5))
    assert reply.trouble == "time_out"
    assert seconds < 2.0


@pytest.mark.parametrize("answer", [circles("look"), lambda _: called("look", {"page": 1})])
def test_a_loop_without_end_is_ended_by_the_budget_of_calls_or_as_a_repetition(answer) -> None:  # type: ignore[no-untyped-def]
    with openai_server(answer) as server:
        reply, seconds = timed(at(server.url, budget={"calls": 4, "seconds": 20}))
        assert len(server.asked) <= 4
    assert reply.trouble in {"budget", "repetition"}
    assert seconds < 20 + MARGIN_S


def test_a_failure_that_passes_is_survived_by_trying_again() -> None:
    for manner in ("too many", "broken", "unavailable", "cut", "hang up"):
        with openai_server(lambda _: GOOD) as server:
            server.misbehave(manner, times=1)
            reply, _ = timed(at(server.url, retries=1))
            assert reply.value is not None, manner
            assert (len(server.asked), reply.usage.calls) == (2, 2)


def test_retry_after_is_waited_for_where_there_is_time() -> None:
    with openai_server(lambda _: GOOD) as server:
        server.retry_after = "1"
        server.misbehave("too many", times=1)
        reply, _ = timed(at(server.url, retries=1))
        assert reply.value is not None
        assert server.times[1] - server.times[0] >= 0.95


def test_a_retry_after_beyond_the_budget_is_not_waited_for() -> None:
    with openai_server(lambda _: GOOD) as server:
        server.retry_after = "600"
        server.misbehave("too many")
        reply, seconds = timed(at(server.url, retries=3))
        assert (reply.trouble, len(server.asked)) == ("rate_limited", 1)
    assert seconds < 2


def test_nobody_there_is_said_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    reply, _ = timed(at(f"http://127.0.0.1:{port}/v1"))
    assert reply.trouble == "unreachable"


def two(first: OpenAIServer, second: OpenAIServer) -> Llm:
    return Llm(
        strong="far",
        fallback=["near"],
        models={"far": endpoint(first.url, timeout_seconds=1), "near": endpoint(second.url)},
    )


@pytest.mark.parametrize("manner", ["unauthorised", "too many", "broken", "trickle", "hang up", "garbage"])
def test_where_one_model_fails_the_next_answers(manner: str) -> None:
    with openai_server(lambda _: GOOD) as far, openai_server(lambda _: GOOD) as near:
        far.misbehave(manner)  # type: ignore[arg-type]
        reply, _ = timed(two(far, near))
    assert (reply.model, reply.trouble) == ("near", None)
    assert reply.value is not None


def test_a_model_with_a_wrong_key_is_not_asked_again_at_once() -> None:
    with openai_server(lambda _: GOOD) as far, openai_server(lambda _: GOOD) as near:
        far.misbehave("unauthorised")
        speaker = make_speaker(two(far, near))
        replies = [speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0]) for _ in range(3)]
        assert [reply.model for reply in replies] == ["near"] * 3
        assert len(far.asked) == 1


def test_when_all_fail_the_reply_names_each_and_why() -> None:
    with openai_server() as far, openai_server() as near:
        far.misbehave("unauthorised")
        near.misbehave("broken")
        reply, _ = timed(two(far, near))
    assert reply.value is None
    assert "far: " in reply.problem
    assert "401" in reply.problem
    assert "near: " in reply.problem


def test_the_next_model_goes_on_with_what_the_tools_have_shown() -> None:
    turns = iter([called("look", {"service": "order"})])
    with openai_server(lambda _: next(turns)) as far, openai_server(lambda _: GOOD) as near:
        call, calls = tool("order: p99 2300 ms")
        speaker = make_speaker(two(far, near))

        def look(name: str, arguments):  # type: ignore[no-untyped-def]
            far.misbehave("hang up")
            return call(name, arguments)

        reply = speaker.ask(question(needs_tools=True), ledger=speaker.ledger(), call=look)
        assert reply.model == "near"
        assert reply.value is not None
        assert len(calls) == 1
        assert "order: p99 2300 ms" in str(near.asked[0]["messages"])


def test_a_key_is_in_no_reply() -> None:
    key = "sk-test-0123456789abcdefgh"
    with openai_server(says(key)) as server:
        server.misbehave("unauthorised")
        reply, _ = timed(at(server.url, api_key=key))
        assert key in server.received.decode()
    assert key not in repr(reply)
