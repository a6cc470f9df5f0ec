"""The nouns of what a chat platform sends: a request, what was heard in it, and what may be answered."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson

from sre_copilot.errors import UsageError

LONGEST_TEXT = 4000  # characters: what is read of a message
LONGEST_NAME = 200  # characters of ids
Back = Literal["body", "address", "message"]
"""Where an answer goes: in the body of the answer, to an address that the request names, or as a message by the platform's interface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came; names of headers in small letters, `now` in epoch seconds."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What somebody wrote or pressed. `event` is the same however often the platform sends it."""

    sender: str
    text: str
    event: str
    signature: str = ""
    """What the request was signed with: no other event may come with it."""
    signed_anew: bool = False
    """Whether the platform signs each repetition anew, so that none of its own has a signature that was seen."""
    direct: bool = True
    """Whether it was said to the bot itself, and is answered also where it is no decision."""
    back: Back = "body"
    where: str = ""
    """The address, or the conversation."""
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """The platform sees whether the address is ours: `answer` is what it wants to read."""

    answer: bytes
    media: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The body of an answer."""

    body: bytes = b""
    media: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """What an answer that is sealed needs: the time, and bytes that nobody can guess."""

    now: float
    salt: bytes


class Unverified(UsageError):  # noqa: N818 - what the request is
    """The platform did not sign it, or not now; `claimed` is what it says, where that can be read."""

    def __init__(self, problem: str, *, field: str = "", claimed: Heard | None = None) -> None:
        super().__init__(problem)
        self.field, self.claimed = field, claimed


class Unreadable(UsageError):  # noqa: N818 - what the request is
    """It is not of the form that the platform sends."""

    def __init__(self, problem: str, *, field: str = "body") -> None:
        super().__init__(problem)
        self.field = field


class Platform(Protocol):
    """One chat platform, configured."""

    def read(self, request: Request) -> Heard | Handshake | None:
        """What a request brings; None for what is of no concern.

        Raises
        ------
        Unverified : when the platform did not sign it
        Unreadable : when it did, and it cannot be read
        """
        ...

    def answer(self, text: str, heard: Heard | None, sealing: Sealing) -> Answer:
        """The body of the answer; `text` is '' where there is nothing to say in it."""
        ...


def same(given: str, wanted: str) -> bool:
    """Compare in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))


def stamp(given: str, *, now: float, tolerance_s: float, field: str, unit: int = 1) -> None:
    """See that a time of sending is about now; `unit` is how many of it make a second.

    Raises
    ------
    Unverified : when it is not
    """
    if not (given.isascii() and given.isdigit() and len(given) <= 17):
        raise Unverified(f"{field}: must hold the time of sending", field=field)
    if abs(now - int(given) / unit) > tolerance_s:
        raise Unverified(
            f"{field}: lies more than {tolerance_s:g} s from now; see whether the clock of this server is right",
            field=field,
        )


def document(body: bytes, *, field: str = "body") -> Mapping[str, Any]:
    """The JSON object of a body.

    Raises
    ------
    Unreadable : when it is none
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{field}: is no JSON: {error}", field=field) from None
    if not isinstance(found, dict):
        raise Unreadable(f"{field}: is no JSON object", field=field)
    return found


def at(found: Any, *path: str) -> Any:
    """What lies at a path; None where there is nothing."""
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def text_at(found: Any, *path: str, longest: int = LONGEST_NAME) -> str:
    """The text at a path, cut and without zero characters; '' where there is none."""
    value = at(found, *path)
    return value.replace("\0", "")[:longest] if isinstance(value, str) else ""


def decision_text(verdict: str, plan: str, reason: str = "") -> str:
    """What a button means, as it would be written."""
    verb = "APPROVE" if verdict == "approve" else "REJECT"
    return f"{verb} {plan} {reason if verdict == 'reject' else ''}".strip()


def short(value: str) -> str:
    """A short name for something long."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:32]
