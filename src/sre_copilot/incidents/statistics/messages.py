"""Which messages are about alerts, and so count as noise and as the first word that somebody got: those that the alert pipeline makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from sre_copilot.store.notifications import notifications

ABOUT_ALERTS = "alerts"
OTHERS = ("report/", "handover/", "approval/", "workflow/", "action/", "deadman/")
"""How keys of other messages begin; asked only of messages that were kept before they said what they are about."""


def about_alerts(row: Mapping[str, Any]) -> bool:
    """Whether a kept message is about alerts."""
    about = (row.get("payload") or {}).get("about")
    return str(about) == ABOUT_ALERTS if about is not None else not str(row.get("key", "")).startswith(OTHERS)


def told_of_alerts() -> ColumnElement[bool]:
    """The same as a condition."""
    about = notifications.c.payload["about"].as_string()
    others = (~notifications.c.key.startswith(each, autoescape=True) for each in OTHERS)
    return or_(about == ABOUT_ALERTS, and_(about.is_(None), *others))
