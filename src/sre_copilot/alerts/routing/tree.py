"""The routing tree with Alertmanager's meaning.

An alert goes down from the root: into the first child that it matches, and where that child says `continue`, into the following ones, too. It is
handled by each node it reaches and from which it goes no deeper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sre_copilot.alerts.go_text import quoted
from sre_copilot.alerts.matchers import Matcher, all_match, canonical
from sre_copilot.alerts.remembered import Remembered

ALL_LABELS = "..."
"""As the only entry of `group_by`: each label set is a group of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteConfig:
    """A node as it was written; None is taken over from the node above (time intervals and matchers are not taken over)."""

    receiver: str | None = None
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] | None = None
    group_wait_s: float | None = None
    group_interval_s: float | None = None
    repeat_interval_s: float | None = None
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    escalation: str | None = None
    continues: bool = False
    routes: tuple[RouteConfig, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A node of the tree with all that it has, its own or taken over.

    `key` is what Alertmanager calls it (several nodes may have the same), `id` names this node alone, by the places of it and of those above it among their
    siblings. `escalation` is the policy that people are called by, '' for none.
    """

    key: str = "{}"
    id: str = "{}"
    receiver: str = ""
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = ()
    group_by_all: bool = False
    group_wait_s: float = 30.0
    group_interval_s: float = 300.0
    repeat_interval_s: float = 14_400.0
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    escalation: str = ""
    continues: bool = False
    routes: tuple[Route, ...] = field(default=(), repr=False)

    def group(self, labels: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The key of the group that a label set belongs to, as Alertmanager writes it, and the labels that the group shares.

        >>> Route(group_by=("job",)).group({"job": "api", "pod": "api-0"})
        ('{}:{job="api"}', {'job': 'api'})
        """
        if self.group_by_all:
            shared = dict(sorted(labels.items()))
        else:
            shared = {name: labels[name] for name in self.group_by if name in labels}
        inner = ", ".join([f"{name}={quoted(value)}" for name, value in shared.items()])
        return f"{self.key}:{{{inner}}}", shared

    def walk(self) -> Iterator[Route]:
        """Itself and all below it, each before its children."""
        yield self
        for route in self.routes:
            yield from route.walk()

    def matching(self, labels: Mapping[str, str]) -> list[Route]:
        """The nodes that handle a label set, first to last; none where it does not come in here."""
        if not all_match(self.matchers, labels):
            return []
        found: list[Route] = []
        for route in self.routes:
            below = route.matching(labels)
            found += below
            if below and not route.continues:
                break
        return found or [self]


DEFAULTS = Route()
"""What a root takes over where it says nothing: the values of Alertmanager."""


class RouteTree:
    """A tree that answers at once for labels that were asked before; of these only those count that its matchers look at."""

    def __init__(self, root: Route) -> None:
        self.root = root
        self.by_id = {route.id: route for route in root.walk()}
        names = {matcher.name for route in root.walk() for matcher in route.matchers}
        self._found = Remembered(lambda labels: tuple(root.matching(labels)), names=names)

    @classmethod
    def of(cls, config: RouteConfig, defaults: Route = DEFAULTS) -> RouteTree:
        """The tree of a configuration; `defaults` is what the root takes over."""
        return cls(_node(config, defaults, key="", id_before="", place=None))

    def match(self, labels: Mapping[str, str]) -> tuple[Route, ...]:
        """The routes that handle a label set, in order; at least one, for the root takes everything."""
        return self._found(labels)


def _node(config: RouteConfig, above: Route, *, key: str, id_before: str, place: int | None) -> Route:
    """A node and all below it; `key` and `id_before` are those of the node above, `place` its place among its siblings."""
    own = canonical(config.matchers)
    group_by, group_by_all = _grouping(config, above)
    node = Route(
        key=f"{key}/{own}" if place is not None else own,
        id=f"{id_before}/{own}/{place}" if place is not None else own,
        receiver=config.receiver or above.receiver,
        matchers=tuple(sorted(config.matchers)),
        group_by=group_by,
        group_by_all=group_by_all,
        group_wait_s=_own(config.group_wait_s, above.group_wait_s),
        group_interval_s=_own(config.group_interval_s, above.group_interval_s),
        repeat_interval_s=_own(config.repeat_interval_s, above.repeat_interval_s),
        mute_time_intervals=config.mute_time_intervals,
        active_time_intervals=config.active_time_intervals,
        escalation=above.escalation if config.escalation is None else config.escalation,
        continues=config.continues,
    )
    below = (
        _node(each, node, key=node.key, id_before=node.id, place=n) for n, each in enumerate(config.routes)
    )
    return replace(node, routes=tuple(below))


def _grouping(config: RouteConfig, above: Route) -> tuple[tuple[str, ...], bool]:
    if config.group_by is None:
        return above.group_by, above.group_by_all
    if ALL_LABELS in config.group_by:
        return (), True
    return tuple(sorted(config.group_by)), False


def _own(own: float | None, above: float) -> float:
    return above if own is None else own
