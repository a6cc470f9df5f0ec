"""An executor whose every failure is an `ActionError`: executors are plug-ins, and what one did before it broke must be written, not lost."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sre_copilot.action.executor import ActionError, Call, Effect, Executor, Looked, Preview, Verified
from sre_copilot.domain.plan import Action, ActionSpec
from sre_copilot.errors import SettingsError
from sre_copilot.telemetry import log

Answer = TypeVar("Answer")


class Guarded:
    """Stands before an executor; of an unexpected exception its kind and place are told, for its words may hold a secret."""

    def __init__(self, own: Executor) -> None:
        self._own, self.name = own, own.name

    def specs(self) -> Sequence[ActionSpec]:
        """What it can do."""
        return self._own.specs()

    def check(self, action: Action) -> Action:
        """The action as it is understood."""
        return self._said(lambda: self._own.check(action), "none")

    def look(self, action: Action) -> Looked:
        """The present state of the target."""
        return self._said(lambda: self._own.look(action), "none")

    def preview(self, action: Action) -> Preview:
        """What would be done."""
        return self._said(lambda: self._own.preview(action), "none")

    def backup(self, action: Action) -> Mapping[str, Any]:
        """What `undo` needs."""
        return self._said(lambda: self._own.backup(action), "none")

    def execute(self, action: Action, call: Call) -> Effect:
        """Do it; after an unexpected exception nobody knows whether it was done."""
        return self._said(lambda: self._own.execute(action, call), "unknown")

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the effect is there."""
        return self._said(lambda: self._own.done(action, call, backup), "none")

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the target has come to the state that was asked for."""
        return self._said(lambda: self._own.verify(action, call), "none")

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Take it back; after an unexpected exception nobody knows whether it was."""
        return self._said(lambda: self._own.undo(action, call, backup), "unknown")

    def _said(self, ask: Callable[[], Answer], effect: str) -> Answer:
        try:
            return ask()
        except ActionError:
            raise
        except SettingsError as error:  # it says what is missing, and the way out
            raise ActionError(str(error), effect=effect) from None
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            kind, place = type(error).__name__, traceback.extract_tb(error.__traceback__)[-1]
            log(__name__).error("an executor broke", executor=self.name, error=kind, file=place.filename, line=place.lineno)  # fmt: skip
            raise ActionError(f"{self.name}: the executor itself broke ({kind}); tell its author, the log has the place", effect=effect) from None  # fmt: skip
