"""A schema in few words, for a model and for a person."""

from __future__ import annotations

from sre_copilot.agents.queries.schema import Schema
from sre_copilot.agents.queries.written import Language

MOST = 60  # names; a larger schema does not fit what a small model can read


def describe(schema: Schema, language: Language) -> str:
    """What there is to ask for in a language."""
    lines: list[str] = []
    if language == "promql" and schema.metrics is not None:
        lines += [
            f"{each.name} ({each.kind}): {', '.join(each.labels)}"
            for each in list(schema.metrics.metrics.values())[:MOST]
        ]
        lines += [
            f"values of {name}: {', '.join(values[:8])}" for name, values in schema.metrics.values.items()
        ]
    elif language == "logql" and schema.logs is not None:
        lines += [
            f"label {name}: {', '.join(values[:8])}"
            for name, values in list(schema.logs.labels.items())[:MOST]
        ]
        lines += [
            f"lines are {schema.logs.form}; fields: {', '.join(f'{name} ({kind})' for name, kind in schema.logs.fields.items())}"
        ]
    elif language == "elasticsearch" and schema.index is not None:
        lines += [f"index {schema.index.index}"] + [
            f"{name} ({kind})" for name, kind in list(schema.index.fields.items())[:MOST]
        ]
        lines += [
            f"values of {name}: {', '.join(values[:8])}" for name, values in schema.index.values.items()
        ]
    elif language == "sql" and schema.sql is not None:
        lines += [f"dialect {schema.sql.dialect}"]
        lines += [
            f"table {name}: {', '.join(f'{column} {kind}' for column, kind in columns.items())}"
            for name, columns in list(schema.sql.tables.items())[:MOST]
        ]
        lines += [f"values of {name}: {', '.join(values[:8])}" for name, values in schema.sql.values.items()]
    else:
        lines += [f"services: {', '.join(schema.services[:MOST])}"]
    return "\n".join(lines)
