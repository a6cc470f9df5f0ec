"""A notifier as its configuration makes it."""

from __future__ import annotations

import re
from typing import Any

from sre_copilot.action.notify.registry import open_notifier
from sre_copilot.action.notify.service import Service

SIGNING = "a signing secret"
ACTIVE = re.compile(r"(?<![\w.])@\w+|https?://\S+|www\.\S+")  # what a client makes a mention or a link of


def made(kind: str, **settings: Any) -> Service[Any]:
    return open_notifier({"type": kind, **settings}, place="test")
