"""How the audit calls somebody who asks: the person, and the way they came; and the person out of that again."""

from __future__ import annotations

import getpass
import re

LOCAL_ADMIN = "local admin"
"""Whoever started the server, or is at the command line, and has no name of their own."""
AT_THE_COMMAND_LINE = " at the command line"
_WAYS = re.compile(rf"( \(token [0-9a-f]{{1,16}}\)|{AT_THE_COMMAND_LINE}| by (slack|feishu|dingtalk|wecom))$")
"""The endings that `store.alerting.audit.actor`, the command line and chat add to a name."""


def at_the_command_line(account: str) -> str:
    """Somebody by their account."""
    return f"{account}{AT_THE_COMMAND_LINE}"


def person_in(who: str) -> str:
    """The name alone, however they came."""
    return _WAYS.sub("", who.strip()).strip()


def first_name() -> str:
    """Whoever is at this machine: the same name for the first token and for what is asked at the command line, so that nobody approves their own wish as another person."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = ""
    return LOCAL_ADMIN if user in ("", "root") else user
