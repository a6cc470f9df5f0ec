"""Rows that describe entities and relations, whatever file or system they come from, and the reading they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.domain.cmdb import CALLS, Entity, Inventory, Relation, inventory_of
from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Reading


@dataclass(frozen=True, slots=True)
class Rows:
    """What was read: entities, relations, and how many rows of how many were of no use, by what they were of."""

    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    unread: tuple[tuple[str, int, int], ...] = ()

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            self.entities + other.entities, self.relations + other.relations, self.unread + other.unread
        )


def entity_of(row: Mapping[str, Any], *, source: str) -> Entity | None:
    """An entity out of a row: `name`, `kind`, `aliases` and, under `attributes` or beside them, all else; None without a name.

    Aliases are a list or a text with `;` between them; values that are no text are written as text, empty ones left out.
    """
    name = text(row.get("name"))
    if not name:
        return None
    further = row.get("attributes")
    beside = {k: v for k, v in row.items() if k not in ("name", "kind", "aliases", "attributes")}
    attributes = {**beside, **(further if isinstance(further, Mapping) else {})}
    return Entity(
        name=name,
        kind=text(row.get("kind")),
        aliases=tuple(sorted(set(_names(row.get("aliases"))) - {name})),
        attributes={str(k): said for k, v in attributes.items() if (said := text(v))},
        sources=(source,),
    )


def relation_of(row: Mapping[str, Any] | Sequence[Any], *, source: str) -> Relation | None:
    """A relation out of a pair, or of a row with `caller`, `callee` and `kind`; None when an end is missing."""
    if not isinstance(row, Mapping):
        row = dict(zip(("caller", "callee", "kind"), row, strict=False))
    caller, callee = text(row.get("caller")), text(row.get("callee"))
    if not (caller and callee):
        return None
    return Relation(caller=caller, callee=callee, kind=text(row.get("kind")) or CALLS, sources=(source,))


def rows_of(entities: Sequence[Any], relations: Sequence[Any], *, source: str, what: str) -> Rows:
    """Entities and relations out of rows; those that lack a name are counted."""
    things = [entity_of(row, source=source) for row in entities]
    links = [relation_of(row, source=source) for row in relations]
    unread = things.count(None) + links.count(None)
    return Rows(
        tuple(each for each in things if each is not None),
        tuple(each for each in links if each is not None),
        ((what, unread, len(things) + len(links)),) if unread else (),
    )


def reading_of(rows: Rows, *, masker: Masker, asked: Iterable[Asked], gaps: Iterable[Gap] = ()) -> Reading:
    """A reading without telemetry: the inventory, who calls whom in it, and what contradicts itself."""
    inventory = inventory_of(map(masker.entity, rows.entities), map(masker.relation, rows.relations))
    unread = tuple(
        gap("gap.topology.unread", what=what, rows=n, total=total) for what, n, total in rows.unread
    )
    return Reading(
        topology=inventory.topology(),
        inventory=inventory,
        gaps=(*gaps, *unread, *conflict_gaps(inventory)),
        asked=tuple(asked),
    )


def conflict_gaps(inventory: Inventory) -> tuple[Gap, ...]:
    """One gap for all contradictions, with the first for an example; none when all agree."""
    if not inventory.conflicts:
        return ()
    one = inventory.conflicts[0]
    return (
        gap(
            "gap.topology.conflicts",
            number=len(inventory.conflicts),
            name=one.entity,
            attribute=one.attribute,
            kept=one.kept,
            kept_from=one.kept_from,
            other=one.other,
            other_from=one.other_from,
        ),
    )


def gap(key: str, **params: str | int) -> Gap:
    """A gap in the topology; the sentence of its key is in the catalogue."""
    return Gap(modality="topology", message=Message(key=key, params=tuple(sorted(params.items()))))


def text(value: Any) -> str:
    """A value as text; nothing and what is no single value are ''."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _names(value: Any) -> list[str]:
    parts = value.split(";") if isinstance(value, str) else value if isinstance(value, list) else []
    return [name for part in parts if (name := text(part))]
