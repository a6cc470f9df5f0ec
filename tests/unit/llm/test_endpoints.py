"""A model is found by provider and name, or by the address of its endpoint; a key of the environment goes to its own provider alone."""

from __future__ import annotations

import pytest
from tests.unit.llm.asking import question, tool

from sre_copilot.errors import SettingsError
from sre_copilot.llm.endpoints import Built, build
from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.outbound import Gate
from sre_copilot.settings.llm import LanguageModel, Llm
from sre_copilot.testing.servers.openai import called, openai_server

KEYS = dict.fromkeys(
    ("OPENAI_API_KEY", "DASHSCOPE_API_KEY", "DEEPSEEK_API_KEY", "ZHIPUAI_API_KEY", "ARK_API_KEY"),
    "sk-environment-0123456789",
)


def built(model: str, url: str = "", **environment: str) -> Built:
    return build(
        "m", LanguageModel(model=model, url=url), Gate(offline=False), environment={**KEYS, **environment}
    )


@pytest.mark.parametrize(
    ("model", "url", "name", "host", "local"),
    [
        ("openai/gpt-5", "", "gpt-5", "https://api.openai.com/v1", False),
        ("openai:gpt-5", "", "gpt-5", "https://api.openai.com/v1", False),
        ("qwen/qwen-max", "", "qwen-max", "https://dashscope.aliyuncs.com/compatible-mode/v1", False),
        ("deepseek/deepseek-chat", "", "deepseek-chat", "https://api.deepseek.com/v1", False),
        ("glm/glm-4.6", "", "glm-4.6", "https://open.bigmodel.cn/api/paas/v4", False),
        ("doubao/doubao-pro", "", "doubao-pro", "https://ark.cn-beijing.volces.com/api/v3", False),
        ("ollama/qwen3:8b", "", "qwen3:8b", "http://127.0.0.1:11434/v1", True),
        ("vllm/Qwen/Qwen3-8B", "", "Qwen/Qwen3-8B", "http://127.0.0.1:8000/v1", True),
        ("llamacpp/any", "", "any", "http://127.0.0.1:8080/v1", True),
        ("qwen2.5:7b", "http://localhost:1234/v1", "qwen2.5:7b", "http://localhost:1234/v1", True),
        ("Acme/Model-7B", "https://models.example/v1", "Acme/Model-7B", "https://models.example/v1", False),
        ("openai/my-model", "http://127.0.0.1:5000/v1", "my-model", "http://127.0.0.1:5000/v1", True),
    ],
)
def test_provider_name_and_address(model: str, url: str, name: str, host: str, local: bool) -> None:
    found = built(model, url)
    assert (found.model.model_name, found.url, found.local) == (name, host, local)


def test_the_base_address_of_openai_may_come_from_the_environment() -> None:
    assert built("openai/gpt-5", OPENAI_BASE_URL="http://127.0.0.1:9999/v1").url == "http://127.0.0.1:9999/v1"


def test_a_key_of_the_environment_goes_to_its_provider_and_not_to_an_address_of_your_own() -> None:
    key = KEYS["OPENAI_API_KEY"]
    with openai_server(lambda _: called("answer", {"service": "order"})) as server:
        named = {"model": "openai/any", "protocol": "tools"}
        for described, environment, sent in (
            (LanguageModel(**named), {**KEYS, "OPENAI_BASE_URL": server.url}, True),  # type: ignore[arg-type]
            (LanguageModel(url=server.url, **named), KEYS, False),  # type: ignore[arg-type]
        ):
            server.received.clear()
            speaker = make_speaker(Llm(models={"fast": described}), environment=environment)
            assert speaker.ask(question(), ledger=speaker.ledger(), call=tool()[0]).value is not None
            assert (key in server.received.decode()) is sent


def test_a_key_without_a_model_chooses_none() -> None:
    assert make_speaker(Llm(), environment=KEYS).available is False


def test_another_provider_of_the_framework_is_used_through_our_own_client() -> None:
    found = build(
        "m",
        LanguageModel(model="moonshotai/kimi-k2", api_key="sk-0123456789abcdef"),  # type: ignore[arg-type]
        Gate(offline=False),
        environment={},
    )
    assert found.model.model_name == "kimi-k2"
    assert type(found.model.client._client._transport) is Gate  # type: ignore[attr-defined]


def test_one_that_cannot_be_used_through_it_is_refused() -> None:
    with pytest.raises(SettingsError):
        built("bedrock/some-model")
