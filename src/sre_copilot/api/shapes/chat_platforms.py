"""What chat platforms are answered: each in its own form."""

from __future__ import annotations

from typing import Literal

from sre_copilot.api.shapes.shape import Shape


class SlackAnswer(Shape):
    """`challenge` where Slack asks whether the address is ours; a text where a slash command is answered; else nothing."""

    challenge: str = ""
    response_type: Literal["ephemeral"] = "ephemeral"
    text: str = ""


class Toast(Shape):
    """What is shown for a moment to whoever pressed a button."""

    type: Literal["info"]
    content: str


class FeishuAnswer(Shape):
    """`challenge` where Feishu asks whether the address is ours; `toast` where a button is answered; else nothing."""

    challenge: str = ""
    toast: Toast | None = None


class DingTalkAnswer(Shape):
    """Nothing: answers go to the conversation."""
