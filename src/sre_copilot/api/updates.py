"""What happens, as it happens: a stream of the events of alerting, and the audit of what was asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Annotated, Any

import orjson
from fastapi import Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from sre_copilot.api.alerting_commands import AlertingHere
from sre_copilot.api.alerting_views import source_of
from sre_copilot.api.guard import Routes, ServiceHere, may_see, may_see_all
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import alerts as shapes
from sre_copilot.api.streaming import HEARTBEAT_S, MEDIA_TYPE
from sre_copilot.api.views import Cursor, Limit
from sre_copilot.clock import rfc3339
from sre_copilot.domain.event import EventType
from sre_copilot.incidents.watch.telling import SOURCE as WATCH
from sre_copilot.store.tables import LAST_NUMBER
from sre_copilot.store.tokens import Token

routes = Routes(tag="updates")
LOOK_S = 0.25  # between two looks: a person notices no more, and one look is a tenth of a millisecond
MOST_STREAMS = 50  # at the same time: each looks four times a second, and a team has fewer screens
MAY_EVERY_S = 2.0  # between two looks whether the token is still good: soon for who revokes it, and no load
AGAIN_S = 30  # advised to whom finds no place
LAST = LAST_NUMBER
Read = Callable[[int], Sequence[Mapping[str, Any]]]


class Streams:
    """Counts who listens, from the moment that a request for it is admitted."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._most = most
        self.open = 0

    def enter(self) -> None:
        """Count one more; refuse it when as many listen as may."""
        if self.open >= self._most:
            raise Problem(
                429,
                f"{self._most} streams of updates are open already; close one, or ask /api/v1/incidents",
                headers={"Retry-After": str(AGAIN_S)},
            )
        self.open += 1

    def leave(self) -> None:
        """One has ended."""
        self.open -= 1


class Told(StreamingResponse):
    """A stream that says when it has ended, also when its client was gone before it began."""

    def __init__(self, told: AsyncIterator[bytes], *, ended: Callable[[], None]) -> None:
        super().__init__(told, media_type=MEDIA_TYPE)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


@routes.get(
    "/updates",
    role="viewer",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events, each with `id`, `event` and `data`; a comment every ten seconds.",
            "content": {MEDIA_TYPE: {}},
        },
        429: {"description": "Too many streams are open."},
    },
)
async def updates(
    alerting: AlertingHere,
    service: ServiceHere,
    request: Request,
    *,
    after: Annotated[
        int | None,
        Query(ge=0, le=LAST, description="`id` of the last event that is known; none: from now on."),
    ] = None,
    last_event_id: Annotated[str, Header(alias="Last-Event-ID", pattern=r"^\d{0,10}$")] = "",
) -> StreamingResponse:
    """Alerts received, anomalies detected, incidents opened, changed and resolved, diagnoses ready, feedback given, as server-sent events; each has an `id` to go on after."""
    streams: Streams = request.app.state.streams
    token: Token = request.state.token
    streams.enter()
    with ExitStack() as counted:
        counted.callback(streams.leave)
        known = int(last_event_id) if last_event_id else after
        if known is None:
            known = await run_in_threadpool(alerting.records.last_event)
        told = follow(
            alerting.records.changes_since,
            min(known, LAST),
            ended=service.stop.is_set,
            view=lambda row: event_view(row, request),
            may=lambda: service.tokens.living(token.id) is not None,
        )
        return Told(told, ended=counted.pop_all().close)


async def follow(
    read: Read,
    known: int,
    *,
    ended: Callable[[], bool],
    view: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    may: Callable[[], bool] = lambda: True,
    look_s: float = LOOK_S,
    heartbeat_s: float = HEARTBEAT_S,
    may_every_s: float = MAY_EVERY_S,
) -> AsyncIterator[bytes]:
    """Tell what is new since an event, as it comes, until the server ends or who listens `may` no more; who goes away ends it from outside."""
    silent, asked = 0.0, time.monotonic()
    yield b": listening\n\n"
    while not ended():
        if time.monotonic() - asked >= may_every_s:
            if not await run_in_threadpool(may):
                yield b": the token was revoked\n\n"
                return
            asked = time.monotonic()
        rows = await run_in_threadpool(read, known)
        for row in rows:
            known = row["id"]
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (known, row["type"].encode(), orjson.dumps(view(row)))
        if rows:
            silent = 0.0
            continue
        if silent >= heartbeat_s:
            silent = 0.0
            yield b": heartbeat\n\n"
        silent += look_s
        await asyncio.sleep(look_s)


def event_view(row: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """An event; of what came from a source that the token may not see it says only that there is something."""
    data = row["data"]
    if row["type"] == EventType.ALERT_RECEIVED and data.get("source") == WATCH:
        if not may_see(request, source_of(data.get("labels", {}), data.get("annotations", {}))):
            data = {**data, "annotations": {}, "hidden": True}
    elif row["type"] == EventType.ANOMALY_DETECTED and not may_see(request, data.get("source", "")):
        known = ("anomaly_id", "entity", "metric", "status", "severity", "since", "at", "source")
        data = {name: data[name] for name in known if name in data} | {"hidden": True}
    elif row["type"] == EventType.DIAGNOSIS_READY and not may_see_all(request):
        data = {name: data[name] for name in ("incident_id", "outcome") if name in data} | {"hidden": True}
    return {"type": row["type"], "key": row["key"], "at": rfc3339(row["at"]), "data": data}


@routes.get("/audit", role="approver", shape=shapes.Audit)
def audit(alerting: AlertingHere, *, cursor: Cursor = None, limit: Limit = 100) -> dict[str, Any]:
    """Every change that was asked for, refused ones too, latest first."""
    page = alerting.records.audit_page(cursor=cursor, limit=limit)
    return {"items": [{**row, "at": rfc3339(row["at"])} for row in page.rows], "next": page.next}
