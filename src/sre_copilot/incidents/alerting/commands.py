"""A command of a person or a program: written into the inbox like an alert, and waited for."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sre_copilot.clock import Clock
from sre_copilot.errors import StoreError
from sre_copilot.store.alerting.inbox import Entry, Inbox

WAIT_S = 10.0  # for the outcome: a take-over by another worker lasts no longer
ASK_EVERY_S = (0.02, 0.01, 0.02)  # of the store: another process may carry it out; this one tells at once
LONGEST_KEY = 200
MOST_AT_ONCE = 16  # that wait in one process: each holds a thread of the interface, which has forty for all that it answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a command; `status` as HTTP has it."""

    ok: bool
    status: int
    result: Mapping[str, Any] = field(default_factory=dict)
    field: str = ""
    problem: str = ""


ANOTHER = Outcome(
    ok=False,
    status=409,
    field="idempotency-key",
    problem="this key was given to another command before. Take a new one for each command.",
)


class CommandDesk:
    """Takes commands, at any process."""

    def __init__(
        self,
        inbox: Inbox,
        clock: Clock,
        *,
        works: Callable[[], bool] = lambda: True,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._works = works
        self._places = threading.BoundedSemaphore(most_at_once)

    def post(
        self, verb: str, arguments: Mapping[str, Any], *, who: str, key: str = "", actor: str = ""
    ) -> int:
        """Write a command, and do not wait; one whose key is there already is not written again. `actor` is how the audit names who asks, `who` when empty. Return the entry's id."""
        entry = Entry(
            kind="command",
            source=who[:200],
            body=_body(verb, arguments, actor),
            received_at=self._clock.now(),
            key=(key or f"once/{uuid.uuid4()}")[:LONGEST_KEY],
        )
        return self._inbox.put(entry).result(WAIT_S)

    def do(
        self, verb: str, arguments: Mapping[str, Any], *, who: str, key: str = "", actor: str = ""
    ) -> Outcome:
        """Write a command, and wait for what comes of it; a key that stands for another command already is refused with 409.

        Raises
        ------
        StoreError : when nobody works the inbox off; the command stays there and is carried out later. When too many wait; then nothing is written
        """
        if not self._works():
            raise StoreError(
                "nobody decides on alerts here, so that nobody would carry it out. Start `sre-copilot serve`."
            )
        if not self._places.acquire(blocking=False):
            raise StoreError("too many commands wait to be carried out. Send it again in a few seconds.")
        try:
            entry = self.post(verb, arguments, who=who, key=key, actor=actor)
            if key and not self._is_same(entry, _body(verb, arguments, actor)):
                return ANOTHER
            return self._outcome(entry)
        finally:
            self._places.release()

    def _is_same(self, entry: int, body: bytes) -> bool:
        """Whether what is kept under its key is this command."""
        return bool(orjson.loads(self._inbox.body(entry)) == orjson.loads(body))

    def _outcome(self, entry: int) -> Outcome:
        began = time.monotonic()
        asked = 0
        while time.monotonic() - began < WAIT_S:
            found = self._inbox.outcomes.wait(entry, ASK_EVERY_S[min(asked, len(ASK_EVERY_S) - 1)])
            found = found or self._inbox.outcome(entry)
            if found is not None:
                return Outcome(**found)
            asked += 1
        raise StoreError(
            "the command is kept but nobody has carried it out yet: no `serve` or `worker` works. Start one; it is carried out then."
        )


def _body(verb: str, arguments: Mapping[str, Any], actor: str) -> bytes:
    named = {"actor": actor} if actor else {}
    return orjson.dumps({"verb": verb, "arguments": dict(arguments), **named})
