"""The platforms that are configured."""

from __future__ import annotations

from collections.abc import Mapping

from sre_copilot.decision.chat.dingtalk import DingTalk
from sre_copilot.decision.chat.feishu import Feishu
from sre_copilot.decision.chat.request import Platform
from sre_copilot.decision.chat.slack import Slack
from sre_copilot.decision.chat.wecom import WeCom
from sre_copilot.settings.acting.approval_chat import ApprovalChat


def platforms(settings: ApprovalChat) -> Mapping[str, Platform]:
    """Those that are configured, by name."""
    found: dict[str, Platform] = {}
    if settings.slack is not None:
        found["slack"] = Slack(settings.slack)
    if settings.feishu is not None:
        found["feishu"] = Feishu(settings.feishu)
    if settings.dingtalk is not None:
        found["dingtalk"] = DingTalk(settings.dingtalk)
    if settings.wecom is not None:
        found["wecom"] = WeCom(settings.wecom)
    return found
