"""What a notifier is: one method, which also says whether another attempt can help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Cause = Literal[
    "", "authError", "clientError", "rateLimited", "serverError", "timeout", "connection", "configuration"
]
"""Of what kind a failure is, for metrics: few values, the same for all services."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes along with a message."""

    name: str
    media: str
    """Its type, `TYPE/SUBTYPE`, with parameters or without."""
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent: already in the reader's language, with the key that lets a receiver drop a repetition.

    `thread` is the platform's reference to the first message of the group ('' when this is the first), so that updates land in the same thread.
    """

    key: str
    group: str
    state: str
    severity: str
    title: str
    text: str
    """Plain text or simple Markdown, never longer than the platform takes; the notifier cuts it and says so."""
    fields: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Address and text of each."""
    thread: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The content of the notification, for receivers that are programs."""
    people: tuple[Mapping[str, Any], ...] = ()
    to: str = ""
    """The address, where a service reaches several of them one by one."""
    language: Literal["en", "zh"] = "en"
    """Of the few words that a notifier adds itself."""
    attachments: tuple[Attachment, ...] = ()
    """Only where the service `attaches`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of an attempt. `retry`: whether the same message may be tried again; `retry_after_s` is what the service asked for; `reason` holds no secret."""

    ok: bool
    retry: bool = False
    retry_after_s: float | None = None
    reason: str = ""
    reference: str = ""
    """The platform's own id of the message, for the thread."""
    cause: Cause = ""


class Notifier(Protocol):
    """One service, configured."""

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Send one message; never raises for what the service answers or does not answer."""
        ...
