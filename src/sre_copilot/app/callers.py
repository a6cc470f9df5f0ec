"""How the audit calls somebody who asks: the person, and the way they came; and the person out of that again."""

from __future__ import annotations

import re

AT_THE_COMMAND_LINE = " at the command line"
_WAYS = re.compile(rf"( \(token [0-9a-f]{{1,16}}\)|{AT_THE_COMMAND_LINE}| by (slack|feishu|dingtalk|wecom))$")
"""The endings that `store.alerting.audit.actor`, the command line and chat add to a name."""


def at_the_command_line(account: str) -> str:
    """Somebody by their account."""
    return f"{account}{AT_THE_COMMAND_LINE}"


def person_in(who: str) -> str:
    """The name alone, however they came."""
    return _WAYS.sub("", who.strip()).strip()
