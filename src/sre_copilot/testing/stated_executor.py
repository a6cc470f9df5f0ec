"""An executor whose actions and states a test gives; it says what it would do, and does nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel

KIND = "process"


def spec(
    name: str, *, kinds: tuple[str, ...] = (KIND,), required: tuple[str, ...] = (), **more: Any
) -> ActionSpec:
    """An entry of a catalogue; `properties` are those of its parameters."""
    properties = more.pop("properties", {})
    fixed: dict[str, Any] = {"level": RiskLevel.MEDIUM, "reversible": True, "exactly_once": True}
    return ActionSpec(
        name=name,
        kinds=kinds,
        parameters={
            "type": "object", "properties": properties, "required": list(required), "additionalProperties": False,
        },
        does=Message(key="action.restored"),
        **{**fixed, **more},
    )  # fmt: skip


USUAL = ("restart", "start", "rollback", "restore_configuration", "scale")
REPLICAS = {"type": "integer", "minimum": 0, "maximum": 8}


def usual_specs(name: str) -> tuple[ActionSpec, ...]:
    """What most managers of processes can do."""
    return tuple(
        spec(f"{name}.{verb}", required=("replicas",), properties={"replicas": REPLICAS}, idempotent=True)
        if verb == "scale"
        else spec(f"{name}.{verb}")
        for verb in USUAL
    )


class StatedExecutor:
    """`states` are states by name of the target; one that is not there does not exist. `refuses` are actions whose preview is refused."""

    def __init__(
        self,
        name: str = "stated",
        *,
        specs: Sequence[ActionSpec] | None = None,
        states: Mapping[str, Mapping[str, Any]] | None = None,
        refuses: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._specs = tuple(specs if specs is not None else usual_specs(name))
        self.states: dict[str, Mapping[str, Any]] = dict(states or {})
        self.refuses = tuple(refuses)
        self.asked: list[str] = []

    def specs(self) -> Sequence[ActionSpec]:
        """What was given."""
        return self._specs

    def check(self, action: Action) -> Action:
        """Refuse unknown and missing parameters."""
        known = next(each for each in self._specs if each.name == action.name).parameters
        unknown = set(action.parameters) - set(known["properties"])
        missing = set(known["required"]) - set(action.parameters)
        if unknown or missing:
            raise ActionError(
                f"parameters: {sorted(unknown | missing)[0]} is unknown or missing", effect="none"
            )
        return action

    def look(self, action: Action) -> Looked:
        """The state that was given."""
        self.asked.append(f"look {action.name}")
        state = self.states.get(action.target.name)
        if state is None:
            return Looked(exists=False)
        digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
        return Looked(exists=True, state=state, digest=digest)

    def preview(self, action: Action) -> Preview:
        """The state, and the parameters as what would become of it."""
        self.asked.append(f"preview {action.name}")
        if action.name in self.refuses:
            raise ActionError(f"{action.name}: there is nothing to go back to", effect="none")
        before = dict(self.look(action).state)
        after = {**before, **action.parameters}
        lines = [
            f"{name}: {before.get(name)} -> {after[name]}"
            for name in after
            if before.get(name) != after[name]
        ]
        return Preview(before=before, after=after, difference=tuple(lines))

    def backup(self, action: Action) -> Mapping[str, Any]:
        """The state."""
        return dict(self.look(action).state)

    def execute(self, action: Action, call: Call) -> Effect:
        """Refuse: it has no hands."""
        raise ActionError(f"{action.name}: this executor only states", effect="none")

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Never."""
        return False

    def verify(self, action: Action, call: Call) -> Verified:
        """Never done."""
        return Verified(ok=False, settled=True, reason=Message(key="action.not_restored"))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Refuse, as above."""
        raise ActionError(f"{action.name}: this executor only states", effect="none")
