"""What people were told, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query

from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.shapes import notifications as shapes
from sre_copilot.api.views import Cursor, Hours, Limit, listing
from sre_copilot.clock import rfc3339
from sre_copilot.store.notifications import NotificationStore

routes = Routes(tag="notifications")
Incident = Annotated[
    str, Query(max_length=200, pattern=r"^[^\x00]*$", description="Only those of this incident.")
]
Receiver = Annotated[
    str, Query(max_length=200, pattern=r"^[^\x00]*$", description="Only those to this receiver.")
]
Status = Annotated[
    Literal["pending", "started", "sent", "failed", "skipped"] | None,
    Query(description="Only those of this status."),
]
_ADDRESS = re.compile(r":(.)[^/]*?([^/]{0,2})$")


@routes.get("/notifications", role="viewer", shape=shapes.Notifications)
def notifications(
    service: ServiceHere,
    *,
    hours: Hours = 24,
    incident: Incident = "",
    receiver: Receiver = "",
    status: Status = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """The delivery log, the latest first: each notification with its deliveries and every attempt; addresses of people are shortened."""
    page = NotificationStore(service.database).page(
        since=service.clock.now() - hours * 3600,
        incident=incident,
        receiver=receiver,
        status=status or "",
        cursor=cursor,
        limit=limit,
    )
    return listing(page, notification)


def notification(row: Mapping[str, Any], *, whole: bool = False) -> dict[str, Any]:
    """A notification with what became of it; `whole`: with the addresses of people as they are."""
    content = row["payload"]["content"]
    return {
        "key": row["key"],
        "group": row["group_key"],
        "incident_id": row["incident_id"],
        "receiver": row["receiver"],
        "state": row["state"],
        "sequence": row["sequence"],
        "severity": row["severity"],
        "title": str(content.get("title", "")),
        "status": row["status"],
        "created_at": rfc3339(row["created_at"]),
        "finished_at": rfc3339(row["finished_at"]),
        "problem": row["last_error"],
        "fallback_from": list(content.get("fallback_from") or ()),
        "deliveries": [_delivery(each, whole=whole) for each in row["deliveries"]],
    }


def _delivery(row: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    def shown(text: str) -> str:
        return text if whole else _ADDRESS.sub(r":\1…\2", text)

    return {
        "key": shown(row["key"]),
        "target": shown(row["target"]),
        "kind": row["kind"],
        "status": row["status"],
        "attempts": row["attempts"],
        "started_at": rfc3339(row["started_at"]),
        "sent_at": rfc3339(row["sent_at"]),
        "reference": row["reference"],
        "problem": row["last_error"],
        "merged_into": shown(row["merged_into"]),
        "log": [
            {
                "number": each["number"],
                "at": rfc3339(each["at"]),
                "outcome": each["outcome"],
                "cause": each["cause"],
                "reason": each["reason"],
                "retry_at": rfc3339(each["retry_at"]),
            }
            for each in row["log"]
        ],
    }
