"""What can go wrong between us and a model, in the words of `Trouble`, and whether another try or another model can help."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2
from openai import OpenAIError
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    UserError,
)

from sre_copilot.llm.guardrails import Blocked
from sre_copilot.llm.outbound import AnswerTooLarge, NotPassed, Offline
from sre_copilot.llm.speaking import Trouble
from sre_copilot.llm.waiting import Late
from sre_copilot.telemetry import clean

EXPECTED = (
    AgentRunError,
    UserError,
    OpenAIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    Late,
    Blocked,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)
"""What a model, its server and its client library can raise; the last four stand for answers that no library foresaw."""

SPEAKS_TO_ANOTHER = frozenset(
    {"refused", "rate_limited", "unreachable", "time_out", "cut_off", "offline", "garbage"}
)
QUOTED = 300  # characters of a server's words that are repeated


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call brought nothing."""

    trouble: Trouble
    problem: str
    again: bool = False
    after_seconds: float | None = None
    final: bool = False  # no other model may be asked either


def failure(error: BaseException) -> Failure:
    """What an exception means."""
    inner = _first(error, (Offline, NotPassed, AnswerTooLarge))
    if isinstance(inner, Offline):
        return Failure("offline", _words(inner))
    if isinstance(inner, AnswerTooLarge):
        return Failure("garbage", _words(inner))
    if isinstance(error, Blocked):
        return Failure("refused", _words(error), final=True)
    if isinstance(error, (Late, ModelTimeoutError, ModelRequestTimeout)):
        return Failure("time_out", _words(error))
    if isinstance(error, ModelConnectionError):
        cut = error.phase == "read" or _first(
            error, (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.StreamError)
        )
        return Failure("cut_off" if cut else "unreachable", _words(error), again=True)
    return _of_server(error) if isinstance(error, ModelAPIError) else _of_answer(error)


def _of_server(error: ModelAPIError) -> Failure:
    wait = error.retry_after
    if isinstance(error, ModelQuotaExceededError):
        return Failure("refused", _words(error))
    if isinstance(error, ModelRateLimitError):
        return Failure("rate_limited", _words(error), again=True, after_seconds=wait)
    if isinstance(error, ModelRequestRejectedError):
        return Failure("refused", _words(error))
    again = isinstance(error, (ModelServerError, ModelUnavailableError))
    status = error.status_code if isinstance(error, ModelHTTPError) else 0
    return Failure("unreachable", _words(error), again=again or status in {408, 409, 425}, after_seconds=wait)


def _of_answer(error: BaseException) -> Failure:
    cut = _first(error, (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.StreamError))
    if cut is not None:
        return Failure("cut_off", _words(error), again=True)
    if isinstance(error, httpx2.TimeoutException):
        return Failure("time_out", _words(error))
    if isinstance(error, httpx2.HTTPError):
        return Failure("unreachable", _words(error), again=True)
    return Failure("garbage", f"the answer cannot be read: {_words(error)}")


def _first(error: BaseException, kinds: tuple[type[BaseException], ...]) -> BaseException | None:
    """The first of the error and its causes that is of one of these kinds."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        if isinstance(found, kinds):
            return found
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return None


def _words(error: BaseException) -> str:
    said = " ".join(clean(str(error)).split()) or type(error).__name__
    return said if len(said) <= QUOTED else said[:QUOTED] + "…"
