"""What an estate consists of: entities with attributes, and what depends on what, each with those who said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sre_copilot.domain.topology import Topology

EntityKind = Literal["service", "database", "queue", "workload", "pod", "host", ""]
CALLS, RUNS_ON, CONTAINS = "calls", "runs_on", "contains"
ROUTES_TO = "routes_to"
DEPENDING = (CALLS, RUNS_ON, CONTAINS, ROUTES_TO)
"""The kinds of relation along which a failure travels, from callee to caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One thing of the estate.

    `kind` is one of `EntityKind` or a word of the system that named it; attributes that several systems know have common names:
    `owner`, `tier`, `environment`, `namespace`, `address`. `seen_at` (epoch s, UTC) is when it was last known to exist.
    """

    name: str
    kind: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    seen_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Relation:
    """`caller` depends on `callee`: it calls it, runs on it, contains it or routes to it; other kinds are only told."""

    caller: str
    callee: str
    kind: str = CALLS
    sources: tuple[str, ...] = ()
    seen_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Conflict:
    """Two systems say different things of one entity; `kept` is what the one that was named first says."""

    entity: str
    attribute: str
    kept: str
    kept_from: str
    other: str
    other_from: str


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """All entities and relations that are known, sorted by name, and where those who know them disagree."""

    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Entity]:
        """Entities by their name and by each alias; a name is preferred to an alias."""
        named = {entity.name: entity for entity in self.entities}
        return {alias: entity for entity in self.entities for alias in entity.aliases} | named

    def topology(self, *kinds: str) -> Topology:
        """Who calls whom; with `kinds` the relations of these kinds instead."""
        wanted = kinds or (CALLS,)
        return Topology.of((each.caller, each.callee) for each in self.relations if each.kind in wanted)


def inventory_of(
    entities: Iterable[Entity], relations: Iterable[Relation], conflicts: Iterable[Conflict] = ()
) -> Inventory:
    """Make an inventory from parts in any order; what relations name is an entity even when nobody described it.

    Several descriptions of one entity are united, the first counts where they differ. Relations of a thing to itself are
    dropped.
    """
    found, differing = _united(entities)
    links = _linked(relations, _names(found.values()))
    for link in links:
        for name in (link.caller, link.callee):
            _include(found, Entity(name=name, sources=link.sources, seen_at=link.seen_at))
    return Inventory(
        entities=tuple(found[name] for name in sorted(found)),
        relations=links,
        conflicts=tuple(sorted({*conflicts, *differing})),
    )


def merge(inventories: Iterable[Inventory]) -> Inventory:
    """Unite what several systems know; where they differ the one named first counts, and the conflict is told."""
    parts = tuple(inventories)
    return inventory_of(
        (entity for part in parts for entity in part.entities),
        (relation for part in parts for relation in part.relations),
        (conflict for part in parts for conflict in part.conflicts),
    )


def _include(found: dict[str, Entity], entity: Entity) -> None:
    """Add an entity that only a relation names, or the word of that relation to what is known of it."""
    known = found.get(entity.name)
    found[entity.name] = entity if known is None else _both(known, entity)


def _united(entities: Iterable[Entity]) -> tuple[dict[str, Entity], set[Conflict]]:
    described = tuple(entities)
    names = _names(described)
    found: dict[str, Entity] = {}
    conflicts: set[Conflict] = set()
    for entity in described:
        name = names.get(entity.name, entity.name)
        if name not in found:
            found[name] = _renamed(entity, name)
            continue
        conflicts |= set(_differences(found[name], entity))
        found[name] = _both(found[name], entity)
    return found, conflicts


def _names(entities: Iterable[Entity]) -> dict[str, str]:
    """The name that each alias stands for; of two entities with one alias the first has it."""
    found: dict[str, str] = {}
    for entity in entities:
        for alias in entity.aliases:
            found.setdefault(alias, entity.name)
    return {alias: name for alias, name in found.items() if found.get(name, name) == name}


def _renamed(entity: Entity, name: str) -> Entity:
    if entity.name == name:
        return entity
    return _both(Entity(name=name), entity)


def _both(first: Entity, second: Entity) -> Entity:
    return Entity(
        name=first.name,
        kind=first.kind or second.kind,
        attributes={**second.attributes, **{k: v for k, v in first.attributes.items() if v}},
        aliases=tuple(sorted({*first.aliases, *second.aliases, second.name} - {first.name})),
        sources=tuple(sorted({*first.sources, *second.sources})),
        seen_at=_latest(first.seen_at, second.seen_at),
    )


def _differences(first: Entity, second: Entity) -> Iterable[Conflict]:
    here = {"kind": first.kind, **first.attributes}
    there = {"kind": second.kind, **second.attributes}
    for attribute in here.keys() & there.keys():
        if here[attribute] and there[attribute] and here[attribute] != there[attribute]:
            yield Conflict(
                entity=first.name,
                attribute=attribute,
                kept=here[attribute],
                kept_from=", ".join(first.sources),
                other=there[attribute],
                other_from=", ".join(second.sources),
            )


def _linked(relations: Iterable[Relation], names: Mapping[str, str]) -> tuple[Relation, ...]:
    """Each relation once, with all who said so and when it was last seen."""
    found: dict[tuple[str, str, str], Relation] = {}
    for each in relations:
        caller, callee = names.get(each.caller, each.caller), names.get(each.callee, each.callee)
        if caller == callee:
            continue
        known = found.get((caller, callee, each.kind))
        found[caller, callee, each.kind] = Relation(
            caller=caller,
            callee=callee,
            kind=each.kind,
            sources=tuple(sorted({*each.sources, *(known.sources if known else ())})),
            seen_at=_latest(each.seen_at, known.seen_at if known else None),
        )
    return tuple(found[key] for key in sorted(found))


def _latest(first: float | None, second: float | None) -> float | None:
    times = [time for time in (first, second) if time is not None]
    return max(times) if times else None
