"""Entries of the catalogue: what each action is called, what it takes, and what is known of it beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import ActionSpec, RiskLevel


def parameters(required: tuple[str, ...] = (), **properties: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema that refuses unknown parameters."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def entry(
    executor: str,
    verb: str,
    kinds: tuple[str, ...],
    schema: Mapping[str, Any],
    *,
    says: str = "",
    **more: Any,
) -> ActionSpec:
    """An entry of the catalogue; everything here keeps a key or shows its state, and compares versions."""
    return ActionSpec(
        name=f"{executor}.{verb}",
        kinds=kinds,
        parameters=schema,
        does=Message(key=f"kubernetes.does.{says or verb}"),
        exactly_once=True,
        fenced=True,
        **({"level": RiskLevel.MEDIUM, "reversible": True, "timeout_seconds": 120.0} | more),
    )
