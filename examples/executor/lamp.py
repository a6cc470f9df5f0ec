"""An executor of one's own, whole: a lamp is a file that says `on` or `off`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel
from sre_copilot.settings.section import Section

STATES = ("on", "off")
WORDS = {
    "lamp.set": {"en": "Switches a lamp on or off.", "zh": "开灯或关灯。"},
    "lamp.is": {"en": "The lamp is {state}.", "zh": "灯的状态为 {state}。"},
}


class LampSettings(Section):
    """Where lamps are."""

    name: str = Field(default="lamp", max_length=64)
    """How plans call it."""
    folder: Path
    """Folder of the lamps, one file each."""


class LampExecutor:
    """Switches lamps."""

    Settings = LampSettings

    def __init__(self, settings: LampSettings) -> None:
        self.name, self._folder = settings.name, settings.folder

    def specs(self) -> Sequence[ActionSpec]:
        """What it can do."""
        schema = {
            "type": "object",
            "properties": {"to": {"enum": list(STATES)}},
            "required": ["to"],
            "additionalProperties": False,
        }
        does = Message(key="lamp.set")
        return (
            ActionSpec(
                name=f"{self.name}.set", level=RiskLevel.MEDIUM, parameters=schema, kinds=("lamp",), does=does,
                reversible=True, exactly_once=True, idempotent=True, timeout_seconds=5.0,
            ),
        )  # fmt: skip

    def check(self, action: Action) -> Action:
        """A state that there is, of a lamp in the folder and nowhere else."""
        if action.parameters.get("to") not in STATES:
            raise ActionError("parameters.to: is neither on nor off; write one of them.", effect="none")
        if Path(action.target.name).name != action.target.name:
            raise ActionError("target.name: is no name of a lamp; write one without a slash.", effect="none")
        return action

    def look(self, action: Action) -> Looked:
        """How the lamp is."""
        file = self._folder / action.target.name
        if not file.is_file():
            return Looked(exists=False)
        state = file.read_text(encoding="utf-8").strip()
        return Looked(exists=True, state={"state": state}, digest=state)

    def preview(self, action: Action) -> Preview:
        """How it would be."""
        now, to = self._state(action), str(action.parameters["to"])
        difference = () if now == to else (f"state: {now} -> {to}",)
        return Preview(before={"state": now}, after={"state": to}, difference=difference)

    def backup(self, action: Action) -> Mapping[str, Any]:
        """How it was."""
        return {"state": self._state(action)}

    def execute(self, action: Action, call: Call) -> Effect:
        """Switch it; the same for each attempt."""
        return self._set(action, str(action.parameters["to"]))

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether it is as it is to be."""
        return bool(self._state(action) == action.parameters["to"])

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether it has come to be so."""
        state = self._state(action)
        reason = Message(key="lamp.is", params=(("state", state),))
        return Verified(ok=state == action.parameters["to"], settled=True, reason=reason)

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """As it was before."""
        return self._set(action, str(backup["state"]))

    def _state(self, action: Action) -> str:
        found = self.look(action)
        if not found.exists:
            raise ActionError(f"target.name: there is no lamp {action.target.name!r}.", effect="none")
        return str(found.state["state"])

    def _set(self, action: Action, to: str) -> Effect:
        changed = self._state(action) != to
        if changed:
            (self._folder / action.target.name).write_text(to, encoding="utf-8")
        return Effect(changed=changed)
