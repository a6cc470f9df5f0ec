"""SMS and a hundred other services, through apprise: one address a notifier, the key in the text.

Apprise says only whether it worked; what its log tells of the status decides whether another attempt can help, and where it tells nothing, one
is made. It knows no threads, no headers of ours and no proxy by notifier: the services for which these matter have a file of their own.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import quote

import apprise
from pydantic import Field, model_validator

from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.outcomes import by_status, failed
from sre_copilot.action.notify.service import Service, address, bot
from sre_copilot.action.notify.settings import NotifierSettings
from sre_copilot.action.notify.text import cut, line, plain
from sre_copilot.settings.alerting.notify import Limit
from sre_copilot.settings.secret import Secret
from sre_copilot.telemetry import clean

_STATUS = re.compile(r"error=(\d{3})\b")
_PLACE = "{to}"
_TYPES = {
    "critical": apprise.NotifyType.FAILURE,
    "high": apprise.NotifyType.FAILURE,
    "warning": apprise.NotifyType.WARNING,
}
_LOGGER = "apprise"


class AppriseSettings(NotifierSettings):
    """What a service of apprise can be told."""

    url: Secret
    """Address of apprise (`twilio://…`, `ntfys://…`) with one receiver in it, or `{to}` in the place of the receiver."""
    to: list[str] = Field(default_factory=list)
    """Receivers for `{to}`, each told one by one."""
    to_people: bool = False
    """Also tell everybody who is on call, in the place of `{to}`."""
    people_address: str = "phone"
    """Which address of a person that is."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        placed = _PLACE in self.url.get_secret_value()
        if placed != bool(self.to or self.to_people):
            raise ValueError("url: {to} and the keys to or to_people: each needs the other")
        if _instance(self.url.get_secret_value(), to=self.to[0] if self.to else "15555550100") is None:
            raise ValueError("url: is no address that apprise understands; see its page on the service")
        return self


class AppriseNotifier(Service[AppriseSettings]):
    """One service of apprise."""

    Settings = AppriseSettings
    limits = (Limit(messages=30, seconds=60),)

    def __init__(self, settings: AppriseSettings) -> None:
        self.settings = settings
        self._url = settings.url.get_secret_value()
        self.addressees = tuple(settings.to)
        self.bot = bot("apprise", self._url)

    def address_of(self, person: Mapping[str, Any]) -> str | None:
        """Their address of the configured kind."""
        return address(person, self.settings.people_address) if self.settings.to_people else None

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Send one message."""
        service = _instance(self._url, to=message.to)
        if service is None:
            return failed("apprise does not take this address", retry=False, cause="configuration")
        service.socket_connect_timeout = service.socket_read_timeout = timeout_s
        service.request_rate_per_sec = 0  # how often is decided before; it would sleep here
        title, body = _words(message, service)
        kind = (
            apprise.NotifyType.SUCCESS
            if message.state == "resolved"
            else _TYPES.get(message.severity, apprise.NotifyType.INFO)
        )
        with _heard() as lines:
            done = service.notify(
                body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
            )
        return Delivered(ok=True) if done else self._judge(lines)

    def _judge(self, lines: list[str]) -> Delivered:
        said = clean(" ".join(lines).replace(self._url, "***"))[:200]
        if found := _STATUS.search(said):
            outcome = by_status(int(found[1]), {}, said)
            return outcome if not outcome.ok else failed(said, retry=True, cause="serverError")
        return failed(said or "apprise did not deliver it", retry=True, cause="connection")


class SmsNotifier(AppriseNotifier):
    """Short messages: one part where it goes."""

    limits = (Limit(messages=10, seconds=60),)


def _words(message: Message, service: Any) -> tuple[str, str]:
    """Title and body within what the service takes."""
    longest = int(service.body_maxlen)
    if int(service.title_maxlen) <= 0:
        return "", plain(message, limit=longest)
    title = cut(line(message.title), limit=int(service.title_maxlen), language=message.language)
    return title, plain(message, limit=max(200, longest - len(title) - 2), title=False)


def _instance(url: str, *, to: str) -> Any:
    asset = apprise.AppriseAsset(secure_logging=True, http_redirects=False)
    return apprise.Apprise.instantiate(
        url.replace(_PLACE, quote(to, safe="+")), asset=asset, suppress_exceptions=True
    )


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What apprise logs meanwhile in this thread."""
    lines: list[str] = []
    mine = threading.get_ident()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == mine:
                lines.append(record.getMessage())

    ear, logger = Ear(logging.WARNING), logging.getLogger(_LOGGER)
    logger.addHandler(ear)
    try:
        yield lines
    finally:
        logger.removeHandler(ear)
