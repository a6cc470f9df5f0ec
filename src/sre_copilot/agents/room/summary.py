"""A room in a few lines, from what was noted; no model words it."""

from __future__ import annotations

from sre_copilot.agents.room.noting import Note
from sre_copilot.agents.room.room import Room
from sre_copilot.agents.tool import Say
from sre_copilot.clock import rfc3339
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang

MOST = 10  # lines a heading: a summary is read at once


def summarised(room: Room, *, say: Say, lang: Lang) -> str:
    """What is known, who does what, what was decided, and what the agents said last.

    Parameters
    ----------
    say : says a message in a language; the sentences are kept further up
    """
    lines = [
        say(
            _message(
                "room.head",
                title=room.title,
                since=rfc3339(room.opened_at) or "",
                count=len(room.messages) if room.total is None else room.total,
            ),
            lang,
        )
    ]
    facts = [note for _, note in room.notes if note.kind == "fact"]
    for about in ("service", "time", "symptom"):
        values = list(dict.fromkeys(note.text for note in facts if note.about == about))[:MOST]
        if values:
            lines.append(say(_message(f"room.{about}", values=", ".join(values)), lang))
    lines += _listed(room, "task", say, lang)
    lines += _listed(room, "decision", say, lang)
    answers = [each for each in room.messages if each.kind == "answer"]
    if answers:
        last = answers[-1]
        lines.append(say(_message("room.answer", who=last.author, text=last.text.splitlines()[0]), lang))
    if not room.notes and not answers:
        lines.append(say(_message("room.nothing"), lang))
    return "\n".join(lines)


def _listed(room: Room, kind: str, say: Say, lang: Lang) -> list[str]:
    found = [note for _, note in room.notes if note.kind == kind][-MOST:]
    return [say(_note(kind, note), lang) for note in found]


def _note(kind: str, note: Note) -> Message:
    state = note.state or "open"
    return _message(
        f"room.{kind}.{state}" if kind == "task" else f"room.{kind}", who=note.who, text=note.text
    )


def _message(key: str, **params: str | int) -> Message:
    return Message(key=key, params=tuple(params.items()))
