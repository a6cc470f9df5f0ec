"""What a model can is found out once, and decides how it is spoken to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.llm.asking import at, endpoint, question, tool

from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.health import model_healths
from sre_copilot.llm.keeping import KnownInFile
from sre_copilot.llm.probing import context_in
from sre_copilot.llm.speaking import Silent
from sre_copilot.settings.llm import Llm
from sre_copilot.testing.servers.openai import calls, openai_server, says

IN_WORDS = '```json\n{"tool": "answer", "arguments": {"service": "order"}}\n```'


def auto(url: str, **given: Any) -> Llm:
    return at(url, protocol=None, **given)


def test_a_model_that_calls_the_tool_is_spoken_to_with_tools() -> None:
    with openai_server(calls("answer", {"service": "order"})) as server:
        speaker = make_speaker(auto(server.url))
        reply = speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0])
        assert reply.value is None or reply.value.service == "order"
        assert [len(body.get("tools") or []) for body in server.asked][:2] == [1, 2]


@pytest.mark.parametrize("refuses", [False, True])
def test_one_that_does_not_is_spoken_to_in_words(refuses: bool) -> None:
    with openai_server(says(IN_WORDS)) as server:
        if refuses:
            server.misbehave("no tools", times=1)
        speaker = make_speaker(auto(server.url))
        reply = speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0])
        assert reply.value is not None
        assert [bool(body.get("tools")) for body in server.asked] == [True, False]


def test_it_is_asked_once_in_a_process_and_over_restarts_where_that_is_kept(tmp_path: Path) -> None:
    with openai_server(says(IN_WORDS)) as server:
        for _ in range(2):
            speaker = make_speaker(auto(server.url), known=KnownInFile(tmp_path / "models.json"))
            for _ in range(2):
                speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0])
        assert len([body for body in server.asked if body.get("tools")]) == 1


def test_the_question_that_finds_out_holds_nothing_of_yours() -> None:
    with openai_server(says("no")) as server:
        speaker = make_speaker(auto(server.url))
        speaker.ask(question("is checkout slow?"), ledger=speaker.ledger(), call=tool()[0])
        assert "checkout" not in str(server.asked[0])


def test_a_passing_failure_of_the_probe_is_not_taken_for_an_inability() -> None:
    with openai_server(calls("answer", {"service": "order"})) as server:
        server.misbehave("broken", times=1)
        speaker = make_speaker(auto(server.url))
        speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0])
        assert [len(body.get("tools") or []) for body in server.asked][:2] == [1, 2]


def test_the_size_of_the_context_comes_from_the_list_of_models() -> None:
    listed = {"data": [{"id": "a", "max_model_len": 1}, {"id": "b", "meta": {"n_ctx_train": 32768}}]}
    assert context_in(listed, "vendor/b") == 32768
    assert context_in(listed, "other") == 1
    assert [context_in(each, "a") for each in (None, {}, {"data": 3}, {"data": [3]}, {"data": [{}]})] == [
        0
    ] * 5


def test_doctor_is_told_what_a_model_can() -> None:
    with openai_server(calls("note", {"word": "ready"}), context_tokens=4096) as server:
        [health] = model_healths(make_speaker(auto(server.url)))
    assert (health.ok, health.tools, health.forced, health.context_tokens) == (True, True, True, 4096)
    assert (health.protocol, health.local, health.problem) == ("tools", True, "")


def test_doctor_is_told_what_to_do_about_what_is_not_right() -> None:
    with openai_server(says("hello")) as server:
        settings = Llm(
            models={
                "words": endpoint(server.url, protocol="tools"),
                "gone": endpoint("http://127.0.0.1:9/v1"),
            }
        )
        words, gone = model_healths(make_speaker(settings))
    assert (words.ok, words.problem) == (False, "it does not call tools")
    assert "protocol: auto" in words.remedy
    assert (gone.ok, "llm.models.gone.url" in gone.remedy) == (False, True)


def test_without_a_model_doctor_has_nothing_to_look_at() -> None:
    assert model_healths(Silent()) == []
