"""Read by schemathesis alone: half of the invented requests name something that there is, so that they get beyond "there is none of this name", and answers have declared fields only."""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis

KNOWN: dict[str, dict[str, list[str]]] = json.loads(os.environ.get("SRE_COPILOT_FUZZ_KNOWN", "{}"))
"""By a part of the path: what there is, by the name of the parameter."""


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
                if (
                    name in chosen and len(str(chosen[name])) % 2
                ):  # repeatable: the same request again is the same
                    chosen[name] = values[len(str(chosen[name])) // 2 % len(values)]
    return chosen


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """A field that is not declared is a mistake here; a client may still expect more of them in a later version."""
    for declared in raw_schema.get("components", {}).get("schemas", {}).values():
        if "properties" in declared:
            declared.setdefault("additionalProperties", False)
