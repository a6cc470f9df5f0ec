"""Questions to an inventory: who owns it, what depends on it, where it runs. Pure functions; None and empty mean "not known"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sre_copilot.domain.cmdb import CONTAINS, DEPENDING, RUNS_ON, Entity, Inventory, Relation

OWNING = ("owner", "team", "owned_by", "managed_by", "support_group")
"""Attributes that say who answers for an entity, the one that says it best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Who answers for an entity, by which attribute, and of which entity it was said: itself or what contains it."""

    owner: str
    attribute: str
    entity: str
    sources: tuple[str, ...] = ()


def find(inventory: Inventory, name: str) -> Entity | None:
    """The entity of that name or alias; letters of another size do where that is unambiguous."""
    exact = inventory.by_name.get(name)
    if exact is not None:
        return exact
    wanted = name.casefold()
    alike = {entity.name: entity for each, entity in inventory.by_name.items() if each.casefold() == wanted}
    return next(iter(alike.values())) if len(alike) == 1 else None


def owner_of(inventory: Inventory, name: str) -> Ownership | None:
    """Who owns an entity; when nobody said so, who owns what contains it or routes to it, the nearest first."""
    entity = find(inventory, name)
    if entity is None:
        return None
    around = inventory.topology(CONTAINS, "routes_to").upstream(entity.name)
    for each in sorted(around, key=lambda other: (around[other], other)):
        found = _ownership(inventory.by_name.get(each))
        if found is not None:
            return found
    return None


def owners(inventory: Inventory) -> dict[str, str]:
    """Who answers for each entity of which that is known, as `owner_of` says, all at once."""
    containing = inventory.topology(CONTAINS, "routes_to")
    found: dict[str, str] = {}
    for entity in inventory.entities:
        around = containing.upstream(entity.name)
        nearest = sorted(around, key=lambda other: (around[other], other))
        owned = (_ownership(inventory.by_name.get(each)) for each in nearest)
        if (first := next((each for each in owned if each is not None), None)) is not None:
            found[entity.name] = first.owner
    return found


def dependents(inventory: Inventory, name: str) -> Mapping[str, int]:
    """What depends on an entity, directly or not, with its distance in steps."""
    return _without_itself(inventory, name, upstream=True)


def dependencies(inventory: Inventory, name: str) -> Mapping[str, int]:
    """What an entity depends on, directly or not, with its distance in steps."""
    return _without_itself(inventory, name, upstream=False)


def hosts_of(inventory: Inventory, name: str) -> tuple[str, ...]:
    """The machines that an entity runs on, by its pods where it has some."""
    return _reached(inventory, name, upstream=False)


def running_on(inventory: Inventory, host: str) -> tuple[str, ...]:
    """Everything that runs on a machine."""
    return _reached(inventory, host, upstream=True)


def relations_of(inventory: Inventory, name: str) -> tuple[Relation, ...]:
    """Every relation that names the entity, with who said so and when it was last seen."""
    entity = find(inventory, name)
    known = entity.name if entity else name
    return tuple(each for each in inventory.relations if known in (each.caller, each.callee))


def not_seen_since(inventory: Inventory, moment: float) -> tuple[Relation, ...]:
    """Relations that were seen at some time, and not since `moment` (epoch s): perhaps they are no more."""
    return tuple(each for each in inventory.relations if each.seen_at is not None and each.seen_at < moment)


def having(inventory: Inventory, **attributes: str) -> tuple[Entity, ...]:
    """Entities whose kind and attributes are these, for example `kind="database", tier="1"`."""
    return tuple(
        entity
        for entity in inventory.entities
        if all({"kind": entity.kind, **entity.attributes}.get(k) == v for k, v in attributes.items())
    )


def _ownership(entity: Entity | None) -> Ownership | None:
    for attribute in OWNING if entity else ():
        if entity and (owner := entity.attributes.get(attribute)):
            return Ownership(owner=owner, attribute=attribute, entity=entity.name, sources=entity.sources)
    return None


def _without_itself(inventory: Inventory, name: str, *, upstream: bool) -> dict[str, int]:
    entity = find(inventory, name)
    if entity is None:
        return {}
    graph = inventory.topology(*DEPENDING)
    reached = graph.upstream(entity.name) if upstream else graph.downstream(entity.name)
    return {other: steps for other, steps in reached.items() if steps}


def _reached(inventory: Inventory, name: str, *, upstream: bool) -> tuple[str, ...]:
    """What is linked by containing and running, and by running in the last or first step."""
    entity = find(inventory, name)
    if entity is None:
        return ()
    graph = inventory.topology(CONTAINS, RUNS_ON, "routes_to")
    reached = graph.upstream(entity.name) if upstream else graph.downstream(entity.name)
    others = set(reached) - {entity.name}
    if upstream:
        return tuple(sorted(others))
    machines = {each.callee for each in inventory.relations if each.kind == RUNS_ON}
    bottom = {each.caller for each in inventory.relations if each.kind == RUNS_ON}
    return tuple(sorted(others & machines - bottom))
