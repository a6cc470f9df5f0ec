"""What a bot sends now, one by one or merged: critical first, what belongs together in its order, and nothing is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sre_copilot.domain.alert import SEVERITIES
from sre_copilot.incidents.delivery.limits import fits, free, reserved
from sre_copilot.settings.alerting.notify import Limit

MOST_MERGED = 200  # messages a digest: more is no digest any more
_URGENT = ("critical",)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits."""

    id: int
    key: str
    group: str
    lane: str
    severity: str
    state: str = "firing"


@dataclass(frozen=True, slots=True)
class Plan:
    """Keys to start one by one, and keys to merge, by digest."""

    start: tuple[Waiting, ...] = ()
    merge: tuple[tuple[Waiting, ...], ...] = ()


def plan(
    waiting: Sequence[Waiting],
    *,
    limits: Sequence[Limit],
    starts: Sequence[float],
    now: float,
    patience_s: float,
    mergeable: bool,
    room: Mapping[str, int],
) -> Plan:
    """Decide for one bot; `room` is how many more each lane takes now, `starts` when the bot's last messages were sent."""
    ordered = _by_urgency([each for each in waiting if room.get(each.lane, 0) > 0])
    slots = free(limits, starts, now)
    if not ordered or not slots:
        return Plan()
    usual = max(0, slots - reserved(limits))
    if not mergeable or len(ordered) <= fits(limits, starts, now, patience_s=patience_s):
        return Plan(start=_first(ordered, slots, usual, room))
    return _merged(ordered, slots, usual, room)


def _merged(ordered: Sequence[Waiting], slots: int, usual: int, room: Mapping[str, int]) -> Plan:
    """Leave a slot for the digest of each lane, and start the first ones with what remains."""
    digests = min(len({each.lane for each in ordered}), max(1, slots))
    alone = _first(
        ordered, slots - digests, usual - digests, {lane: count - 1 for lane, count in room.items()}
    )
    rest = [each for each in ordered if each not in alone]
    lanes: dict[str, list[Waiting]] = {}
    for each in rest:
        lanes.setdefault(each.lane, []).append(each)
    start, merge = list(alone), []
    for members in list(lanes.values())[: slots - len(alone)]:
        if not usual and not any(each.severity in _URGENT for each in members):
            continue  # the rest of the budget is kept for what is critical
        part = members[:MOST_MERGED]
        if len(part) > 1:
            merge.append(tuple(sorted(part, key=lambda each: each.id)))
        else:
            start += part
    return Plan(tuple(start), tuple(merge))


def _first(
    ordered: Sequence[Waiting], slots: int, usual: int, room: Mapping[str, int]
) -> tuple[Waiting, ...]:
    """As many as there are slots for: all of them for what is critical, the usual ones for the rest; a group keeps its order."""
    taken: list[Waiting] = []
    left, held = dict(room), set()
    for each in ordered:
        most = slots if each.severity in _URGENT else usual
        if len(taken) >= most or left.get(each.lane, 0) <= 0 or (each.lane, each.group) in held:
            held.add((each.lane, each.group))
            continue
        left[each.lane] -= 1
        taken.append(each)
    return tuple(taken)


def _by_urgency(waiting: Sequence[Waiting]) -> list[Waiting]:
    """The most severe groups first; within a group, and among equals, in the order of their coming."""
    worst: dict[tuple[str, str], int] = {}
    for each in waiting:
        place = (each.lane, each.group)
        worst[place] = min(worst.get(place, len(SEVERITIES)), _rank(each.severity))
    return sorted(waiting, key=lambda each: (worst[each.lane, each.group], each.id))


def _rank(severity: str) -> int:
    return next((place for place, known in enumerate(SEVERITIES) if known == severity), len(SEVERITIES))
