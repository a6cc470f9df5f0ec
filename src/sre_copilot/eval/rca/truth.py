"""The answer of a recorded case. Nothing else opens `truth.json`, and this only after every ranking is final."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sre_copilot.errors import BadCaseError

FILE = "truth.json"


@dataclass(frozen=True, slots=True)
class Truth:
    """What was wrong: the entity, the data set's own label of the fault, and its taxonomy where it has one."""

    entity: str = ""
    fault_type: str = ""
    taxonomy: str | None = None
    no_fault: bool = False


def read_truth(folder: Path) -> Truth | None:
    """Read the answer of the case in `folder`; None when none was recorded."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCaseError(FILE, f"cannot be read: {error}", remedy=f"repair or remove {path}") from error
    if not isinstance(facts, dict):
        raise BadCaseError(FILE, "is not an object", remedy=f"repair or remove {path}")
    entity = facts.get("fault_object") or facts.get("service")
    if facts.get("no_fault") or (not entity and facts.get("service", "") is None):
        return Truth(no_fault=True)
    if not entity:
        raise BadCaseError(FILE, "names no entity", field="service", remedy='add it, or "no_fault": true')
    return Truth(str(entity), str(facts.get("fault_type") or ""), facts.get("taxonomy"))
