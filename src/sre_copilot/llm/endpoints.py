"""From a model's settings to something that answers: any provider by name, any OpenAI-compatible endpoint by address."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from openai import OpenAIError
from pydantic_ai.exceptions import UserError
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider, infer_provider_class
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from sre_copilot.errors import SettingsError
from sre_copilot.llm.outbound import Gate, client
from sre_copilot.settings.llm import LanguageModel, is_loopback

warnings.filterwarnings(  # a thinking model takes no temperature; that it is left out is as it should be
    "ignore", message="Sampling parameters .* are not supported", category=UserWarning
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint that is known by a name: its address, and the variable of its key."""

    url: str
    variable: str = ""


KNOWN = {
    "qwen": Endpoint("https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    "dashscope": Endpoint("https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    "deepseek": Endpoint("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "glm": Endpoint("https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY"),
    "zhipu": Endpoint("https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY"),
    "doubao": Endpoint("https://ark.cn-beijing.volces.com/api/v3", "ARK_API_KEY"),
    "ollama": Endpoint("http://127.0.0.1:11434/v1", "OLLAMA_API_KEY"),
    "vllm": Endpoint("http://127.0.0.1:8000/v1", "VLLM_API_KEY"),
    "llamacpp": Endpoint("http://127.0.0.1:8080/v1"),
}
OPENAI = Endpoint("https://api.openai.com/v1", "OPENAI_API_KEY")


@dataclass(frozen=True, slots=True)
class Built:
    """A model, where it is, and whether it needs asking what it can."""

    model: Model
    url: str
    provider: str
    local: bool

    @property
    def trusted(self) -> bool:
        """Whether it is a service whose models are known to call tools; an own endpoint is asked."""
        return self.provider in {"openai", "openai-chat", "anthropic", "google", "mistral", "moonshotai"}


def build(
    name: str, settings: LanguageModel, gate: Gate, *, environment: Mapping[str, str] | None = None
) -> Built:
    """Make the model that the settings describe; nothing is sent.

    Raises
    ------
    SettingsError : when the provider is unknown, its library is missing, or it needs a key
    """
    environment = os.environ if environment is None else environment
    provider, model = split(settings, name)
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    known = OPENAI if provider == "openai" else KNOWN.get(provider)
    if known is None and not settings.url:
        return _by_provider(name, provider, model, key, gate)
    url = settings.url or _address(provider, known, environment)
    if not key and known and not settings.url:  # a key from the environment goes to its own provider alone
        key = environment.get(known.variable, "")
    local = is_loopback(urlsplit(url).hostname or "")
    if not key and not local and not settings.url:
        wanted = known.variable if known and known.variable else "its key"
        raise SettingsError(f"llm.models.{name}.api_key: is missing; set it, or the variable {wanted}.")
    shown = provider or urlsplit(url).hostname or "endpoint"
    profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=provider == "openai")
    backend = OpenAICompatibleProvider(
        shown, base_url=url, api_key=key or None, http_client=client(gate), profile=profile
    )
    return Built(OpenAIChatModel(model, provider=backend), url, shown, local)


def split(settings: LanguageModel, name: str) -> tuple[str, str]:
    """Provider and model of `provider/name`; no provider where the first word is none and there is an address.

    Raises
    ------
    SettingsError : when the provider is unknown and there is no address
    """
    text = settings.model
    places = [place for place in (text.find("/"), text.find(":")) if place > 0]
    head, rest = (text[: min(places)], text[min(places) + 1 :]) if places else ("", text)
    if head.lower() in KNOWN or head.lower() == "openai" or (head and _class(head.lower(), name) is not None):
        return head.lower(), rest
    if settings.url:
        return "", text
    raise SettingsError(
        f"llm.models.{name}.model: '{text}' names no provider that is known; write provider/name "
        f"({', '.join(['openai', *KNOWN])} …), or give the url of an OpenAI-compatible endpoint."
    )


def _address(provider: str, known: Endpoint | None, environment: Mapping[str, str]) -> str:
    if provider == "openai" and environment.get("OPENAI_BASE_URL"):
        return environment["OPENAI_BASE_URL"]
    return known.url if known else ""


def _class(provider: str, name: str) -> type[Provider[Any]] | None:
    try:
        return infer_provider_class(provider)
    except ValueError:
        return None
    except ImportError as error:
        raise SettingsError(f"llm.models.{name}.model: {error}") from None


def _by_provider(name: str, provider: str, model: str, key: str, gate: Gate) -> Built:
    """A model of a provider that the framework knows, through our own client."""
    kind: Any = _class(provider, name)
    takes = inspect.signature(kind.__init__).parameters if kind else {}
    if kind is None or "http_client" not in takes:
        raise SettingsError(
            f"llm.models.{name}.model: '{provider}' cannot be used through a client of ours; give the url of an "
            "OpenAI-compatible endpoint of it."
        )
    given = {"api_key": key} if key and "api_key" in takes else {}
    try:
        backend = kind(http_client=client(gate), **given)
        built = infer_model(f"{provider}:{model}", provider_factory=lambda _: backend)
    except (UserError, OpenAIError, ImportError) as error:
        raise SettingsError(f"llm.models.{name}: {error}") from None
    url = str(backend.base_url)
    return Built(built, url, provider, is_loopback(urlsplit(url).hostname or ""))
