"""Parameters of an action, from the present state of its target and from the change that it takes back; what is not known is never made up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sre_copilot.decision.planning.model import NoPlan, Seen, Wish, message
from sre_copilot.domain.plan import Action, ActionSpec
from sre_copilot.domain.signals import Change

MORE = 0.5
"""Replicas that are added, as a share of those that there are: with half as many again each carries two thirds of its load, which ends most saturations, and what it costs is bounded."""
FROM_CHANGE: Mapping[str, tuple[str, ...]] = {
    "commit": ("commit", "sha", "revision"),
    "version": ("from", "previous"),
    "flag": ("flag", "name"),
    "key": ("key", "name"),
    "value": ("from", "previous"),
}
"""Parameters that a change tells, and the names of its details."""


def told(wish: Wish, spec: ActionSpec) -> Action:
    """The action with what the change tells that it takes back, so that its target can be looked at."""
    if wish.change is None:
        return wish.action
    return replace(
        wish.action, parameters={**_told(wish.change, _properties(spec)), **wish.action.parameters}
    )


def filled(wish: Wish, spec: ActionSpec, seen: Seen) -> Action | NoPlan:
    """The action with every parameter that it needs, or which one is not known."""
    properties = _properties(spec)
    found = dict(told(wish, spec).parameters)
    if wish.strategy == "scale_out" and "replicas" in properties and "replicas" not in found:
        more = _replicas(seen, properties["replicas"])
        if more is None:
            return NoPlan(reason=message("dropped.no_more", target=wish.action.target.key))
        found["replicas"] = more
    missing = [name for name in spec.parameters.get("required", ()) if name not in found]
    if missing:
        return NoPlan(reason=message("dropped.parameter", action=spec.name, parameter=str(missing[0])))
    return replace(wish.action, parameters=found)


def _replicas(seen: Seen, schema: Mapping[str, Any]) -> int | None:
    """Half as many again, at least one more, within what the catalogue allows."""
    present = seen.state.get("replicas")
    if isinstance(present, bool) or not isinstance(present, int) or present < 0:
        return None
    wanted = present + max(1, math.ceil(present * MORE))
    wanted = min(wanted, int(schema.get("maximum", wanted)))
    return wanted if wanted > present else None


def _told(change: Change, properties: Mapping[str, Any]) -> dict[str, str]:
    """What the change says of itself; only texts, for details are texts."""
    told: dict[str, str] = {}
    for parameter in properties:
        names = FROM_CHANGE.get(parameter, ())
        value = next((change.detail[name] for name in names if change.detail.get(name)), None)
        if value is not None and properties[parameter].get("type", "string") == "string":
            told[parameter] = value
    return told


def _properties(spec: ActionSpec) -> Mapping[str, Any]:
    found: Mapping[str, Any] = spec.parameters.get("properties") or {}
    return found
