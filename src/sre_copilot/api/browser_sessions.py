"""People in a browser: a link that works once, and the session that it begins. Both are forgotten when the process ends."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

from sre_copilot.clock import Clock
from sre_copilot.store.tokens import digest

LINK_S = 60.0  # from the command line to the browser
SESSION_S = 8 * 3600.0  # a working day
MOST = 1000  # of each at a time: more people than look at one server


@dataclass(frozen=True, slots=True)
class Grant:
    """Whose token it stands for, and until when (epoch s)."""

    token_id: str
    until: float


class Grants:
    """Random words, each of which stands for a token for a while; only their hashes are held."""

    def __init__(self, clock: Clock, *, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._held: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def make(self, token_id: str) -> tuple[str, float]:
        """A new word, and until when it is good (epoch s)."""
        word, now = secrets.token_urlsafe(32), self._clock.now()
        with self._lock:
            kept = [(key, each) for key, each in self._held.items() if each.until > now]
            self._held = dict(kept[-(MOST - 1) :])
            self._held[digest(word)] = Grant(token_id, now + self._seconds)
        return word, now + self._seconds

    def token_id(self, word: str, *, once: bool = False) -> str | None:
        """The token that a word stands for; `once`: and for nobody after this."""
        with self._lock:
            grant = self._held.pop(digest(word), None) if once else self._held.get(digest(word))
        return grant.token_id if grant is not None and grant.until > self._clock.now() else None


class Sessions:
    """Links that work once, and sessions."""

    def __init__(self, clock: Clock) -> None:
        self.links = Grants(clock, seconds=LINK_S)
        self.open = Grants(clock, seconds=SESSION_S)
