"""The JSON Schema of workflows: made from the types that read them, so that editors and the product agree."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from sre_copilot.workflows.spec import Document

ADDRESS = "https://json-schema.org/draft/2020-12/schema"


@cache
def _made() -> str:
    schema: dict[str, Any] = Document.model_json_schema(by_alias=True)
    schema |= {"$schema": ADDRESS, "title": "SRE Copilot workflow"}
    return json.dumps(schema, ensure_ascii=False)


def json_schema() -> dict[str, Any]:
    """The schema of a workflow file (draft 2020-12)."""
    made: dict[str, Any] = json.loads(_made())
    return made
