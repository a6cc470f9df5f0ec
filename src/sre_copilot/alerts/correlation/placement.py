"""What is decided about one alert, and why."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.alerts.correlation.matter import Matter
from sre_copilot.domain.evidence import Message


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a decision: its sentence, and what it weighed, 0..1 (a part that only explains weighs 0)."""

    message: Message
    weight: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an alert belongs, and whether that is worth telling people.

    `incident_id` '' says: to no incident, it is routine (`reasons` say why). `new`: the incident begins with it. `wakes`: the incident is worth telling
    people now, or was so before. `worth` is that of the incident, 0..1 (of the alert itself where it has none). `storm`: it is the incident that
    stands for all that a storm holds besides those that wake by themselves.
    """

    fingerprint: str
    incident_id: str
    new: bool
    wakes: bool
    worth: float
    reasons: tuple[Reason, ...] = ()
    storm: bool = False


def reason(key: str, weight: float = 0.0, **params: str | float | int) -> Reason:
    """A reason of this room: the sentence `correlation.KEY`."""
    return Reason(Message(key=f"correlation.{key}", params=tuple(params.items())), round(weight, 4))


def placement(
    fingerprint: str, matter: Matter, reasons: tuple[Reason, ...], *, new: bool = False
) -> Placement:
    """An alert in a matter as it stands."""
    return Placement(
        fingerprint=fingerprint,
        incident_id=matter.id,
        new=new,
        wakes=matter.woken,
        worth=matter.worth,
        reasons=reasons,
        storm=matter.storm,
    )
