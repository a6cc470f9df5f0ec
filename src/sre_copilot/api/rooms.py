"""Rooms: one thread per investigation in which people and agents speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import Field, StringConstraints

from sre_copilot.agents.room.members import MEMBERS
from sre_copilot.agents.room.noting import Note
from sre_copilot.agents.room.room import Room, Said, agents_for, may_join, said, timeline
from sre_copilot.agents.room.summary import summarised
from sre_copilot.api.asking import RESPONSES, DeskHere, admitted
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import AcceptLanguage, Cursor, Lang, Limit, language, listing
from sre_copilot.app.calling import Calling, questions
from sre_copilot.app.serving import Service
from sre_copilot.clock import rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.section import Role
from sre_copilot.store.rooms import RoomStore
from sre_copilot.store.tokens import Token

routes = Routes(tag="rooms", refusals=(404, 409))
MOST_READ = 1000  # messages, and notes, that a timeline or a summary is made of: the last of a very long room


class NewRoom(Body):
    """What to open. `members` are ids of tokens; none means everyone whose role is at least `least_role`."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    investigation_id: Annotated[str, Field(max_length=32)] = ""
    least_role: Literal["viewer", "responder", "approver", "admin"] = "viewer"
    members: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=200)] = Field(
        default_factory=list
    )


class NewMessage(Body):
    """What somebody says."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]


class Members(Body):
    """Who may join."""

    members: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=200)]


class TaskState(Body):
    """How a task stands."""

    state: Literal["open", "done", "dropped"]


@routes.get("/rooms", role="viewer")
def rooms(
    service: ServiceHere, request: Request, *, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """Rooms that the token may join, the latest opened first."""
    page = _store(service).page(cursor=cursor, limit=limit, visible=lambda row: _may(request, row))
    return listing(page, _view)


@routes.post("/rooms", role="responder", status_code=201)
def open_room(service: ServiceHere, request: Request, new: NewRoom) -> dict[str, Any]:
    """Open a room; it belongs to the token that opens it."""
    if new.investigation_id and service.investigations.get(new.investigation_id) is None:
        raise Problem(404, f"there is no investigation '{new.investigation_id}'", field="investigation_id")
    fields = new.model_dump()
    return _view(
        _store(service).open(fields.pop("title"), owner=_token(request).id, now=service.clock.now(), **fields)
    )


@routes.get("/rooms/{key}", role="viewer")
def one_room(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """One room, and which agents can be called into it."""
    agents = [
        {"name": each.name, "kind": each.kind, "en": each.en, "zh": each.zh} for each in MEMBERS.values()
    ]
    return {**_view(_joined(service, request, key)), "agents": agents}


@routes.post("/rooms/{key}/members", role="responder")
def admit(service: ServiceHere, request: Request, key: str, wanted: Members) -> dict[str, Any]:
    """Say who may join; the owner and administrators may."""
    _owned(service, request, key)
    _store(service).admit(key, wanted.members, now=service.clock.now())
    return _view(_joined(service, request, key))


@routes.post("/rooms/{key}/close", role="responder")
def close(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """Close a room: it can still be read; the owner and administrators may."""
    _owned(service, request, key)
    _store(service).close(key, now=service.clock.now())
    return _view(_joined(service, request, key))


@routes.get("/rooms/{key}/messages", role="viewer")
def messages(
    service: ServiceHere, request: Request, key: str, *, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """What was said, the earliest first."""
    _joined(service, request, key)
    page = _store(service).messages(key, cursor=cursor, limit=limit)
    return {"items": [_message(row) for row in page.rows], "next": page.next}


@routes.post("/rooms/{key}/messages", role="responder", status_code=201, responses={429: RESPONSES[429]})
def post(service: ServiceHere, desk: DeskHere, request: Request, key: str, new: NewMessage) -> dict[str, Any]:
    """Say something; facts, tasks and decisions are noted from it, and the agents that it calls answer in the room.

    Agents only look and tell; nothing in a message is carried out.
    """
    room, token = _joined(service, request, key), _token(request)
    with admitted(desk, token):
        kept, notes = _post(service, token, key, new)
    calling: Calling = request.app.state.calling
    calling.call(
        questions(notes, room=key, token_id=token.id, role=token.role, least_role=room["least_role"])
    )
    return {**_message(kept), "noted": [_plain_note(note) for note in notes], "agents": agents_for(notes)}


def _post(
    service: Service, token: Token, key: str, new: NewMessage
) -> tuple[Mapping[str, Any], tuple[Note, ...]]:
    now = service.clock.now()
    message, notes = said(
        new.text,
        author=token.name,
        now=now,
        services=_services(service),
        aliases=service.settings.aliases,
        utc_offset_hours=service.settings.baseline.utc_offset_hours,
    )
    fields = ("author", "author_kind", "kind", "lang", "text")
    row = {name: getattr(message, name) for name in fields} | {"data": dict(message.data)}
    try:
        kept = _store(service).post(key, row, [note.row() for note in notes], now=now)
    except UsageError as error:
        raise Problem(409, str(error), field="key") from None
    return kept, notes


@routes.get("/rooms/{key}/facts", role="viewer")
def facts(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """Services, times and symptoms that were spoken of."""
    return _noted(service, request, key, "fact")


@routes.get("/rooms/{key}/tasks", role="viewer")
def tasks(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """Who was asked to do what, and how it stands."""
    return _noted(service, request, key, "task")


@routes.post("/rooms/{key}/tasks/{task}", role="responder")
def set_task(
    service: ServiceHere, request: Request, key: str, task: str, wanted: TaskState
) -> dict[str, Any]:
    """Say how a task stands."""
    _joined(service, request, key)
    row = _store(service).set_state(key, task, wanted.state, now=service.clock.now())
    if row is None:
        raise Problem(404, f"there is no task '{task}' in this room", field="task")
    return _note(row)


@routes.get("/rooms/{key}/decisions", role="viewer")
def decisions(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """What was decided, and by whom."""
    return _noted(service, request, key, "decision")


@routes.get("/rooms/{key}/timeline", role="viewer")
def whole_timeline(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """What happened, in order; of a very long room from its last messages: `read` of all `messages`."""
    room = _whole(service, _joined(service, request, key))
    entries = timeline(room)
    shown = [
        {"at": rfc3339(each.at), "kind": each.kind, "who": each.who, "text": each.text} for each in entries
    ]
    return {"items": shown, "next": None, "messages": room.total, "read": len(room.messages)}


@routes.get("/rooms/{key}/summary", role="viewer")
def summary(
    service: ServiceHere,
    request: Request,
    key: str,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """The room in a few lines."""
    spoken = language(lang, accept_language, service.settings.language)
    text = summarised(_whole(service, _joined(service, request, key)), say=say, lang=spoken)
    return {"language": spoken, "text": text}


def _store(service: Service) -> RoomStore:
    return service.rooms


def _token(request: Request) -> Token:
    token: Token = request.state.token
    return token


def _may(request: Request, row: Mapping[str, Any]) -> bool:
    token = _token(request)
    return may_join(_room(row), token_id=token.id, role=token.role)


def _joined(service: Service, request: Request, key: str) -> dict[str, Any]:
    """The room, if the token may join it; else it is as if it were not there."""
    row = _store(service).get(key)
    if row is None or not _may(request, row):
        raise Problem(404, f"there is no room '{key}'", field="key")
    return row


def _owned(service: Service, request: Request, key: str) -> None:
    row, token = _joined(service, request, key), _token(request)
    if token.id != row["owner"] and token.role != "admin":
        raise Problem(403, "only the owner of a room and administrators may do this", field="key")


def _services(service: Service) -> tuple[str, ...]:
    """Names of services that the watch has anomalies of or is told of in changes: those that people speak of."""
    recent = [*service.anomalies.page(limit=1000).rows, *service.changes.page(limit=1000).rows]
    return tuple(sorted({str(row.get("entity") or row.get("service") or "") for row in recent} - {""}))


def _room(row: Mapping[str, Any]) -> Room:
    role: Role = row["least_role"]
    return Room(
        id=row["id"],
        title=row["title"],
        owner=row["owner"],
        opened_at=row["opened_at"],
        investigation_id=row["investigation_id"],
        least_role=role,
        members=tuple(row["members"]),
        closed_at=row["closed_at"],
    )


def _whole(service: Service, row: Mapping[str, Any]) -> Room:
    read, total = _store(service).latest(row["id"], limit=MOST_READ)
    fields = ("id", "at", "author", "author_kind", "kind", "text", "lang", "data")
    spoken = tuple(Said(**{name: each[name] for name in fields}) for each in read)
    notes = tuple((each["at"], _of_row(each)) for each in _store(service).noted(row["id"], limit=MOST_READ))
    return replace(_room(row), messages=spoken, notes=notes, total=total)


def _of_row(row: Mapping[str, Any]) -> Note:
    names = ("kind", "about", "text", "who", "state", "data")
    return Note(**{name: row[name] for name in names})


def _noted(service: Service, request: Request, key: str, kind: str) -> dict[str, Any]:
    _joined(service, request, key)
    return {"items": [_note(row) for row in _store(service).noted(key, kind=kind)], "next": None}


def _view(row: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: rfc3339(row[name]) for name in ("opened_at", "updated_at", "closed_at")}
    kept = ("id", "title", "investigation_id", "owner", "least_role", "members")
    return {**{name: row[name] for name in kept}, **times}


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("id", "author", "author_kind", "kind", "lang", "text", "data")
    return {**{name: row[name] for name in kept}, "at": rfc3339(row["at"])}


def _note(row: Mapping[str, Any]) -> dict[str, Any]:
    note = {name: row[name] for name in ("id", "message_id")}
    return {**note, **_plain_note(_of_row(row)), "at": rfc3339(row["at"])}


def _plain_note(note: Note) -> dict[str, Any]:
    shown = {"kind": note.kind, "about": note.about, "text": note.text, "who": note.who}
    return {**shown, "state": note.state, "data": dict(note.data)}
