"""The arguments of a tool as a signature in words: small models copy a JSON schema instead of filling it in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

DEEPEST = 3  # levels that are spelled out; a result that is deeper is none for a model that needs words
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "null": "null",
}


def signature(schema: Mapping[str, Any]) -> str:
    """Names, kinds and meanings, those that are needed first; `service: text, name of the service; page?: whole number`."""
    return _fields(schema, schema.get("$defs", {}), 0)


def sample(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as they could look, of those that are needed; of all, where none is."""
    definitions = schema.get("$defs", {})
    fields = _resolved(schema, definitions).get("properties", {})
    needed = schema.get("required") or list(fields)
    return {name: _sample(fields[name], definitions, 0) for name in needed if name in fields}


def _fields(schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> str:
    whole = _resolved(schema, definitions)
    needed = set(whole.get("required", ()))
    fields = sorted(whole.get("properties", {}).items(), key=lambda field: field[0] not in needed)
    return "; ".join(
        f"{name}{'' if name in needed else '?'}: {_kind(field, definitions, depth)}"
        + (f", {field['description']}" if isinstance(field, Mapping) and field.get("description") else "")
        for name, field in fields
    )


def _kind(field: Any, definitions: Mapping[str, Any], depth: int) -> str:
    field = _resolved(field, definitions)
    if "enum" in field:
        return "one of " + ", ".join(json.dumps(each, ensure_ascii=False) for each in field["enum"])
    if "const" in field:
        return json.dumps(field["const"], ensure_ascii=False)
    if options := field.get("anyOf") or field.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(each, definitions, depth) for each in options))
    kind = field.get("type", "text")
    if kind == "array":
        return f"list of {_kind(field.get('items', {}), definitions, depth)}"
    if kind == "object" and field.get("properties") and depth < DEEPEST:
        return "{" + _fields(field, definitions, depth + 1) + "}"
    return _TYPES.get(str(kind), str(kind))


def _sample(field: Any, definitions: Mapping[str, Any], depth: int) -> Any:
    field = _resolved(field, definitions)
    if field.get("enum"):
        return field["enum"][0]
    if options := field.get("anyOf") or field.get("oneOf"):
        return _sample(options[0], definitions, depth)
    kind = field.get("type", "string")
    if kind == "object" and depth < DEEPEST:
        return {
            name: _sample(each, definitions, depth + 1)
            for name, each in field.get("properties", {}).items()
            if name in field.get("required", ())
        }
    if kind == "array":
        return [_sample(field.get("items", {}), definitions, depth + 1)] if depth < DEEPEST else []
    return {"integer": 1, "number": 1.0, "boolean": True, "null": None}.get(kind, "…")


def _resolved(field: Any, definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference names; anything that is no schema is a text."""
    if not isinstance(field, Mapping):
        return {}
    name = str(field.get("$ref", "")).rpartition("/")[2]
    found = definitions.get(name)
    return {**found, **field} if isinstance(found, Mapping) else field
