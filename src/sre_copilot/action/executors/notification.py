"""Telling people: a message to a receiver, through the product's own outbox, from which delivery takes it, retries and all."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import VerbExecutor, digest, refused, schema
from sre_copilot.action.executors.levels import LEVELS, Level
from sre_copilot.clock import SystemClock
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.notification import Notification
from sre_copilot.domain.plan import Action, ActionSpec
from sre_copilot.errors import StoreError
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore

TITLE = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f]+$", "description": "One line."}  # fmt: skip
TEXT = {
    "type": "string",
    "maxLength": 4000,
    "default": "",
    "description": "What people shall read; no secret.",
}
SEVERITY = {"enum": ["critical", "high", "warning", "info"], "default": "info"}


class NotificationExecutorSettings(Section):
    """What the executor `notification` can be told."""

    name: str = Field(default="notification", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; the action is `NAME.tell`."""
    store_url: Secret
    """Address of the product's own store, as in `store.url` (`sqlite:////FOLDER/sre-copilot.db` where that is empty): there its outbox is."""
    receivers: tuple[str, ...] = Field(min_length=1)
    """Patterns of receivers of `alerting.notify` that may be told."""
    level: Level = "irreversible"
    """How bad it can be: what people have read cannot be taken back."""


SETTINGS = NotificationExecutorSettings


class NotificationExecutor(VerbExecutor):
    """The outbox."""

    Settings: ClassVar[type[NotificationExecutorSettings]] = NotificationExecutorSettings

    def __init__(self, settings: NotificationExecutorSettings) -> None:
        super().__init__(settings.name, [Tell(settings)], allowed=settings.receivers)


class Tell:
    """`tell`."""

    def __init__(self, settings: NotificationExecutorSettings) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._opened: NotificationStore | None = None
        self.spec = ActionSpec(
            name=f"{settings.name}.tell",
            level=LEVELS[settings.level],
            parameters=schema(("title",), title=TITLE, text=TEXT, severity=SEVERITY),
            kinds=("receiver",),
            does=Message(key="notification.does.tell"),
            reversible=False,
            exactly_once=True,
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is."""
        return action

    def look(self, action: Action) -> Looked:
        """A receiver has no state of its own; whether the outbox can be reached is seen here."""
        self._row("", None)
        return Looked(exists=True, state={"receiver": action.target.name}, digest=digest(action.target.name))

    def preview(self, action: Action) -> Preview:
        """What would be told."""
        state = dict(self.look(action).state)
        lines = tuple(f"{name}: {value}" for name, value in action.parameters.items())
        return Preview(before=state, after=state, difference=lines)

    def backup(self, action: Action) -> Mapping[str, Any]:
        """There is nothing to restore."""
        return {}

    def execute(self, action: Action, call: Call) -> Effect:
        """Put it into the outbox, once for its key."""
        told = _notification(action, call)
        try:
            store = self._store()
        except StoreError:
            raise self._away("none") from None
        try:
            with store.database.write() as connection:
                new = store.insert(connection, [told])
        except StoreError:
            raise self._away("unknown") from None
        return Effect(changed=new > 0, detail={"notification": told.key})

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the outbox holds its key."""
        return self._row(_key(call), call) is not None

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether it was delivered; until then it is tried again."""
        row = self._row(_key(call), call)
        status = str(row["status"]) if row else "absent"
        params = (("receiver", action.target.name), ("status", status))
        if status in {"pending", "started"}:
            return Verified(ok=False, settled=False, reason=Message(key="notification.verify.waits", params=params))  # fmt: skip
        ok = status == "sent"
        key = "notification.verify.told" if ok else "notification.verify.not_told"
        return Verified(ok=ok, settled=True, reason=Message(key=key, params=params))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """People have read it."""
        raise refused(self._settings.name, f"{self.spec.name} cannot be undone; let a person decide")

    def _row(self, key: str, call: Call | None) -> Mapping[str, Any] | None:
        try:
            return self._store().get(key)
        except StoreError:
            raise self._away("none") from None

    def _store(self) -> NotificationStore:
        with self._lock:
            if self._opened is None:
                self._opened = NotificationStore(Database(self._settings.store_url.get_secret_value()))
            return self._opened

    def _away(self, effect: str) -> ActionError:
        return ActionError(f"{self._settings.name}: no connection to the store; check store_url, and that it runs", effect=effect, retry=True)  # fmt: skip


def _key(call: Call) -> str:
    return f"action/{call.key}"


def _notification(action: Action, call: Call) -> Notification:
    given = action.parameters
    params = {"title": given["title"], "text": given["text"]}
    return Notification(
        key=_key(call),
        group=_key(call),
        receiver=action.target.name,
        state="updated",
        sequence=1,
        created_at=SystemClock().now(),
        content={
            "title": given["title"],
            "severity": given["severity"],
            "summary": [{"key": "notification.text", "params": params}],
        },
    )
