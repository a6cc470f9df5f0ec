"""Answers in chat that do not go into the body of an answer: to the address that a request named, or as a message of the bot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from sre_copilot.action.exchange import Answer
from sre_copilot.action.posting import post
from sre_copilot.decision.chat.request import Heard
from sre_copilot.decision.chat.slack import escaped
from sre_copilot.settings.acting.approval_chat import ApprovalChat, FeishuChat, SlackChat
from sre_copilot.telemetry import log

_log = log(__name__)


class Replies:
    """Speaks to the platforms that are configured."""

    def __init__(self, settings: ApprovalChat) -> None:
        self._settings = settings

    def send(self, platform: str, heard: Heard, text: str) -> None:
        """Answer what was heard; that it did not arrive is logged, for the decision counts all the same."""
        chosen = self._settings
        if platform == "slack" and chosen.slack is not None:
            _said(platform, _to_slack(chosen.slack, heard, text))
        elif platform == "feishu" and chosen.feishu is not None:
            _said(platform, _to_feishu(chosen.feishu, heard, text))
        elif platform == "dingtalk" and chosen.dingtalk is not None:
            document = {"msgtype": "text", "text": {"content": text}}
            _said(platform, _to_address(heard.where, chosen.dingtalk.base_url, document))


def _to_slack(settings: SlackChat, heard: Heard, text: str) -> Answer | None:
    if heard.back == "address":
        document = {"response_type": "ephemeral", "replace_original": False, "text": escaped(text)}
        return _to_address(heard.where, settings.hooks_url, document)
    if settings.bot_token is None:
        return None
    document = {
        "channel": heard.where,
        "thread_ts": heard.thread,
        "text": escaped(text),
        "unfurl_links": False,
    }
    bearer = {"authorization": f"Bearer {settings.bot_token.get_secret_value()}"}
    return post(f"{settings.base_url}/chat.postMessage", document, headers=bearer)


def _to_feishu(settings: FeishuChat, heard: Heard, text: str) -> Answer | None:
    if settings.app_secret is None:
        return None
    named = {"app_id": settings.app_id, "app_secret": settings.app_secret.get_secret_value()}
    token = _field(
        post(f"{settings.base_url}/open-apis/auth/v3/tenant_access_token/internal", named),
        "tenant_access_token",
    )
    if not token or not heard.where.replace("_", "").isalnum():  # it becomes a part of the address
        return None
    document = {"msg_type": "text", "content": orjson.dumps({"text": text}).decode()}
    address = f"{settings.base_url}/open-apis/im/v1/messages/{heard.where}/reply"
    return post(address, document, headers={"authorization": f"Bearer {token}"})


def _to_address(address: str, allowed: str, document: Mapping[str, Any]) -> Answer | None:
    """Answer where a request wants it, as far as that is the platform."""
    if not address.startswith(f"{allowed}/"):
        return None
    return post(address, document)


def _field(answer: Answer | None, name: str) -> str:
    found = answer.document() if answer is not None else None
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _said(platform: str, answer: Answer | None) -> None:
    """Say in the log that the platform refused: Slack and Feishu do so with status 200."""
    found = answer.document() if answer is not None else None
    well = answer is not None and answer.ok
    if isinstance(found, dict):
        well = well and found.get("ok", True) is True and not (found.get("code") or found.get("errcode"))
    if answer is not None and not well:
        _log.warning("an answer in chat was refused", platform=platform, status=answer.status)
