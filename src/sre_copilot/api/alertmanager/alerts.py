"""`/alerts`, `/alerts/groups`: alerts that are sent, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from sre_copilot.alerts.state import GroupState
from sre_copilot.api.alerting_views import source_of
from sre_copilot.api.alertmanager.access import admission, api_way, needs_json, sees
from sre_copilot.api.alertmanager.backend import backend_of
from sre_copilot.api.alertmanager.filters import BadRequest, Wanted, matchers_of, receiver_of, refused
from sre_copilot.api.alertmanager.views import Receivers, Seen, alert_view, group_view, receivers_of
from sre_copilot.api.guard import Routes, service_of
from sre_copilot.api.intake_desk import Way, keep, ways_of
from sre_copilot.api.intake_limits import decoded, read_body
from sre_copilot.api.shapes import alertmanager as shapes
from sre_copilot.api.views import Json

routes = Routes(
    tag="alertmanager", admission=admission, refusals=(404, 415, 429), media=("application/json",)
)
Filters = Annotated[list[str], Query(alias="filter", description="Matchers, such as `service=\"shop\"`; may be repeated.")]  # fmt: skip
Receiver = Annotated[str | None, Query(description="Pattern of the receiver's name.", max_length=1000)]
OfReceivers = Annotated[list[str], Query(alias="receiver_matchers", description="Matchers of the receiver's labels; ours have none.")]  # fmt: skip
MOST_TOLD = 20  # problems that a refusal names


@routes.get("/alerts", role="viewer", shape=list[shapes.GettableAlert])
async def alerts(
    request: Request, *, active: bool = True, silenced: bool = True, inhibited: bool = True, unprocessed: bool = True,
    filter_: Filters = [], receiver: Receiver = None, receiver_matchers: OfReceivers = [],  # noqa: B006 - never changed
) -> Response:  # fmt: skip
    """Alerts that go on."""
    try:
        wanted = Wanted(
            active=active, silenced=silenced, inhibited=inhibited, unprocessed=unprocessed,
            matchers=matchers_of(filter_), receiver=receiver_of(receiver),
        )  # fmt: skip
        ours = _ours(receiver_matchers)
    except BadRequest as error:
        return refused(str(error))
    backend = backend_of(request)
    found, groups = await backend.alerts(), await backend.groups()
    return await run_in_threadpool(_listed, request, found if ours else (), groups, wanted)


def _listed(
    request: Request, found: Sequence[Seen], groups: Sequence[GroupState], wanted: Wanted
) -> Response:
    view = _viewing(request, groups)
    chosen = [each for each in found if wanted.takes(each, view.receivers(each), now=view.now)]
    chosen.sort(key=lambda each: each.fingerprint)
    return Json([view.of(each) for each in chosen])


@routes.get("/alerts/groups", role="viewer", shape=list[shapes.AlertGroup])
async def groups(
    request: Request, *, active: bool = True, silenced: bool = True, inhibited: bool = True, muted: bool = True,
    filter_: Filters = [], receiver: Receiver = None, receiver_matchers: OfReceivers = [],  # noqa: B006 - never changed
) -> Response:  # fmt: skip
    """Aggregation groups with their alerts."""
    try:
        wanted = Wanted(active=active, silenced=silenced, inhibited=inhibited, matchers=matchers_of(filter_))
        pattern, ours = receiver_of(receiver), _ours(receiver_matchers)
    except BadRequest as error:
        return refused(str(error))
    backend = backend_of(request)
    found, known = await backend.alerts(), await backend.groups()
    chosen = [each for each in known if ours and (pattern is None or pattern.accepts(each.receiver))]
    return await run_in_threadpool(_grouped, request, found, chosen, wanted, muted)


def _grouped(
    request: Request, found: Sequence[Seen], known: Sequence[GroupState], wanted: Wanted, muted: bool
) -> Response:
    view = _viewing(request, known)
    by_key = {each.fingerprint: each for each in found}
    shown: list[dict[str, Any]] = []
    for group in sorted(known, key=lambda each: (sorted(each.labels.items()), each.receiver)):
        members = [by_key[key] for key in sorted(group.fingerprints) if key in by_key]
        members = [each for each in members if wanted.takes(each, view.receivers(each), now=view.now)]
        if members and (muted or not all(each.muted for each in members)):
            shown.append(group_view(group, [view.of(each) for each in members]))
    return Json(shown)


@routes.post("/alerts", role="responder", response_class=Response)
async def post_alerts(request: Request) -> Response:
    """Take alerts as Prometheus sends them; 200 once they are durable. Those that cannot be read are refused, and the others kept."""
    needs_json(request)
    way = api_way(request)
    way.admit_request()
    body = await read_body(request, largest=ways_of(request).settings.largest_body_bytes)
    return await posted(request, way, decoded(body))


async def posted(request: Request, way: Way, document: Any) -> Response:
    """Keep posted alerts; those that cannot be read are said as Alertmanager says them."""
    batch = way.read(document, received_at=service_of(request).clock.now())
    await keep(request, way, batch)
    if not batch.rejected:
        return Response(status_code=200)
    said = [f"alert {each.index}: {each.field}: {each.problem}" for each in batch.rejected[:MOST_TOLD]]
    more = len(batch.rejected) - len(said)
    return refused("; ".join([*said, *([f"and {more:,} more"] if more else [])]))


def _ours(texts: Sequence[str]) -> bool:
    """Whether our receivers, which have no labels, are among those that are asked for."""
    return all(matcher.matches({}) for matcher in matchers_of(texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Viewing:
    """How the alerts of one answer are written."""

    request: Request
    names: Receivers
    now: float
    resolve_after_s: float

    def receivers(self, alert: Seen) -> Sequence[str]:
        return self.names.get(alert.fingerprint, ())

    def of(self, alert: Seen) -> dict[str, Any]:
        return alert_view(
            alert, self.receivers(alert), now=self.now, resolve_after_s=self.resolve_after_s, hidden=self._hides(alert),
        )  # fmt: skip

    def _hides(self, alert: Seen) -> bool:
        return bool(alert.anomaly_id) and not sees(self.request, source_of(alert.labels, alert.annotations))


def _viewing(request: Request, groups: Sequence[GroupState]) -> _Viewing:
    service = service_of(request)
    return _Viewing(
        request=request,
        names=receivers_of(groups),
        now=service.clock.now(),
        resolve_after_s=service.settings.alerting.intake.resolve_after_seconds,
    )
