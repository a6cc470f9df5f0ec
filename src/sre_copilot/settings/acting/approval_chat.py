"""The keys of `decision.approval.chat`: the chat platforms that may bring decisions in, and by what each proves that it sent a request."""

from __future__ import annotations

import base64
import binascii
from ipaddress import ip_address
from typing import Annotated, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

SHORTEST = (
    16  # characters of a secret by which alone a request is trusted; what platforms give has 32 and more
)
AES_KEY = 43  # characters: 32 bytes in Base64 without the sign at its end


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST:
        raise ValueError(
            f"is too short: a secret of the platform has at least {SHORTEST} characters; copy the whole"
        )
    return secret


def _some(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("is empty, so that anybody could sign; copy it from the platform")
    return secret


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no address; write it as https://HOST")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise ValueError("answers would travel in clear; use https")
    return url.rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _aes_key(secret: SecretStr) -> SecretStr:
    try:
        known = len(base64.b64decode(secret.get_secret_value() + "=", validate=True)) == 32
    except (binascii.Error, ValueError):
        known = False
    if not known or len(secret.get_secret_value()) != AES_KEY:
        raise ValueError(f"must be the EncodingAESKey of the app: {AES_KEY} letters and digits")
    return secret


LongSecret = Annotated[Secret, AfterValidator(_long)]
SomeSecret = Annotated[Secret, AfterValidator(_some)]
Address = Annotated[str, AfterValidator(_address)]


class SlackChat(Section):
    """A Slack app whose requests are taken at `/api/v1/chat/slack`."""

    signing_secret: LongSecret
    """Signing secret of the app (Basic Information)."""
    bot_token: Secret | None = None
    """Token of its bot (`xoxb-…`, scope `chat:write`), to answer messages; slash commands and buttons are answered without."""
    workspace: str = ""
    """Id of the workspace (`T…`) whose members alone are heard; empty: whoever Slack lets speak to the app, guests of shared channels too."""
    base_url: Address = "https://slack.com/api"
    """Address of the Web API; another one only for a gateway of your own."""
    hooks_url: Address = "https://hooks.slack.com"
    """Where answers to buttons may be sent: what a request names elsewhere is left out."""


class FeishuChat(Section):
    """A Feishu or Lark app whose events are taken at `/api/v1/chat/feishu`."""

    verification_token: LongSecret
    """Verification token of the app (Events & Callbacks, encryption strategy)."""
    encrypt_key: Annotated[Secret, AfterValidator(_some)] | None = None
    """Encrypt key of the app; with it every event must be signed. Without one the token alone shows that it is Feishu: set it."""
    app_id: str = ""
    """Id of the app (`cli_…`), to answer messages; buttons of cards are answered without."""
    app_secret: Secret | None = None
    """Secret of the app, to answer messages."""
    base_url: Address = "https://open.feishu.cn"
    """Address of the platform; `https://open.larksuite.com` for Lark."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.app_id) != (self.app_secret is not None):
            raise ValueError("app_id: stands without app_secret, or the reverse; give both or none")
        return self


class DingTalkChat(Section):
    """An app robot of DingTalk whose messages are taken at `/api/v1/chat/dingtalk`."""

    app_secret: LongSecret
    """Secret of the app (AppSecret)."""
    base_url: Address = "https://oapi.dingtalk.com"
    """Where answers may be sent: what a request names elsewhere is left out."""


class WeComChat(Section):
    """An app of WeCom whose messages are taken at `/api/v1/chat/wecom`."""

    token: SomeSecret
    """Token of the callback (API for receiving messages)."""
    encoding_aes_key: Annotated[Secret, AfterValidator(_aes_key)]
    """EncodingAESKey of the callback."""
    corp_id: Annotated[str, Field(min_length=1, max_length=100)]
    """Id of the company (`ww…`): what was sealed for another one is refused."""


class ApprovalChat(Section):
    """Chat platforms that may bring decisions in; none unless it stands here."""

    slack: SlackChat | None = None
    """A Slack app; its senders are the persons' `slack`."""
    feishu: FeishuChat | None = None
    """A Feishu or Lark app; its senders are the persons' `feishu`, the `open_id` for this very app."""
    dingtalk: DingTalkChat | None = None
    """An app robot of DingTalk; its senders are the persons' `dingtalk`, which must be the user id."""
    wecom: WeComChat | None = None
    """An app of WeCom; its senders are the persons' `wecom`."""

    def platforms(self) -> tuple[str, ...]:
        """Those that are configured."""
        return tuple(name for name in PLATFORMS if getattr(self, name) is not None)


PLATFORMS = tuple(
    name for name, each in ApprovalChat.model_fields.items() if type(None) in get_args(each.annotation)
)
