"""Read by schemathesis alone: three of four invented requests name something that there is, so that they get beyond "there is none of this name", and answers have declared fields only."""

from __future__ import annotations

import json
import os
from typing import Any
from zlib import crc32

import schemathesis

KNOWN: dict[str, dict[str, list[str]]] = json.loads(os.environ.get("SRE_COPILOT_FUZZ_KNOWN", "{}"))
"""By a part of the path: what there is, by the name of the parameter."""
TEXTS: list[str] = json.loads(os.environ.get("SRE_COPILOT_FUZZ_TEXTS", "[]"))
"""Workflows that are right: an invented text never is one."""


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Replace invented names."""
    operation = context.operation
    if not path_parameters or operation is None:
        return path_parameters
    chosen = dict(path_parameters)
    for part, known in KNOWN.items():
        if part in operation.path:
            for name, values in known.items():
                number = crc32(str(chosen.get(name, "")).encode("utf-8", "replace"))
                if name in chosen and number % 4:  # repeatable: the same request again is the same
                    chosen[name] = values[number // 4 % len(values)]
    return chosen


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Put a workflow, or the first part of one, where a text of one is asked for."""
    operation = context.operation
    asked = operation is not None and operation.path.endswith(("/workflows", "/workflows/lint"))
    if not (asked and TEXTS and isinstance(body, dict) and isinstance(body.get("text"), str)):
        return body
    size = len(body["text"]) + len(str(body.get("note", "")))
    text = TEXTS[size // 3 % len(TEXTS)]
    return {**body, "text": (text, text[: size * 37 % len(text)], body["text"])[size % 3]}


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """A field that is not declared is a mistake here; a client may still expect more of them in a later version."""
    for declared in raw_schema.get("components", {}).get("schemas", {}).values():
        if "properties" in declared:
            declared.setdefault("additionalProperties", False)
