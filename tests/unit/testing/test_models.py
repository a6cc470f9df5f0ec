"""The fakes do what they promise: a script is followed, a recording is replayed, a changed prompt fails loudly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.speaking import Material, Question, Reply, ToolSpec
from sre_copilot.settings.llm import Llm
from sre_copilot.testing.models import (
    Answer,
    Call,
    Fails,
    PromptChanged,
    RecordedModel,
    ScriptedModel,
    Turn,
    Words,
)


class Found(BaseModel):
    """A result that is asked for."""

    service: str
    contact: str = ""


def ask(
    model: Any, text: str = "Whose is order? jane@example.com asks", shown: str = "p99 is high"
) -> Reply[Found]:
    def call(name: str, arguments: Mapping[str, Any]) -> Material:
        return Material(text=shown, provenance="metrics")

    look = ToolSpec(name="look", description="Looks.", parameters={"type": "object", "properties": {}})
    asked = Question(role="test", instructions="Name it.", text=text, result=Found, tools=(look,))
    speaker = make_speaker(Llm(), models={"fast": model})
    return speaker.ask(asked, ledger=speaker.ledger(), call=call)


def script(prompt: Any) -> Turn:
    if not prompt.results:
        return Call("look")
    who = next(word for word in prompt.text.split() if word.startswith("EMAIL_"))
    return Answer({"service": "order", "contact": who})


def test_a_recording_is_made_once_and_replayed_without_the_model(tmp_path: Path) -> None:
    path = tmp_path / "recording.json"
    real = ScriptedModel(script)
    first = ask(RecordedModel(path, real))
    again = ask(RecordedModel(path))
    assert len(real.prompts) == 2
    assert first.value == again.value == Found(service="order", contact="jane@example.com")
    recorded = path.read_text(encoding="utf-8")
    assert len(json.loads(recorded)) == 2
    assert "jane@example.com" not in recorded


def test_one_that_exists_is_not_recorded_over(tmp_path: Path) -> None:
    path = tmp_path / "recording.json"
    ask(RecordedModel(path, ScriptedModel(script)))
    before = path.read_bytes()
    real = ScriptedModel([])
    assert ask(RecordedModel(path, real)).value is not None
    assert (path.read_bytes(), real.prompts) == (before, [])


def test_a_changed_prompt_fails_and_names_the_difference(tmp_path: Path) -> None:
    path = tmp_path / "recording.json"
    ask(RecordedModel(path, ScriptedModel(script)))
    with pytest.raises(PromptChanged) as raised:
        ask(RecordedModel(path), text="Whose is billing? jane@example.com asks")
    assert "-user-prompt : Whose is order?" in str(raised.value)
    assert "+user-prompt : Whose is billing?" in str(raised.value)
    with pytest.raises(PromptChanged, match="p50 is high"):
        ask(RecordedModel(path), shown="p50 is high")


def test_without_a_recording_and_without_a_model_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PromptChanged, match="no recording"):
        ask(RecordedModel(tmp_path / "none.json"))


def test_a_script_may_fail_as_a_model_fails() -> None:
    reply = ask(ScriptedModel([Fails(ValueError("nonsense"))]))
    assert (reply.value, reply.trouble) == (None, "garbage")


def test_what_it_was_told_can_be_looked_up() -> None:
    model = ScriptedModel([Words("hm"), Answer({"service": "order"})])
    ask(model)
    assert [prompt.tools for prompt in model.prompts] == [("look", "answer")] * 2
    assert "Name it." in model.prompts[0].whole
    assert "jane@example.com" not in model.prompts[0].whole
