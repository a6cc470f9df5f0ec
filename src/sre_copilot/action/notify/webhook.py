"""Webhook: the body that Alertmanager sends (version 4), with our own fields beside it."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Self

import orjson
from pydantic import Field, model_validator

from sre_copilot.action.notify.http import HttpSender
from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.service import Service, bot
from sre_copilot.action.notify.settings import HttpNotifierSettings, check_address
from sre_copilot.clock import rfc3339
from sre_copilot.settings.secret import Secret

OPEN = "0001-01-01T00:00:00Z"  # what Alertmanager writes for an end that is not known
_OWN = (
    "title",
    "severity",
    "priority",
    "service",
    "services",
    "blast_radius",
    "cause",
    "confidence",
    "anomaly",
    "recommendation",
)


class WebhookSettings(HttpNotifierSettings):
    """What a webhook can be told."""

    url: Secret
    """Address to post to."""
    bearer_token: Secret | None = None
    """Token of the `Authorization: Bearer` header."""
    headers: dict[str, Secret] = Field(default_factory=dict)
    """Further headers."""
    hmac_secret: Secret | None = None
    """Sign each body: `X-Sre-Copilot-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 over `SECONDS.BODY`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.url.get_secret_value(), key="url", allow_plaintext=self.allow_plaintext)
        return self


class WebhookNotifier(Service[WebhookSettings]):
    """One address that takes JSON."""

    Settings = WebhookSettings
    digests = False

    def __init__(self, settings: WebhookSettings) -> None:
        self.settings = settings
        self._url = settings.url.get_secret_value()
        self._hmac = settings.hmac_secret.get_secret_value().encode() if settings.hmac_secret else b""
        self._headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        if settings.bearer_token:
            self._headers["authorization"] = f"Bearer {settings.bearer_token.get_secret_value()}"
        self.bot = bot("webhook", self._url)
        secrets = [self._url, *self._headers.values(), self._hmac.decode()]
        self._http = HttpSender(settings, secrets=[each for each in secrets if len(each) > 3])

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Post one message."""
        body = orjson.dumps(payload(message), option=orjson.OPT_NON_STR_KEYS, default=str)
        headers = {**self._headers, **self._signature(body, int(time.time()))}
        return self._http.post(self._url, body, timeout_s=timeout_s, key=message.key, headers=headers)

    def _signature(self, body: bytes, now: int) -> dict[str, str]:
        if not self._hmac:
            return {}
        digest = hmac.new(self._hmac, b"%d." % now + body, hashlib.sha256).hexdigest()
        return {"x-sre-copilot-signature": f"t={now},v1={digest}"}

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def payload(message: Message) -> dict[str, Any]:
    """Alertmanager's fields, and ours: what a program needs to decide, and the words for people."""
    data = message.data
    common = _texts(data.get("labels"))
    alerts = [_alert(each, message, common) for each in data.get("alerts", [])]
    return {
        "version": "4",
        "groupKey": message.group,
        "truncatedAlerts": max(0, int(data.get("alert_count") or len(alerts)) - len(alerts)),
        "receiver": str(data.get("receiver", "")),
        "status": "resolved" if message.state == "resolved" else "firing",
        "notification_reason": message.state,
        "alerts": alerts,
        "groupLabels": common,
        "commonLabels": common,
        "commonAnnotations": {"summary": message.title, "description": message.text},
        "externalURL": str(data.get("external_url", "")),
        "key": message.key,
        "state": message.state,
        "text": message.text,
        "incident": {
            "id": str(data.get("incident_id", "")),
            **{name: data[name] for name in _OWN if name in data},
        },
        "links": [{"href": url, "text": text} for url, text in message.links],
    }


def _alert(alert: Mapping[str, Any], message: Message, common: Mapping[str, str]) -> dict[str, Any]:
    ended = alert.get("ends_at") or (message.data.get("resolved_at") if message.state == "resolved" else None)
    labels = {
        "alertname": str(alert.get("name", "")),
        "severity": str(alert.get("severity", "")),
        "service": str(alert.get("service", "")),
    }
    return {
        "status": "resolved" if message.state == "resolved" else str(alert.get("status") or "firing"),
        "labels": {
            **{name: value for name, value in labels.items() if value},
            **common,
            **_texts(alert.get("labels")),
        },
        "annotations": {"summary": str(alert["summary"])} if alert.get("summary") else {},
        "startsAt": _time(alert.get("starts_at")),
        "endsAt": _time(ended),
        "generatorURL": str(alert.get("generator_url", "")),
        "fingerprint": str(alert.get("fingerprint", "")),
    }


def _time(moment: Any) -> str:
    return rfc3339(float(moment)) or OPEN if isinstance(moment, int | float) else OPEN


def _texts(labels: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, Mapping) else {}
