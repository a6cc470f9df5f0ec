"""A command of a person or a program: written into the inbox like an alert, and waited for."""

from __future__ import annotations

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
ASK_EVERY_S = (0.002, 0.005, 0.01, 0.02)  # at first often, for most are done at once
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a command; `status` as HTTP has it."""

    ok: bool
    status: int
    result: Mapping[str, Any] = field(default_factory=dict)
    field: str = ""
    problem: str = ""


class CommandDesk:
    """Takes commands, at any process."""

    def __init__(self, inbox: Inbox, clock: Clock, *, works: Callable[[], bool] = lambda: True) -> None:
        self._inbox = inbox
        self._clock = clock
        self._works = works

    def post(self, verb: str, arguments: Mapping[str, Any], *, who: str, key: str = "") -> int:
        """Write a command, and do not wait; one whose key is there already is not written again. Return the entry's id."""
        body = orjson.dumps({"verb": verb, "arguments": dict(arguments)})
        entry = Entry(
            kind="command",
            source=who[:200],
            body=body,
            received_at=self._clock.now(),
            key=(key or f"once/{uuid.uuid4()}")[:LONGEST_KEY],
        )
        return self._inbox.put(entry).result(WAIT_S)

    def do(self, verb: str, arguments: Mapping[str, Any], *, who: str, key: str = "") -> Outcome:
        """Write a command, and wait for what comes of it.

        Raises
        ------
        StoreError : when nobody works the inbox off; the command stays there and is carried out later
        """
        if not self._works():
            raise StoreError(
                "nobody decides on alerts here, so that nobody would carry it out. Start `sre-copilot serve`."
            )
        entry = self.post(verb, arguments, who=who, key=key)
        began = time.monotonic()
        asked = 0
        while time.monotonic() - began < WAIT_S:
            found = self._inbox.outcome(entry)
            if found is not None:
                return Outcome(**found)
            time.sleep(ASK_EVERY_S[min(asked, len(ASK_EVERY_S) - 1)])
            asked += 1
        raise StoreError(
            "the command is kept but nobody has carried it out yet: no `serve` or `worker` works. Start one; it is carried out then."
        )
