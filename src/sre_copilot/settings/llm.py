"""Language models: which, what they may cost, what may be sent to them. None is the default, and a supported mode."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import re2  # type: ignore[import-untyped]
from pydantic import Field, field_validator, model_validator

from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

Protocol = Literal["auto", "tools", "text"]
SHORTHANDS = ("model", "api_key", "fast_model", "modelList")
STRONG, FAST = "strong", "fast"


class LanguageModel(Section):
    """One model, by the name that the rest of the configuration calls it."""

    model: str = Field(min_length=1)
    """`provider/name` or `provider:name`, for example `openai/gpt-5`, `qwen/qwen-max`, `ollama/qwen3:8b`; with a `url`, the name alone will do."""
    url: str = ""
    """Base address of an OpenAI-compatible endpoint, with its `/v1`; empty: the provider's own."""
    api_key: Secret | None = None
    """Key; empty: the variable that the provider's own documentation names, for example `OPENAI_API_KEY`."""
    temperature: float | None = Field(default=0.3, ge=0, le=2)
    """How freely it words; low, for facts are asked. None for models that take no temperature."""
    timeout_seconds: float = Field(default=60, gt=0, le=600)
    """Seconds that one call may take as a whole, however slowly the answer trickles."""
    retries: int = Field(default=2, ge=0, le=5)
    """Further tries of a call that failed in passing (429, 5xx, a cut); each counts as a call."""
    context_tokens: int = Field(default=0, ge=0)
    """Tokens that fit into it; 0: what the endpoint says, else 8192."""
    max_output_tokens: int = Field(default=2000, ge=16)
    """Most tokens of one answer; answers are short, but a thinking model thinks within them."""
    price_per_million_input: float = Field(default=0.0, ge=0)
    """Price of a million tokens in, in the currency of your budget; 0: it costs nothing."""
    price_per_million_output: float = Field(default=0.0, ge=0)
    """Price of a million tokens out."""
    protocol: Protocol | None = None
    """Overrides `llm.protocol` for this model."""
    allow_plaintext: bool = False
    """Send the key over plain HTTP to another machine; off, for everyone between could read it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.url:
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("url: is no address; write it as http://HOST:PORT/v1 or https://HOST/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("url: holds a user, a password or a query; use the key api_key")
        plain = parts.scheme == "http" and not is_loopback(parts.hostname)
        if self.api_key and plain and not self.allow_plaintext:
            raise ValueError("url: the key would travel in clear; use https, or set allow_plaintext: true")
        return self


class InvestigationBudget(Section):
    """What one investigation or question may spend; at a limit it goes on without the model. 0: no limit."""

    calls: int = Field(default=15, ge=0)
    """Calls, failed ones too."""
    tokens: int = Field(default=30_000, ge=0)
    """Tokens in and out together; a thorough one takes about 12,000 in."""
    seconds: float = Field(default=120, ge=0)
    """Seconds on the clock on the wall since it began; afterwards no call begins and none goes on."""
    cost: float = Field(default=0.1, ge=0)
    """Money, by the prices of the models; a root-cause analysis takes 0.01 to 0.05 with the usual ones."""


class DayBudget(Section):
    """What may be spent from midnight to midnight UTC, by all investigations together. 0: no limit."""

    calls: int = Field(default=2_000, ge=0)
    """Calls."""
    tokens: int = Field(default=4_000_000, ge=0)
    """Tokens in and out together."""
    seconds: float = Field(default=0, ge=0)
    """Seconds of waiting for models, of all calls together; no limit, for they cost nothing by themselves."""
    cost: float = Field(default=5.0, ge=0)
    """Money: a fault in a loop must not cost more than a lunch."""


class GuardrailRule(Section):
    """A rule about text that is about to be sent to a model."""

    name: str = Field(min_length=1)
    """Its name, in logs and in what replaces a match."""
    action: Literal["redact", "block", "audit"]
    """`redact` replaces what matches, `block` sends nothing at all, `audit` sends it and says so in the log."""
    patterns: list[str] = Field(default_factory=list)
    """Regular expressions of linear time (RE2: no look-around, no back reference)."""
    keywords: list[str] = Field(default_factory=list)
    """Words, in any case."""
    replacement: str = ""
    """What stands instead of a match; empty: `[name]`."""
    enabled: bool = True
    """Whether it counts."""

    @field_validator("patterns")
    @classmethod
    def _readable(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                re2.compile(pattern)
            except re2.error:
                raise ValueError(
                    "holds a regular expression that RE2 cannot read; it knows no look-around and no back reference"
                ) from None
        return patterns

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.patterns and not self.keywords:
            raise ValueError("patterns: give at least one pattern or keyword")
        return self


class Llm(Section):
    """Language models, and what may be sent to them; without any, everything works by rules."""

    models: dict[str, LanguageModel] = Field(default_factory=dict)
    """Models by name."""
    fast: str = ""
    """Name of the model for small questions; empty: `fast` where there is such a name, else the strong one."""
    strong: str = ""
    """Name of the model for hard questions; empty: `strong` where there is such a name, else the first."""
    fallback: list[str] = Field(default_factory=list)
    """Names of the models to try, in this order, when one refuses, cannot be reached, or is too slow."""
    investigation: InvestigationBudget = InvestigationBudget()
    day: DayBudget = DayBudget()
    offline: bool = False
    """Whether any call that leaves this machine is an error; endpoints on a loopback address go on."""
    protocol: Protocol = "auto"
    """`tools` calls tools as the endpoint offers it, `text` asks for them in words, `auto` finds out what the model can."""
    public_addresses: bool = False
    """Whether public IP addresses are replaced too, as personal data always are; off, for they are often what the fault is about."""
    rules: list[GuardrailRule] = Field(default_factory=list)
    """Your own rules about what is sent, besides those that are built in."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        for key, names in (("fast", [self.fast]), ("strong", [self.strong]), ("fallback", self.fallback)):
            for name in filter(None, names):
                if name not in self.models:
                    known = ", ".join(self.models) or "none"
                    raise ValueError(f"{key}: no model is called {name}; called so are: {known}")
        return self


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def with_shorthands(document: dict[str, Any]) -> dict[str, Any]:
    """Turn `model`, `api_key`, `fast_model` and `modelList` of the top level into the section `llm`.

    Raises
    ------
    ValueError : when one of them is not what it must be
    """
    given = {key: document[key] for key in SHORTHANDS if key in document}
    if not given:
        return document
    section = document.get("llm") or {}
    listed = given.get("modelList") or {}
    if not isinstance(section, dict) or not isinstance(listed, dict):
        raise ValueError("modelList: must hold models by name; write modelList: {fast: {model: …}}")
    models = {**listed, **(section.get("models") or {})}
    chosen: dict[str, str] = {}
    for key, name in (("model", STRONG), ("fast_model", FAST)):
        said = given.get(key)
        if said is None:
            continue
        if not isinstance(said, str):
            raise ValueError(f"{key}: must be a text; write {key}: provider/name")
        if said in models:
            chosen[name] = said
        else:
            chosen[name] = name
            models[name] = {"model": said, **_key(said, given)}
    rest = {key: value for key, value in document.items() if key not in SHORTHANDS}
    return {**rest, "llm": {**chosen, **section, "models": models}}


def _key(model: str, given: dict[str, Any]) -> dict[str, Any]:
    """The key of the top level belongs to the provider of `model`, and to no other."""
    provider = re.split("[/:]", str(given.get("model", model)))[0]
    mine = given.get("api_key") and re.split("[/:]", model)[0] == provider
    return {"api_key": given["api_key"]} if mine else {}
