"""Overrides that people ask for: checked against the roster, and put into the form in which they are kept."""

from __future__ import annotations

import difflib
import hashlib
import math
import secrets
from collections.abc import Iterable, Sequence
from itertools import pairwise

from sre_copilot.alerts.oncall.people import Person, Turn
from sre_copilot.alerts.oncall.roster import Roster
from sre_copilot.alerts.oncall.schedule import Schedule
from sre_copilot.clock import rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.store.paging import Row

LONGEST_S = 366 * 86_400.0  # who takes over for longer belongs into the rotation
REASON_LENGTH = 1000
LISTED = 12


def schedule_of(roster: Roster, name: str) -> Schedule:
    """A schedule.

    Raises
    ------
    UsageError : when there is none of this name
    """
    return roster.schedules[_known("schedule", name, roster.schedules)]


def new_override(
    roster: Roster,
    *,
    schedule: str,
    person: str,
    start: float,
    end: float,
    now: float,
    replaces: str = "",
    reason: str = "",
    key: str = "",
) -> Row:
    """The row of an override; `key` makes the same request the same row.

    Raises
    ------
    UsageError : names the field, and the way out
    """
    _known("schedule", schedule, roster.schedules)
    _known("person", person, roster.people)
    if replaces:
        _known("replaces", replaces, roster.people)
    if replaces == person:
        raise UsageError("replaces: is the person themselves; leave it out, or name somebody else")
    if not (math.isfinite(start) and start < end):
        raise UsageError("end: is not after start; correct one of them")
    if end <= now:
        raise UsageError("end: has passed; who was on call then cannot be changed any more")
    if end - start > LONGEST_S:
        raise UsageError("end: is more than 366 days after start; change the rotation instead")
    return {
        "id": override_id(key),
        "schedule": schedule,
        "person": person,
        "replaces": replaces,
        "starts_at": start,
        "ends_at": end,
        "reason": reason[:REASON_LENGTH],
    }


def override_id(key: str) -> str:
    """An id: of its own, or the one that belongs to a key."""
    text = hashlib.blake2b(key.encode(), digest_size=8).hexdigest() if key else secrets.token_hex(8)
    return f"O-{text}"


def imported_rows(
    roster: Roster, turns: Sequence[Turn], *, schedule: str, now: float, reason: str
) -> list[Row]:
    """Shifts of a calendar as overrides of a schedule; the same shift has the same id however often it is imported.

    Raises
    ------
    UsageError : when two are at the same time: an override is one person's
    """
    for one, other in pairwise(sorted(turns, key=lambda each: each.start)):
        if other.start < one.end:
            raise UsageError(
                f"FILE: {one.person} and {other.person} are both on call at {rfc3339(other.start)}, and an override is one "
                "person's; name the file as calendar_file of the schedule instead"
            )
    return [
        new_override(
            roster,
            schedule=schedule,
            person=each.person,
            start=each.start,
            end=each.end,
            now=now,
            reason=reason,
            key=f"import/{schedule}/{each.person}/{each.start}/{each.end}",
        )
        for each in turns
        if each.end > now
    ]


def person_called(roster: Roster, name: str) -> Person | None:
    """The person whose key, name or e-mail a token bears; None where it is nobody's."""
    wanted = name.strip().casefold()
    alike = [
        each
        for each in roster.people.values()
        if wanted
        and wanted in (each.id.casefold(), each.name.casefold(), each.addresses.get("email", "").casefold())
    ]
    return alike[0] if len(alike) == 1 else None


def _known(field: str, name: str, names: Iterable[str]) -> str:
    known = list(names)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known[:LISTED]) + (f" and {len(known) - LISTED} more" if len(known) > LISTED else "")
    kind = "schedule" if field == "schedule" else "person"
    raise UsageError(
        f"{field}: there is no {kind} {name[:64]!r}; "
        + (f"did you mean {near[0]}?" if near else f"there are: {listed or 'none'}")
    )
