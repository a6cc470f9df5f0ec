"""No byte leaves that did not pass the redaction: what is captured at the far end proves it."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest
from pydantic_ai.messages import BinaryContent, ModelRequest, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from tests.unit.llm.asking import at, endpoint, question, tool

from sre_copilot.llm.endpoints import build
from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.outbound import Gate, NotPassed, Outbound
from sre_copilot.llm.speaking import Material, ToolSpec
from sre_copilot.settings.llm import GuardrailRule, LanguageModel, Llm
from sre_copilot.testing.models import Answer, Call, ScriptedModel, Words
from sre_copilot.testing.servers.openai import called, completion, openai_server, says

SECRETS = (
    "hunter22",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0LXVzZXIifQ.s5xk2Qw",
    "AKIAIOSFODNN7ABCDEFG",
    "p4ssw0rd",
)
PERSONS = ("jane.doe@example.com", "13812345678", "11010519491231002X", "4111111111111111")
DIRTY = (
    f"password={SECRETS[0]} token {SECRETS[1]} key {SECRETS[2]} postgresql://u:{SECRETS[3]}@db/x "
    f"{PERSONS[0]} {PERSONS[1]} {PERSONS[2]} {PERSONS[3]}"
)


def dirty_question(**given: object):  # type: ignore[no-untyped-def]
    spec = ToolSpec(
        name="look",
        description=f"Looks. {DIRTY}",
        parameters={
            "type": "object",
            "description": DIRTY,
            "properties": {
                "service": {"type": "string", "enum": ["order", PERSONS[0]], "description": DIRTY}
            },
        },
    )
    return question(
        f"What is wrong? {DIRTY}",
        instructions=f"Name it. {DIRTY}",
        material=(Material(text=DIRTY, provenance=DIRTY),),
        tools=(spec,),
        **given,
    )


@pytest.mark.parametrize("protocol", ["tools", "text", "auto"])
def test_of_all_that_is_told_in_a_conversation_no_secret_and_no_person_arrives(protocol: str) -> None:
    turns = iter(range(100))

    def answer(body: dict) -> dict:  # type: ignore[type-arg]
        turn = next(turns)
        if protocol == "text":
            return says(f'{{"tool": "look", "arguments": {{"service": "s{turn}", "note": "{PERSONS[0]}"}}}}')(
                body
            )
        if turn % 3 == 2:
            return says(f"I think {DIRTY}")(body)
        return called("look", {"service": f"s{turn}", "note": DIRTY})

    with openai_server(answer) as server:
        speaker = make_speaker(at(server.url, protocol=protocol))
        speaker.ask(
            dirty_question(max_calls=5), ledger=speaker.ledger(), call=tool(DIRTY, provenance=DIRTY)[0]
        )
        received = server.received.decode()
    assert len(server.asked) >= 3
    assert "look" in received
    assert [each for each in (*SECRETS, *PERSONS) if each in received] == []


def test_what_stands_for_a_person_comes_back_in_tools_and_in_the_value() -> None:
    seen: list[str] = []

    def find(prompt, kind: str) -> str:  # type: ignore[no-untyped-def]
        return next(word for word in prompt.whole.split() if word.startswith(kind))

    def script(prompt):  # type: ignore[no-untyped-def]
        seen.append(prompt.whole)
        who = find(prompt, "EMAIL_")
        return (
            Answer({"service": "order", "contact": f"ask {who}"})
            if prompt.results
            else Call("look", {"service": who})
        )

    call, calls = tool(f"owner is {PERSONS[0]} and {PERSONS[1]}")
    speaker = make_speaker(Llm(), models={"fast": ScriptedModel(script)})
    reply = speaker.ask(question(f"whose is it? {PERSONS[0]} knows"), ledger=speaker.ledger(), call=call)
    assert calls == [{"tool": "look", "service": PERSONS[0]}]
    assert reply.value is not None
    assert reply.value.contact == f"ask {PERSONS[0]}"
    assert not any(person in text for text in seen for person in PERSONS)


def test_a_secret_does_not_come_back_in_the_value() -> None:
    def script(prompt):  # type: ignore[no-untyped-def]
        return Answer({"service": "order", "contact": prompt.text})

    speaker = make_speaker(Llm(), models={"fast": ScriptedModel(script)})
    reply = speaker.ask(question(DIRTY, tools=()), ledger=speaker.ledger())
    assert reply.value is not None
    assert [each for each in SECRETS if each in reply.value.contact] == []
    assert PERSONS[0] in reply.value.contact


def test_a_request_that_goes_round_the_redaction_is_stopped_at_the_gate() -> None:
    with openai_server() as server:
        built = build("x", endpoint(server.url), Gate(offline=False))
        with pytest.raises(Exception, match=r".") as raised:
            asyncio.run(
                built.model.request(
                    [ModelRequest(parts=[UserPromptPart(DIRTY)])],
                    {"max_retries": 0},
                    ModelRequestParameters(),
                )
            )
        assert server.asked == []
    causes, error = [], raised.value
    while error is not None:
        causes.append(type(error))
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    assert NotPassed in causes


def test_every_model_that_a_speaker_holds_stands_behind_the_redaction() -> None:
    settings = Llm(models={"a": endpoint("http://127.0.0.1:1/v1"), "b": endpoint("http://127.0.0.1:2/v1")})
    speaker = make_speaker(settings, models={"c": ScriptedModel([])})
    assert {type(voice.model) for voice in speaker.voices.values()} == {Outbound}  # type: ignore[attr-defined]


def test_content_that_nothing_knows_how_to_clean_is_not_sent() -> None:
    model = ScriptedModel([Words("x")])
    picture = UserPromptPart([BinaryContent(b"x", media_type="image/png")])
    with pytest.raises(TypeError, match="knows how to clean"):
        asyncio.run(Outbound(model).request([ModelRequest(parts=[picture])], None, ModelRequestParameters()))
    assert model.prompts == []


def test_the_same_holds_at_the_transport_for_every_byte() -> None:
    sent: list[bytes] = []

    async def far_end(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.content)
        return httpx2.Response(200, json=completion(called("answer", {"service": "order"}), {}))

    settings = Llm(models={"fast": LanguageModel(model="openai/gpt-5", api_key="sk-test-0123456789abcdef")})  # type: ignore[arg-type]
    speaker = make_speaker(settings, transport=httpx2.MockTransport(far_end))
    reply = speaker.ask(dirty_question(), ledger=speaker.ledger(), call=tool()[0])
    assert reply.value is not None
    body = b"".join(sent).decode()
    assert [each for each in (*SECRETS, *PERSONS) if each in body] == []
    assert json.loads(sent[0])["model"] == "gpt-5"


def test_a_rule_of_the_operator_replaces_or_forbids() -> None:
    rules = [GuardrailRule(name="project", action="redact", keywords=["Falcon"])]
    model = ScriptedModel([Answer({"service": "order"})])
    speaker = make_speaker(Llm(rules=rules), models={"fast": model})
    speaker.ask(question("is falcon slow?"), ledger=speaker.ledger(), call=tool()[0])
    assert "is [project] slow?" in model.prompts[0].text
    model = ScriptedModel([])
    rules = [GuardrailRule(name="never", action="block", keywords=["Falcon"])]
    speaker = make_speaker(
        Llm(rules=rules, fallback=["b"], models={"b": endpoint("http://127.0.0.1:9/v1")}),
        models={"fast": model},
    )
    reply = speaker.ask(question("is falcon slow?"), ledger=speaker.ledger(), call=tool()[0])
    assert (reply.trouble, model.prompts, reply.usage.calls) == ("refused", [], 0)
    assert "never" in reply.problem
    assert "falcon" not in reply.problem


def test_offline_a_model_on_another_machine_is_an_error_and_one_on_this_goes_on() -> None:
    far = LanguageModel(model="any", url="http://models.example/v1", protocol="tools")
    with openai_server(lambda _: called("answer", {"service": "order"})) as server:
        settings = Llm(offline=True, strong="far", models={"far": far, "near": endpoint(server.url)})
        speaker = make_speaker(settings)
        alone = speaker.ask(question(tier="strong"), ledger=speaker.ledger(), call=tool()[0])
        assert (alone.value, alone.trouble, alone.usage.calls) == (None, "offline", 0)
        assert "models.example is another machine" in alone.problem
        speaker = make_speaker(settings.model_copy(update={"fallback": ["near"]}))
        both = speaker.ask(question(tier="strong"), ledger=speaker.ledger(), call=tool()[0])
        assert both.model == "near"
        assert both.value is not None


def test_a_redirect_is_not_followed() -> None:
    with openai_server() as elsewhere, openai_server() as server:
        server.redirect = elsewhere.url + "/chat/completions"
        server.misbehave("elsewhere")
        speaker = make_speaker(at(server.url))
        reply = speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0])
        assert reply.value is None
        assert elsewhere.asked == []


def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with openai_server() as proxy, openai_server(lambda _: called("answer", {"service": "order"})) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("ALL_PROXY", proxy.url.removesuffix("/v1"))
        speaker = make_speaker(at(server.url))
        assert speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0]).value is not None
        assert proxy.received == b""
