"""Who is on call, and who takes over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import Header, Query, Request, Response
from pydantic import AwareDatetime, Field, StringConstraints

from sre_copilot.alerts.oncall.people import OnCall
from sre_copilot.alerts.oncall.roster import Roster
from sre_copilot.alerts.oncall.schedule import Schedule
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import oncall as shapes
from sre_copilot.api.views import AcceptLanguage, Cursor, Lang, Language, Limit, language, listing
from sre_copilot.app.oncall import LiveRoster
from sre_copilot.app.oncall_changes import new_override, person_called, schedule_of
from sre_copilot.app.serving import Service
from sre_copilot.clock import rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.words import moment, word
from sre_copilot.settings.section import at_least
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.oncall import OverrideStore
from sre_copilot.store.tokens import Token

routes = Routes(tag="oncall")
DAY_S = 86_400.0
EARLIEST, LATEST = 0.0, 4_102_444_800.0  # 1970 to 2100: time zones are known there
Days = Annotated[float, Query(gt=0, le=366, description="So many days from `start` on.")]
At = Annotated[AwareDatetime | None, Query(description="Another time than now.")]
IfMatch = Annotated[str, Header(alias="if-match", max_length=40, description="`ETag` that was read.")]
IdempotencyKey = Annotated[
    str, Header(alias="idempotency-key", max_length=200, description="The same again is no second one.")
]
Refused: dict[int | str, dict[str, Any]] = {
    400: {"description": "A field cannot be used; it is named."},
    403: {"description": "A responder may only take over themselves; an approver may for others."},
    404: {"description": "There is none of this name."},
}


class NewOverride(Body):
    """Who takes over, from when to when; `replaces` names the one person whose place is taken, everybody's when empty."""

    person: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    start: AwareDatetime
    end: AwareDatetime
    replaces: Annotated[str, Field(max_length=64)] = ""
    reason: Annotated[str, Field(max_length=1000)] = ""


@routes.get("/oncall", role="viewer", responses={400: Refused[400]}, shape=shapes.OnCall)
def oncall(
    service: ServiceHere,
    request: Request,
    *,
    at: At = None,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Who is on call now, by schedule; `gap` says that nobody is."""
    live, when = _live(request), _seconds(at, "at", service.clock.now())
    roster = live.now(service.clock.now(), fresh=True)
    spoken = language(lang, accept_language, service.settings.language)
    items = [_now(roster, each, when, spoken) for each in roster.schedules.values()]
    return {"at": rfc3339(when), "items": items, "problems": list(live.problems)}


@routes.get(
    "/oncall/{schedule}/shifts",
    role="viewer",
    responses={n: Refused[n] for n in (400, 404)},
    shape=shapes.Shifts,
)
def shifts(
    service: ServiceHere, request: Request, schedule: str, *, start: At = None, days: Days = 7
) -> dict[str, Any]:
    """Who is on call from when to when, and the times in which nobody is."""
    roster, plan = _planned(service, request, schedule)
    begin = _seconds(start, "start", service.clock.now())
    end = min(begin + days * DAY_S, LATEST)
    gaps = [{"start": rfc3339(low), "end": rfc3339(high)} for low, high in plan.gaps(begin, end)]
    items = [_shift(roster, each) for each in plan.shifts(begin, end)]
    return {"start": rfc3339(begin), "end": rfc3339(end), "items": items, "gaps": gaps}


@routes.get(
    "/oncall/{schedule}/overrides", role="viewer", responses={404: Refused[404]}, shape=shapes.Overrides
)
def overrides(
    service: ServiceHere, request: Request, schedule: str, *, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """Overrides of a schedule, the latest made first; the removed ones too."""
    _planned(service, request, schedule)
    return listing(_store(service).page(schedule=schedule, cursor=cursor, limit=limit), _override)


@routes.post(
    "/oncall/{schedule}/overrides",
    role="responder",
    status_code=201,
    shape=shapes.Override,
    responses={
        **Refused,
        200: {"description": "It is there already: the same was asked for before.", "model": shapes.Override},
    },
)
def add_override(
    service: ServiceHere,
    request: Request,
    response: Response,
    schedule: str,
    new: NewOverride,
    *,
    idempotency_key: IdempotencyKey = "",
) -> dict[str, Any]:
    """Let somebody take over: a responder themselves, an approver anybody."""
    asked = {"schedule": schedule, **new.model_dump(mode="json")}
    with _refusals(service, request, "add", subject=schedule, **asked):
        kept, is_new = _added(service, request, schedule, new, once=idempotency_key)
    response.status_code = 201 if is_new else 200
    response.headers["ETag"] = _tag(kept)
    return _override(kept)


@routes.delete(
    "/oncall/{schedule}/overrides/{key}",
    role="responder",
    responses={**Refused, 412: {"description": "It was changed meanwhile, or is removed."}},
    shape=shapes.Override,
)
def remove_override(
    service: ServiceHere, request: Request, schedule: str, key: str, *, if_match: IfMatch = ""
) -> dict[str, Any]:
    """Remove an override; what was on call before its removal stays known by its row."""
    with _refusals(service, request, "remove", subject=key, schedule=schedule):
        return _override(_removed(service, request, schedule, key, if_match=if_match))


@contextmanager
def _refusals(
    service: Service, request: Request, verb: Literal["add", "remove"], *, subject: str, **asked: Any
) -> Iterator[None]:
    """Note a change that is refused, with the reason; one that is made is noted with it."""
    try:
        yield
    except (Problem, UsageError) as error:
        by, now = actor(_token(request)), service.clock.now()
        _store(service).refused(verb, subject=subject, now=now, by=by, problem=str(error), **asked)
        raise


def _added(
    service: Service, request: Request, schedule: str, new: NewOverride, *, once: str
) -> tuple[Mapping[str, Any], bool]:
    roster, _ = _planned(service, request, schedule)
    token, now = _token(request), service.clock.now()
    row = new_override(
        roster,
        schedule=schedule,
        person=new.person,
        start=new.start.timestamp(),
        end=new.end.timestamp(),
        replaces=new.replaces,
        reason=new.reason,
        now=now,
        key=f"{token.id}/{once}" if once else "",
    )
    _may(roster, token, new.person)
    try:
        return _store(service).add(row, now=now, by=actor(token))
    except UsageError:
        said = "this Idempotency-Key was used for another override; use another one"
        raise Problem(400, said, field="idempotency-key") from None


def _removed(
    service: Service, request: Request, schedule: str, key: str, *, if_match: str
) -> Mapping[str, Any]:
    roster, _ = _planned(service, request, schedule)
    token, row = _token(request), _store(service).get(key)
    if row is None or row["schedule"] != schedule:
        raise Problem(404, f"there is no override '{key}' of this schedule", field="key")
    _may(roster, token, row["person"])
    now, changed = service.clock.now(), None
    if if_match in ("", "*", _tag(row)):
        changed = _store(service).remove(key, revision=row["revision"], now=now, by=actor(token))
    if changed is None:
        raise Problem(412, "it was changed meanwhile, or is removed; read it again", field="if-match")
    return changed


def _live(request: Request) -> LiveRoster:
    service: Service = request.app.state.service
    return service.alerting.roster


def _store(service: Service) -> OverrideStore:
    return OverrideStore(service.database)


def _token(request: Request) -> Token:
    token: Token = request.state.token
    return token


def _planned(service: Service, request: Request, schedule: str) -> tuple[Roster, Schedule]:
    roster = _live(request).now(service.clock.now(), fresh=True)
    try:
        return roster, schedule_of(roster, schedule)
    except UsageError as error:
        raise Problem(404, str(error), field="schedule") from None


def _may(roster: Roster, token: Token, person: str) -> None:
    """Whether a token may have a person take over, or not."""
    own = person_called(roster, token.name)
    if at_least(token.role, "approver") or (own is not None and own.id == person):
        return
    known = (
        f"this token is that of {own.id}" if own else f"the token '{token.name}' is nobody's of the roster"
    )
    raise Problem(
        403,
        f"a responder may only take over themselves, and {known}; ask an approver, or name the token after the person",
        field="person",
    )


def _seconds(given: Any, field: str, now: float) -> float:
    if given is None:
        return now
    found: float = given.timestamp()
    if not EARLIEST <= found <= LATEST:
        raise Problem(400, f"{field}: must lie between 1970 and 2100", field=field)
    return found


def _now(roster: Roster, schedule: Schedule, at: float, lang: Language) -> dict[str, Any]:
    present, following = schedule.on_call(at), schedule.next_handover(at)
    return {
        "schedule": schedule.id,
        "name": schedule.name,
        "time_zone": schedule.time_zone,
        "on_call": [_shift(roster, each) for each in present],
        "gap": not present,
        "next_handover_at": rfc3339(following),
        "sentences": _sentences(roster, schedule, present, following, lang),
    }


def _sentences(
    roster: Roster, schedule: Schedule, present: tuple[OnCall, ...], following: float | None, lang: Language
) -> list[str]:
    if not present and following is None:
        return [word("people.gap", lang, schedule=schedule.name)]
    if not present and following is not None:
        return [word("people.gap.until", lang, schedule=schedule.name, until=moment(following, lang))]
    return [
        word(
            "people.on_call.override" if each.override else "people.on_call",
            lang,
            schedule=schedule.name,
            person=_name(roster, each.person),
            until=moment(each.end, lang),
        )
        for each in present
    ]


def _name(roster: Roster, person: str) -> str:
    return roster.people[person].name if person in roster.people else person


def _shift(roster: Roster, shift: OnCall) -> dict[str, Any]:
    return {
        "person": shift.person,
        "name": _name(roster, shift.person),
        "start": rfc3339(shift.start),
        "end": rfc3339(shift.end),
        "layer": shift.layer,
        "override": shift.override,
        "instead_of": shift.instead_of,
    }


def _override(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "schedule", "person", "replaces", "reason", "created_by", "removed_by", "revision")
    times = {"start": "starts_at", "end": "ends_at", "created_at": "created_at", "removed_at": "removed_at"}
    return {**{name: row[name] for name in names}, **{new: rfc3339(row[old]) for new, old in times.items()}}


def _tag(row: Mapping[str, Any]) -> str:
    return f'"{row["revision"]}"'
