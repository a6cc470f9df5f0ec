"""Requests that a role does not allow, in the audit: who tried what. The same within a minute is one entry, so that no client fills the audit by trying again."""

from __future__ import annotations

import threading

from fastapi import Request

from sre_copilot.app.serving import Service
from sre_copilot.store.alerting.audit import actor, note
from sre_copilot.store.tokens import Token

ONCE_IN_S = 60.0
MOST = 1000  # of tokens and routes that are remembered; beyond them all are forgotten, and told once more
LONGEST = 200  # characters of a path


class Denials:
    """Writes down what was refused for want of a role."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def tell(self, service: Service, request: Request, token: Token, *, needed: str) -> None:
        """Add an entry, unless the same was refused within the last minute."""
        now, subject = service.clock.now(), f"{request.method} {request.url.path}"[:LONGEST]
        if not self._first(token.id, _route(request), now):
            return
        detail = {"code": "role", "needed": needed, "role": token.role}
        with service.database.write() as connection:
            note(
                connection, "access.denied", who=actor(token), at=now, subject=subject, outcome="refused", detail=detail
            )  # fmt: skip

    def _first(self, token: str, route: str, now: float) -> bool:
        with self._lock:
            if now - self._last.get((token, route), float("-inf")) < ONCE_IN_S:
                return False
            if len(self._last) >= MOST:
                self._last.clear()
            self._last[token, route] = now
            return True


def denials_of(request: Request) -> Denials:
    """Those of the application."""
    state = request.app.state
    if not hasattr(state, "denials"):
        state.denials = Denials()
    found: Denials = state.denials
    return found


def _route(request: Request) -> str:
    """The route with the names of its parameters, so that each id is not another."""
    return f"{request.method} {getattr(request.scope.get('route'), 'path', request.url.path)}"
