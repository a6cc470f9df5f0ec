"""What a model can, found out by asking it once: does it call tools, does it call the one that is demanded, how much fits into it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import httpx2
import orjson
from pydantic_ai.messages import ModelResponse
from pydantic_ai.settings import ModelSettings

from sre_copilot.llm.budget import Day, tokens_of
from sre_copilot.llm.keeping import Known, KnownInMemory
from sre_copilot.llm.outbound import Gate, client, nothing_told
from sre_copilot.llm.protocols import WAYS, Spoken
from sre_copilot.llm.sending import Voice
from sre_copilot.llm.speaking import ToolSpec, Usage
from sre_copilot.llm.troubles import EXPECTED, Failure, failure
from sre_copilot.llm.waiting import Loop

DEFAULT_CONTEXT = 8192  # what small local models are commonly served with
KEPT_S = 86_400.0  # a day: an endpoint may serve another model tomorrow
ENOUGH_TOKENS = 100  # of an answer: a call takes thirty, and a slow machine writes five a second
_CONTEXT_KEYS = (
    "max_model_len",
    "n_ctx",
    "context_length",
    "context_window",
    "max_context_length",
    "n_ctx_train",
)
_NOTE = ToolSpec(
    name="note",
    description="Notes a word.",
    parameters={"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
)
_ASKED = "Call the tool note with the word ready."


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can. `forced`: it calls a tool that is demanded of it (None: not tried)."""

    tools: bool
    forced: bool | None = None
    context_tokens: int = DEFAULT_CONTEXT
    found_at: float = 0.0


class Prober:
    """Asks each model once, and remembers."""

    def __init__(
        self,
        loop: Loop,
        gate: Gate,
        day: Day,
        *,
        known: Known | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._loop = loop
        self._gate = gate
        self._day = day
        self._known = known or KnownInMemory()
        self._clock = clock

    def capabilities(self, voice: Voice, *, seconds: float, thorough: bool = False) -> Capabilities | Failure:
        """What a model can; asked anew when what is known is a day old, or less than is wanted."""
        key = f"{voice.url} {voice.settings.model}"
        kept = _kept(self._known.get(key))
        fresh = kept is not None and self._clock() - kept.found_at < KEPT_S
        if kept is not None and fresh and (not thorough or kept.forced is not None):
            return kept
        found = self._found(voice, min(seconds, voice.settings.timeout_seconds), thorough)
        if isinstance(found, Capabilities):
            self._known.put(key, asdict(found))
        return found

    def protocol(self, voice: Voice, wanted: str, *, seconds: float) -> Spoken | Failure:
        """By which protocol to speak."""
        chosen = voice.settings.protocol or wanted
        if chosen in ("tools", "text"):
            return "tools" if chosen == "tools" else "text"
        if voice.trusted:
            return "tools"
        found = self.capabilities(voice, seconds=seconds)
        if isinstance(found, Failure):  # what may pass is tried again with the question itself
            return "tools" if found.again else found
        return "tools" if found.tools else "text"

    def context(self, voice: Voice) -> int:
        """How many tokens fit into a model, as far as is known without asking."""
        kept = _kept(self._known.get(f"{voice.url} {voice.settings.model}"))
        known = kept.context_tokens if kept else DEFAULT_CONTEXT
        return voice.settings.context_tokens or (max(known, 32_768) if voice.trusted else known)

    def _found(self, voice: Voice, seconds: float, thorough: bool) -> Capabilities | Failure:
        began = time.monotonic()
        try:
            tools = self._calls(voice, seconds, forced=False)
            left = max(0.5, seconds - (time.monotonic() - began))
            forced = self._calls(voice, left, forced=True) if thorough else None
        except EXPECTED as error:
            failed = failure(error)
            rejected = failed.trouble == "refused" and "tool" in failed.problem.lower()
            if not rejected:  # an endpoint that does not know the word “tools” says so with 400
                return failed
            tools, forced = False, False
        left = max(0.5, seconds - (time.monotonic() - began))
        return Capabilities(tools, forced, self._context_of(voice, left), self._clock())

    def _calls(self, voice: Voice, seconds: float, *, forced: bool) -> bool:
        prompt = WAYS["tools"].prompt("", _ASKED, (), (_NOTE,))
        settings = ModelSettings(max_tokens=ENOUGH_TOKENS, timeout=seconds, max_retries=0)
        if forced:
            settings["tool_choice"] = [_NOTE.name]
        began = time.monotonic()
        response = self._loop.run(
            voice.model.request(prompt.messages, settings, prompt.parameters), seconds=seconds
        )
        self._day.add(_usage(voice, response, prompt.tokens, time.monotonic() - began))
        return any(each.tool == _NOTE.name for each in WAYS["tools"].read(response, ()).calls)

    def _context_of(self, voice: Voice, seconds: float) -> int:
        """What the endpoint's list of models says; a list that is missing or says nothing is no trouble."""
        if voice.settings.context_tokens:
            return voice.settings.context_tokens
        if not voice.url:
            return DEFAULT_CONTEXT
        try:
            with nothing_told():
                listed = self._loop.run(_models(self._gate, voice), seconds=seconds)
        except EXPECTED:
            return DEFAULT_CONTEXT
        return context_in(listed, voice.settings.model) or DEFAULT_CONTEXT


def context_in(document: Any, model: str) -> int:
    """The size of the context that a list of models states; 0 when it states none."""
    entries = document.get("data") if isinstance(document, Mapping) else None
    rows = [each for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []
    mine = [each for each in rows if model.endswith(str(each.get("id", "?")))] or rows[:1]
    for row in mine[:1]:
        inner = row.get("meta")
        places = [row, inner] if isinstance(inner, Mapping) else [row]
        for key in _CONTEXT_KEYS:
            for place in places:
                if isinstance(place.get(key), int) and place[key] > 0:
                    return int(place[key])
    return 0


async def _models(gate: Gate, voice: Voice) -> Any:
    key = voice.settings.api_key.get_secret_value() if voice.settings.api_key else "none"
    asking = client(gate)
    response = await asking.get(
        voice.url.rstrip("/") + "/models", headers={"authorization": f"Bearer {key}"}, timeout=10
    )
    return orjson.loads(response.content) if response.status_code == httpx2.codes.OK else None


def _kept(found: Mapping[str, Any] | None) -> Capabilities | None:
    try:
        return Capabilities(**found) if found else None
    except TypeError:
        return None


def _usage(voice: Voice, response: ModelResponse, expected: int, seconds: float) -> Usage:
    sent = response.usage.input_tokens or expected
    received = response.usage.output_tokens or tokens_of(repr(response.parts))
    return Usage(
        calls=1,
        input_tokens=sent,
        output_tokens=received,
        seconds=seconds,
        cost=voice.prices.cost(sent, received),
    )
