"""How the configured models are, for `doctor`: are they there, what can they, and what to do about what is not right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sre_copilot.llm.speaking import Speaker, Trouble

if TYPE_CHECKING:
    from sre_copilot.llm.sending import Voice
    from sre_copilot.llm.speaker import ModelSpeaker

SECONDS = 30.0  # a model that is loaded first needs them
_REMEDIES: dict[Trouble, str] = {
    "refused": "check llm.models.{name}.api_key and the name of the model",
    "unreachable": "check llm.models.{name}.url, and that the endpoint runs",
    "time_out": "ask again when it is loaded, or raise llm.models.{name}.timeout_seconds",
    "rate_limited": "wait, or ask the provider for a higher limit",
    "offline": "it is on another machine: unset llm.offline, or name a model on this one",
    "garbage": "the address answers, but is no OpenAI-compatible endpoint: its url ends in /v1",
    "cut_off": "look into the log of the endpoint",
}


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """How one model is. `tools`: it calls tools; `forced`: it calls the one that is demanded; None: not known."""

    name: str
    model: str
    ok: bool
    local: bool = True
    tools: bool | None = None
    forced: bool | None = None
    context_tokens: int = 0
    protocol: str = ""
    problem: str = ""
    remedy: str = ""


def model_healths(speaker: Speaker, *, seconds: float = SECONDS) -> list[ModelHealth]:
    """Ask every configured model how it is; none where there is none. Each is sent two short questions, which hold nothing of yours."""
    if not speaker.available:
        return []
    from sre_copilot.llm.speaker import ModelSpeaker  # noqa: PLC0415 - the framework is heavy

    if not isinstance(speaker, ModelSpeaker):
        return []
    return [_health(speaker, voice, seconds) for voice in speaker.voices.values()]


def _health(speaker: ModelSpeaker, voice: Voice, seconds: float) -> ModelHealth:
    from sre_copilot.llm.troubles import Failure  # noqa: PLC0415

    found = speaker.prober.capabilities(voice, seconds=seconds, thorough=True)
    if isinstance(found, Failure):
        remedy = _REMEDIES.get(found.trouble, "").format(name=voice.name)
        return ModelHealth(
            voice.name,
            voice.settings.model,
            ok=False,
            local=voice.local,
            problem=found.problem,
            remedy=remedy,
        )
    chosen = voice.settings.protocol or speaker.settings.protocol
    protocol = ("tools" if found.tools else "text") if chosen == "auto" else chosen
    words = protocol == "tools" and not found.tools
    return ModelHealth(
        name=voice.name,
        model=voice.settings.model,
        ok=not words,
        local=voice.local,
        tools=found.tools,
        forced=found.forced,
        context_tokens=voice.settings.context_tokens or found.context_tokens,
        protocol=protocol,
        problem="it does not call tools" if words else "",
        remedy=f"set llm.models.{voice.name}.protocol: auto" if words else "",
    )
