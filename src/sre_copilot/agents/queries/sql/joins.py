"""How tables belong together: by declared keys, else by columns that are named after the table that they lead to."""

from __future__ import annotations

from itertools import permutations

from sre_copilot.agents.queries.schema import SqlSchema
from sre_copilot.agents.queries.text import stem


def keys(schema: SqlSchema) -> tuple[tuple[str, str, str, str], ...]:
    """Pairs of columns that are equal: table, column, table, column."""
    declared = [(*one.split(".", 1), *other.split(".", 1)) for one, other in schema.keys]
    found: list[tuple[str, str, str, str]] = [(a, b, c, d) for a, b, c, d in declared]
    for one, other in permutations(schema.tables, 2):
        column = f"{stem(other.lower())}_id"
        if (
            column in schema.tables[one]
            and "id" in schema.tables[other]
            and not any({a, c} == {one, other} for a, _, c, _ in found)
        ):
            found.append((one, column, other, "id"))
    return tuple(found)


def path(schema: SqlSchema, start: str, end: str) -> tuple[tuple[str, str, str, str], ...]:
    """The joins that lead from one table to another, each as (joined table, its column, table before, its column); () where none do."""
    both = [*keys(schema), *((c, d, a, b) for a, b, c, d in keys(schema))]
    ways: list[tuple[tuple[str, str, str, str], ...]] = [()]
    reached = {start}
    while ways:
        way = ways.pop(0)
        at = way[-1][0] if way else start
        for left, left_column, right, right_column in both:
            if left == at and right not in reached:
                longer = (*way, (right, right_column, left, left_column))
                if right == end:
                    return longer
                reached.add(right)
                ways.append(longer)
    return ()
