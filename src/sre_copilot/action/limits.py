"""Locks of targets: a lease for each, long enough for the action and no longer, and one of a few places for effects under way."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sre_copilot.domain.plan import Action, Target
from sre_copilot.errors import StoreError
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.store.leadership import elapsed as elapsed_here
from sre_copilot.store.leases import Lease, Leases
from sre_copilot.store.limits import Wanted
from sre_copilot.telemetry import log

LONGEST_NAME = 180  # characters of a lease's name that the store keeps, with room for its beginning
BUSY_S = 1.0  # pause before a lock is asked for again
PLACES = "acting"
SKEW = 0.25  # of the margin: so much earlier than others can take it does its holder count it as lost


def lock_name(target: Target) -> str:
    """The lease of a target; the environment is no part of it, and a long name becomes a digest."""
    key = target.key
    return "act/" + (key if len(key) <= LONGEST_NAME else hashlib.sha256(key.encode()).hexdigest())


def place_name(number: int, kind: str = PLACES) -> str:
    """The lease of one of the places for effects under way."""
    return f"{kind}/{number}"


def wanted(action: Action, plan_id: str, limits: ActionLimits) -> Wanted:
    """What the store counts before an effect is begun."""
    return Wanted(
        plan_id=plan_id,
        action=action.name,
        target=action.target.key,
        per_target_per_hour=limits.per_target_per_hour,
        per_hour=limits.per_hour,
        cooldown_s=limits.cooldown_seconds,
    )


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now: whose turn it is, and when to ask again."""

    reason: str
    wait_s: float = BUSY_S


@dataclass(frozen=True, slots=True)
class Lock:
    """A target that nobody else touches until a moment of this process's clock."""

    lease: Lease
    place: Lease
    until: float
    leases: Leases
    elapsed: Callable[[], float]

    def remaining(self) -> float:
        """Seconds for which it surely holds."""
        return self.until - self.elapsed()

    def release(self) -> None:
        """Let others have it at once; where the store does not answer it runs out by itself."""
        for each in (self.lease, self.place):
            try:
                self.leases.release(each)
            except StoreError as error:
                log(__name__).info("a lock runs out by itself", lease=each.name, error=str(error))


class Locks:
    """Takes the lock of a target and a place among the effects under way; `places` names another set of them, for what is no repair."""

    def __init__(
        self,
        leases: Leases,
        limits: ActionLimits,
        *,
        worker: str,
        elapsed: Callable[[], float] = elapsed_here,
        places: str = PLACES,
    ) -> None:
        self._places = places
        self._leases, self._limits, self._worker, self._elapsed = leases, limits, worker, elapsed

    def take(self, target: Target, timeout_s: float) -> Lock | Busy:
        """Lock a target for an action that takes at most so long."""
        holder = f"{self._worker}/{uuid.uuid4().hex}"  # one call, never two threads of a process
        margin = self._limits.lease_margin_seconds
        ttl_s = timeout_s + margin
        before = self._elapsed()
        lease = self._leases.acquire(lock_name(target), holder, ttl_s)
        if lease is None:
            return Busy("limits.target_busy")
        place = self._place(holder, ttl_s)
        if place is None:
            self._leases.release(lease)
            return Busy("limits.all_busy")
        return Lock(lease, place, before + ttl_s - SKEW * margin, self._leases, self._elapsed)

    def _place(self, holder: str, ttl_s: float) -> Lease | None:
        for number in range(self._limits.at_once):
            if (place := self._leases.acquire(place_name(number, self._places), holder, ttl_s)) is not None:
                return place
        return None
