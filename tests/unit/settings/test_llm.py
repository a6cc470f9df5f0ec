"""Models are configured by name, in the section or in the words of other tools; a key goes where it belongs."""

from __future__ import annotations

from typing import Any

import pytest

from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Settings
from sre_copilot.settings.llm import Llm
from sre_copilot.settings.loading import parse


def llm(document: dict[str, Any]) -> Llm:
    return parse(Settings, document, place="here").llm


def test_no_model_is_the_default() -> None:
    assert llm({}).models == {}


def test_the_shorthands_of_the_top_level_become_models() -> None:
    found = llm({"model": "openai/gpt-5", "api_key": "k1", "fast_model": "openai/gpt-5-mini"})
    assert (found.strong, found.fast) == ("strong", "fast")
    assert (found.models["strong"].model, found.models["fast"].model) == ("openai/gpt-5", "openai/gpt-5-mini")
    assert [each.api_key.get_secret_value() for each in found.models.values() if each.api_key] == ["k1", "k1"]


def test_a_key_is_not_given_to_another_provider() -> None:
    found = llm({"model": "openai/gpt-5", "api_key": "k1", "fast_model": "deepseek/deepseek-chat"})
    assert found.models["strong"].api_key is not None
    assert found.models["fast"].api_key is None


def test_named_models_are_listed_and_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "k2")
    found = llm(
        {
            "model": "big",
            "fast_model": "small",
            "modelList": {
                "big": {"model": "openai/gpt-5", "api_key": "{{ env.MY_KEY }}", "temperature": 0.1},
                "small": {"model": "qwen2.5", "url": "http://127.0.0.1:8080/v1"},
            },
            "llm": {"fallback": ["small"], "offline": True},
        }
    )
    assert (found.strong, found.fast, found.fallback, found.offline) == ("big", "small", ["small"], True)
    key = found.models["big"].api_key
    assert key is not None
    assert key.get_secret_value() == "k2"
    assert "k2" not in repr(found)
    assert (found.models["big"].temperature, found.models["small"].temperature) == (0.1, 0.3)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"llm": {"fast": "nobody"}}, "no model is called nobody"),
        ({"llm": {"models": {"a": {"model": "x", "url": "ftp://x"}}}}, "is no address"),
        ({"llm": {"models": {"a": {"model": "x", "url": "http://u:p@x/v1"}}}}, "use the key api_key"),
        (
            {"llm": {"models": {"a": {"model": "x", "url": "http://far.example/v1", "api_key": "k"}}}},
            "in clear",
        ),
        ({"llm": {"models": {"a": {"model": "x", "temprature": 1}}}}, "temprature: is unknown"),
        ({"llm": {"protocol": "xml"}}, "llm.protocol"),
        ({"modelList": ["a"]}, "must hold models by name"),
        ({"model": {"a": 1}}, "write model: provider/name"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_out(document: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        llm(document)
