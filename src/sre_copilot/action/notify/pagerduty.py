"""PagerDuty, Events API v2: trigger, acknowledge and resolve one alert by its `dedup_key`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any, Self

import orjson
from pydantic import model_validator

from sre_copilot.action.exchange import Answer
from sre_copilot.action.notify.http import HttpSender
from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.service import Service, bot
from sre_copilot.action.notify.settings import HttpNotifierSettings, check_address
from sre_copilot.action.notify.text import CUT, cut, links
from sre_copilot.clock import rfc3339
from sre_copilot.settings.alerting.notify import PAGERDUTY_KEY, Limit
from sre_copilot.settings.secret import Secret

LARGEST = 512_000  # bytes of an event
SUMMARY = 1024  # characters
DEDUP_KEY = 255  # characters
_SEVERITIES = {
    "critical": "critical",
    "high": "error",
    "error": "error",
    "warning": "warning",
    "low": "info",
    "info": "info",
}


class PagerDutySettings(HttpNotifierSettings):
    """What PagerDuty can be told."""

    routing_key: Secret
    """Integration key of the service; default: the variable `PAGERDUTY_API_KEY`."""
    url: str = "https://events.pagerduty.com/v2/enqueue"
    """Address of the Events API; another one for the European region or a gateway."""

    @model_validator(mode="before")
    @classmethod
    def _variable(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and not data.get("routing_key") and os.environ.get(PAGERDUTY_KEY):
            return {**data, "routing_key": os.environ[PAGERDUTY_KEY]}
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.url, key="url", allow_plaintext=self.allow_plaintext)
        return self


class PagerDutyNotifier(Service[PagerDutySettings]):
    """One service of PagerDuty."""

    Settings = PagerDutySettings
    limits = (Limit(messages=120, seconds=60),)
    digests = False

    def __init__(self, settings: PagerDutySettings) -> None:
        self.settings = settings
        self._key = settings.routing_key.get_secret_value()
        self.bot = bot("pagerduty", settings.url, self._key)
        self._http = HttpSender(settings, secrets=[self._key])

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Send one event; the reference is the `dedup_key`."""
        body = event(message, routing_key=self._key)
        found = self._http.post(
            self.settings.url, body, timeout_s=timeout_s, key=message.key, judge=self._judge
        )
        return found if found.reference or not found.ok else Delivered(ok=True, reference=dedup_key(message))

    def _judge(self, answer: Answer) -> Delivered:
        document = answer.document()
        given = document.get("dedup_key", "") if isinstance(document, dict) else ""
        return Delivered(ok=True, reference=str(given)[:DEDUP_KEY])

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def dedup_key(message: Message) -> str:
    """One alert of PagerDuty for each group: its later messages change and close it; a repetition changes nothing."""
    return (
        message.group
        if len(message.group) <= DEDUP_KEY
        else hashlib.sha256(message.group.encode()).hexdigest()
    )


def action(message: Message) -> str:
    """What the event does."""
    if message.state == "resolved":
        return "resolve"
    return (
        "acknowledge"
        if message.data.get("status") == "acknowledged" and message.state == "updated"
        else "trigger"
    )


def event(message: Message, *, routing_key: str) -> bytes:
    """The event as bytes; above the cap the details are left out and that is said, as Alertmanager does."""
    document: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": action(message),
        "dedup_key": dedup_key(message),
    }
    if document["event_action"] == "trigger":
        document |= {"client": "SRE Copilot", "payload": _payload(message)}
        document["links"] = [{"href": url, "text": text} for url, text in links(message)]
        if str(message.data.get("external_url", "")).startswith("http"):
            document["client_url"] = str(message.data["external_url"])
    body = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS, default=str)
    if len(body) <= LARGEST:
        return body
    left_out = CUT[message.language].format(more=len(body) - LARGEST)
    document["payload"]["custom_details"] = {
        "key": message.key,
        "cut": left_out,
        "text": cut(message.text, limit=10_000, language=message.language),
    }
    return orjson.dumps(document, default=str)


def _payload(message: Message) -> dict[str, Any]:
    data = message.data
    started = data.get("started_at")
    found = {
        "summary": cut(" ".join(message.title.split()), limit=SUMMARY, language=message.language) or "-",
        "source": str(data.get("service") or data.get("incident_id") or "sre-copilot"),
        "severity": _SEVERITIES.get(message.severity, "warning"),
        "timestamp": rfc3339(float(started)) if isinstance(started, int | float) else None,
        "component": str(data.get("service") or ""),
        "group": str(data.get("priority") or ""),
        "class": str((data.get("anomaly") or {}).get("metric", ""))
        if isinstance(data.get("anomaly"), Mapping)
        else "",
        "custom_details": {
            "key": message.key,
            "state": message.state,
            "text": message.text,
            **{str(k): v for k, v in message.fields},
            "content": dict(data),
        },
    }
    return {name: value for name, value in found.items() if value not in (None, "")}
