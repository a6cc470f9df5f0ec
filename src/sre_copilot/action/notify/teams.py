"""Microsoft Teams: an adaptive card to the webhook of a workflow."""

from __future__ import annotations

from typing import Any, Self

import orjson
from pydantic import model_validator

from sre_copilot.action.exchange import Answer
from sre_copilot.action.notify.http import HttpSender
from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.outcomes import failed
from sre_copilot.action.notify.service import Service, bot
from sre_copilot.action.notify.settings import HttpNotifierSettings, check_address
from sre_copilot.action.notify.text import cut, inert, json_octets, key_line, line, links
from sre_copilot.settings.alerting.notify import Limit
from sre_copilot.settings.secret import Secret

LARGEST = 28_000  # bytes of a card
TITLE = 500  # characters, for a phone
_BLOCK_BYTES = 100  # of a block and its run around a line: 84 by count
_COLOURS = {"critical": "attention", "high": "attention", "warning": "warning"}


class TeamsSettings(HttpNotifierSettings):
    """What Teams can be told."""

    url: Secret
    """Address of the workflow “Post to a channel when a webhook request is received”."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_address(self.url.get_secret_value(), key="url", allow_plaintext=self.allow_plaintext)
        return self


class TeamsNotifier(Service[TeamsSettings]):
    """One channel."""

    Settings = TeamsSettings
    limits = (Limit(messages=4, seconds=1),)

    def __init__(self, settings: TeamsSettings) -> None:
        self.settings = settings
        self._url = settings.url.get_secret_value()
        self.bot = bot("teams", self._url)
        self._http = HttpSender(settings, secrets=[self._url])

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Post one card."""
        return self._http.post(
            self._url, payload(message), timeout_s=timeout_s, key=message.key, judge=self._judge
        )

    def _judge(self, answer: Answer) -> Delivered:
        """Connectors answer 200 with the error of the service behind them as text."""
        if "HTTP error 429" in answer.text:
            return failed(self._http.said(answer), retry=True, cause="rateLimited")
        if "failed with error" in answer.text:
            return failed(self._http.said(answer), retry=True, cause="serverError")
        return Delivered(ok=True)

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def payload(message: Message) -> bytes:
    """The card as bytes; runs of rich text know no markup, so that nothing of an alert becomes any."""
    room = LARGEST - len(orjson.dumps(_card(message, "")))
    text = cut(inert(message.text), limit=max(0, room), measure=_blocks, language=message.language)
    return orjson.dumps(_card(message, text))


def _blocks(text: str) -> int:
    """Bytes that a text takes as blocks, one a line."""
    return json_octets(text) + (text.count("\n") + 1) * _BLOCK_BYTES


def _card(message: Message, text: str) -> dict[str, Any]:
    lang = message.language
    title = _run(cut(line(message.title), limit=TITLE, language=lang), weight="Bolder", size="Large")
    title["color"] = "good" if message.state == "resolved" else _COLOURS.get(message.severity, "default")
    lines = [_block(title)]
    for name, value in message.fields:
        shown = cut(line(value), limit=TITLE, language=lang)
        lines.append(_block(_run(f"{line(name)[:100]}: ", weight="Bolder"), _run(shown)))
    lines += [_block(_run(each)) for each in text.split("\n") if each.strip()]
    lines.append(_block(_run(key_line(message), isSubtle=True, size="Small")))
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": lines,
        "actions": [
            {"type": "Action.OpenUrl", "title": label[:100], "url": url} for url, label in links(message)
        ],
        "msteams": {"width": "Full"},
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": content}]}


def _block(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs), "spacing": "Small"}


def _run(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text or " ", **style}
