"""A room as a value: its members, what was said, what was noted, and its timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sre_copilot.agents.answer import Answer, Event
from sre_copilot.agents.room.members import MEMBERS, MemberKind
from sre_copilot.agents.room.noting import Note, noted
from sre_copilot.agents.room.speech import harmless
from sre_copilot.agents.understanding.wording import language
from sre_copilot.domain.knowledge import Lang
from sre_copilot.settings.section import Role, at_least

MessageKind = Literal["said", "event", "answer"]
KEPT_EVENTS = frozenset({"started", "plan", "finding", "hypothesis", "claim", "refuted", "answer", "ended"})
"""Events that belong to the story; calls of tools and notes on the way are watched live and not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message: who, when, what."""

    id: int
    at: float
    author: str
    author_kind: MemberKind
    kind: MessageKind
    text: str
    lang: Lang = "en"
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline."""

    at: float
    kind: str
    who: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One thread of an investigation. `members` are ids of tokens; none means everyone of the least role."""

    id: str
    title: str
    owner: str
    opened_at: float
    investigation_id: str = ""
    least_role: Role = "viewer"
    members: tuple[str, ...] = ()
    closed_at: float | None = None
    messages: tuple[Said, ...] = ()
    notes: tuple[tuple[float, Note], ...] = ()
    total: int | None = None
    """How many messages there are, where `messages` are only the last of them."""


def may_join(room: Room, *, token_id: str, role: Role) -> bool:
    """Whether somebody may read and speak: the owner, an administrator, and whoever is listed or, without a list, has the role."""
    if token_id == room.owner or role == "admin":
        return True
    return at_least(role, room.least_role) and (not room.members or token_id in room.members)


def said(
    text: str,
    *,
    author: str,
    now: float,
    services: Sequence[str] = (),
    aliases: Mapping[str, str] | None = None,
    utc_offset_hours: float = 0.0,
) -> tuple[Said, tuple[Note, ...]]:
    """A person's message, made harmless, with what is noted from it; its number is given by the store."""
    message = Said(
        id=0,
        at=now,
        author=author,
        author_kind="person",
        kind="said",
        text=harmless(text),
        lang=language(text),
    )
    notes = noted(
        text, author=author, now=now, services=services, aliases=aliases, utc_offset_hours=utc_offset_hours
    )
    return message, tuple(replace(note, text=harmless(note.text)) for note in notes)


def from_event(event: Event, *, now: float, lang: Lang = "en") -> Said | None:
    """An agent's event as a message; None for what is not kept."""
    if event.kind not in KEPT_EVENTS:
        return None
    member = MEMBERS.get(event.agent)
    kind: MemberKind = member.kind if member else "tool"
    return Said(
        id=0,
        at=now,
        author=event.agent,
        author_kind=kind,
        kind="answer" if event.kind == "answer" else "event",
        text=harmless(event.text),
        lang=lang,
        data={"event": event.kind},
    )


def from_answer(answer: Answer, *, agent: str, now: float) -> Said:
    """An answer as a message: its headline, and its claims with their findings."""
    lines = [
        answer.headline,
        *(f"- {claim.text} [{', '.join(claim.finding_ids)}]" for claim in answer.claims),
    ]
    return Said(
        id=0,
        at=now,
        author=agent,
        author_kind=MEMBERS[agent].kind if agent in MEMBERS else "tool",
        kind="answer",
        text=harmless("\n".join(lines)),
        lang=answer.lang,
        data={"kind": answer.kind, "findings": [finding.id for finding in answer.findings]},
    )


def posted(room: Room, message: Said, notes: Iterable[Note] = ()) -> Room:
    """The room with a message and what was noted from it."""
    number = message.id or len(room.messages) + 1
    return replace(
        room,
        messages=(*room.messages, replace(message, id=number)),
        notes=(*room.notes, *((message.at, note) for note in notes)),
    )


def agents_for(notes: Iterable[Note]) -> tuple[str, ...]:
    """The tool agents that the tasks of a message call for: those that are called, and those that a called post works with."""
    names: list[str] = []
    for note in notes:
        member = MEMBERS.get(note.who) if note.kind == "task" and note.about == "agent" else None
        if member is not None:
            names += member.asks if member.kind == "post" else (member.name,)
    return tuple(dict.fromkeys(names))


def timeline(room: Room, *, events: Iterable[tuple[float, str]] = ()) -> tuple[Entry, ...]:
    """What happened, in order: facts with the time they speak of, tasks, decisions, what agents found, and further events.

    A fact about a time stands where that time begins, not where it was said.
    """
    entries = [_of_note(at, note) for at, note in room.notes if note.about != "service"]
    entries += [
        Entry(at=each.at, kind=each.kind, who=each.author, text=each.text)
        for each in room.messages
        if each.kind in ("event", "answer")
    ]
    entries += [Entry(at=at, kind="event", who="", text=text) for at, text in events]
    entries.append(Entry(at=room.opened_at, kind="opened", who=room.owner, text=room.title))
    if room.closed_at is not None:
        entries.append(Entry(at=room.closed_at, kind="closed", who="", text=room.title))
    return tuple(sorted(entries, key=lambda entry: entry.at))


def _of_note(at: float, note: Note) -> Entry:
    if note.about == "symptom" and note.data.get("services"):
        text = f"{', '.join(note.data['services'])}: {note.data.get('words') or note.text}"
        return Entry(at=_since(note, at), kind="symptom", who=note.who, text=text)
    return Entry(at=_since(note, at), kind=note.about or note.kind, who=note.who, text=note.text)


def _since(note: Note, at: float) -> float:
    start = note.data.get("start")
    return datetime.fromisoformat(start.replace("Z", "+00:00")).timestamp() if start else at
