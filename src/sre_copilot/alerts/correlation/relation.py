"""How much an alert has to do with an open matter."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.alerts.correlation.matter import Matter
from sre_copilot.alerts.correlation.neighbours import Neighbours
from sre_copilot.alerts.correlation.placement import Reason, reason
from sre_copilot.alerts.correlation.worth import place_of
from sre_copilot.alerts.state import AlertState
from sre_copilot.domain.alert import ALERTNAME
from sre_copilot.settings.alerting.correlation import Weights

NOT_IDENTITY = frozenset({ALERTNAME, "severity", "priority", "level"})


@dataclass(frozen=True, slots=True)
class Traits:
    """What of an alert is compared."""

    name: str
    place: str
    service: str
    changes: frozenset[str]
    labels: frozenset[tuple[str, str]]
    words: frozenset[str]

    @classmethod
    def of(cls, alert: AlertState) -> Traits:
        """Take them from the record of an alert."""
        context = alert.context
        return cls(
            name=alert.kind,
            place=place_of(alert),
            service=alert.service,
            changes=frozenset(context.get("changes", ())),
            labels=frozenset(each for each in alert.labels.items() if each[0] not in NOT_IDENTITY),
            words=frozenset(context.get("text", ())),
        )


Part = tuple[str, float, dict[str, str | float | int]]
"""Key of the sentence, weight, parameters: sentences are made only for the matter that is chosen."""


@dataclass(frozen=True, slots=True)
class Relation:
    """How strong it is, 0..1, of what parts, and whether place, calls or a change are among them (`tied`)."""

    strength: float
    found: tuple[Part, ...]
    tied: bool

    @property
    def parts(self) -> tuple[Reason, ...]:
        """Its parts as reasons."""
        return tuple(reason(key, weight, **params) for key, weight, params in self.found)


def relation(traits: Traits, matter: Matter, near: Neighbours, weights: Weights) -> Relation:
    """Compare an alert with a matter; parts combine as independent witnesses."""
    parts: list[Part] = []
    if traits.place and traits.place in matter.places:
        parts.append(("same_place", weights.place, {"place": traits.place}))
    elif (calls := _calls(traits.service, matter, near, weights)) is not None:
        parts.append(calls)
    if traits.changes and (shared := traits.changes & matter.changes):
        parts.append(("same_change", weights.change, {"change": min(shared)}))
    tied = bool(parts)
    apart = not tied and bool(matter.roots) and near.knows(traits.service)
    _likeness(traits, matter, weights, weights.unrelated if apart else 1.0, parts)
    doubt = 1.0
    for _, weight, _ in parts:
        doubt *= 1 - weight
    return Relation(1 - doubt, tuple(parts), tied)


def _calls(service: str, matter: Matter, near: Neighbours, weights: Weights) -> Part | None:
    """The shortest way of calls between a service and a root of the matter, either way."""
    if not matter.roots or not near.knows(service):
        return None
    callees, callers = near.callees(service), near.callers(service)
    best: tuple[int, str, str] | None = None
    for root in matter.roots:
        for key, distance in (("depends_on", callees.get(root)), ("serves", callers.get(root))):
            if distance is not None and (best is None or distance < best[0]):
                best = (distance, key, root)
    if best is None:
        return None
    distance, key, root = best
    weight = weights.topology * weights.topology_decay ** (distance - 1)
    return key, weight, {"service": service, "root": root, "calls": distance}


def _likeness(traits: Traits, matter: Matter, weights: Weights, factor: float, parts: list[Part]) -> None:
    """Add kind, labels and words in common."""
    if traits.name in matter.kinds:
        parts.append(("same_kind", weights.kind * factor, {"name": traits.name}))
    if traits.labels and (common := len(traits.labels & matter.labels)):
        share = common / (len(traits.labels) + len(matter.labels) - common)
        parts.append(("same_labels", weights.labels * share * factor, {"count": common}))
    if traits.words and (common := len(traits.words & matter.words)):
        share = common / (len(traits.words) + len(matter.words) - common)
        parts.append(("same_words", weights.text * share * factor, {"count": common}))
