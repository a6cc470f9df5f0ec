"""One request to one model: within the budget and the clock, again where that can help, never an exception."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pydantic_ai.messages import ModelResponse
from pydantic_ai.settings import ModelSettings

from sre_copilot.llm.budget import InvestigationLedger, Prices, tokens_of
from sre_copilot.llm.metrics import ModelMetrics
from sre_copilot.llm.outbound import Outbound, pseudonyms
from sre_copilot.llm.protocols import Prompt
from sre_copilot.llm.speaking import Usage
from sre_copilot.llm.tracing import record_duration
from sre_copilot.llm.troubles import EXPECTED, Failure, failure
from sre_copilot.llm.waiting import Loop
from sre_copilot.settings.llm import LanguageModel

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 20.0  # a longer Retry-After is not waited for: another model is asked instead
SHORTEST_CALL_S = 0.2  # with less time left than this no answer can come
PENALTY_S = {"refused": 300.0, "unreachable": 20.0, "rate_limited": 20.0, "time_out": 20.0}
"""Seconds that a model is not asked again after it failed for good: a wrong key stays wrong for longer than a server stays down."""


@dataclass(slots=True)
class Voice:
    """A model as the configuration names it."""

    name: str
    settings: LanguageModel
    model: Outbound
    url: str = ""
    local: bool = True
    trusted: bool = False
    _standing: tuple[float, Failure] | None = None

    @property
    def prices(self) -> Prices:
        """What its tokens cost."""
        return Prices(self.settings.price_per_million_input, self.settings.price_per_million_output)

    def out_of_favour(self, now: float) -> Failure | None:
        """Why it is not asked at the moment."""
        if self._standing is None or now >= self._standing[0]:
            return None
        return self._standing[1]

    def note(self, outcome: Failure | None, now: float) -> None:
        """Remember how the last call went."""
        if outcome is None:
            self._standing = None
        elif (penalty := PENALTY_S.get(outcome.trouble)) and not outcome.final:
            self._standing = (now + max(penalty, min(outcome.after_seconds or 0.0, 300.0)), outcome)


@dataclass(slots=True)
class Spent:
    """What one question took so far; grows call by call."""

    usage: Usage = field(default_factory=Usage)


class Sender:
    """Sends prompts; shared by all investigations."""

    def __init__(
        self,
        loop: Loop,
        metrics: ModelMetrics,
        *,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._loop = loop
        self._metrics = metrics
        self._now = now
        self._pause = pause
        self._lock = threading.Lock()

    def send(
        self, voice: Voice, prompt: Prompt, *, ledger: InvestigationLedger, book: Callable[[Usage], None]
    ) -> ModelResponse | Failure:
        """Send a prompt; tries again after a failure that may pass."""
        if unwanted := voice.out_of_favour(self._now()):
            return unwanted
        attempt = 0
        while True:
            outcome = self._once(voice, prompt, ledger, book)
            if not isinstance(outcome, Failure):
                voice.note(None, self._now())
                return outcome
            wait = self._wait(outcome, attempt)
            useless = attempt >= voice.settings.retries or wait > LONGEST_PAUSE_S
            if not outcome.again or useless or wait + SHORTEST_CALL_S > ledger.seconds_left():
                voice.note(outcome, self._now())
                return outcome
            self._pause(wait)
            attempt += 1

    def _once(
        self, voice: Voice, prompt: Prompt, ledger: InvestigationLedger, book: Callable[[Usage], None]
    ) -> ModelResponse | Failure:
        expected = replace(_expected(prompt, voice), calls=1)
        if problem := ledger.promise(expected):
            return Failure("budget", problem, final=True)
        seconds = min(voice.settings.timeout_seconds, ledger.seconds_left())
        began = self._now()
        response: ModelResponse | None = None
        failed: Failure | None = None
        try:
            if seconds < SHORTEST_CALL_S:
                failed = Failure("budget", "no time is left for a call", final=True)
            else:
                response = self._asked(voice, prompt, ledger, seconds)
        except EXPECTED as error:
            failed = failure(error)
        used = _used(prompt, voice, response, failed, self._now() - began)
        ledger.settle(expected, used)
        book(used)
        if used.calls:
            outcome = failed.trouble if failed else "answered"
            self._metrics.count(voice.name, used, outcome=outcome)
            record_duration(voice.settings.model, used.seconds, outcome=outcome)
        if failed and failed.trouble == "time_out" and ledger.seconds_left() <= SHORTEST_CALL_S:
            failed = replace(failed, trouble="budget", problem=ledger.exhausted() or failed.problem)
        return failed or response or Failure("garbage", "the answer is empty")

    def _asked(
        self, voice: Voice, prompt: Prompt, ledger: InvestigationLedger, seconds: float
    ) -> ModelResponse:
        settings = _settings(voice, ledger, prompt, seconds)
        with pseudonyms(ledger.pseudonyms):
            work = voice.model.request(prompt.messages, settings, prompt.parameters)
            return self._loop.run(work, seconds=seconds)

    @staticmethod
    def _wait(outcome: Failure, attempt: int) -> float:
        if outcome.after_seconds is not None:
            return outcome.after_seconds
        return float(FIRST_PAUSE_S * 2**attempt * random.uniform(0.75, 1.25))  # noqa: S311 - spreads tries, no secret


def _settings(voice: Voice, ledger: InvestigationLedger, prompt: Prompt, seconds: float) -> ModelSettings:
    left = ledger.tokens_left() - prompt.tokens
    most = int(max(16, min(voice.settings.max_output_tokens, left)))
    settings = ModelSettings(max_tokens=most, timeout=seconds, max_retries=0)
    if voice.settings.temperature is not None:
        settings["temperature"] = voice.settings.temperature
    return settings


def _expected(prompt: Prompt, voice: Voice) -> Usage:
    return Usage(input_tokens=prompt.tokens, cost=voice.prices.cost(prompt.tokens, 0))


def _used(
    prompt: Prompt, voice: Voice, response: ModelResponse | None, failed: Failure | None, seconds: float
) -> Usage:
    """What a call took: what the endpoint says, else an estimate; a call that was cut off or given up may have cost its tokens."""
    if failed and (failed.final or failed.trouble in {"budget", "offline"}):
        return Usage()
    if response is None:
        charged = failed is not None and failed.trouble in {"time_out", "cut_off", "garbage"}
        tokens = prompt.tokens if charged else 0
        return Usage(calls=1, input_tokens=tokens, seconds=seconds, cost=voice.prices.cost(tokens, 0))
    said = response.usage
    sent = said.input_tokens or prompt.tokens
    received = said.output_tokens or tokens_of(repr(response.parts))
    return Usage(
        calls=1,
        input_tokens=sent,
        output_tokens=received,
        seconds=seconds,
        cost=voice.prices.cost(sent, received),
    )
