"""What becomes of matters that waited: they wake, belong to another, are left to the storm, or stay quiet."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from sre_copilot.alerts.correlation.matter import Matter
from sre_copilot.alerts.correlation.matters import ROOT_SHARE, Matters
from sre_copilot.alerts.correlation.placement import Placement, Reason, placement, reason
from sre_copilot.alerts.correlation.rules import Needs
from sre_copilot.alerts.correlation.sweeping import Sweep
from sre_copilot.alerts.storm import Storm


class Settling:
    """Matters by the time at which they are decided on."""

    def __init__(
        self, matters: Matters, storm: Storm, sweep: Sweep, *, rule: Needs, new_id: Callable[[], str]
    ) -> None:
        self._matters = matters
        self._storm = storm
        self._sweep = sweep
        self._rule = rule
        self._new_id = new_id
        self._due: list[tuple[float, int]] = []

    def look_at(self, matter: Matter, at: float) -> None:
        """Decide on a matter at a time."""
        matter.due_at = at
        heapq.heappush(self._due, (at, matter.key))

    def next_at(self) -> float | None:
        """When the next one is decided on."""
        while self._due and self._due[0][1] not in self._matters.by_key:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def settle(self, now: float) -> list[Placement]:
        """Decide on all that waited until now, the weightiest first."""
        stormy = self._storm.look(now)
        if not stormy and (over := self._sweep.end()) is not None:
            self._matters.index.drop(over)
        due = sorted(self._that_waited(now), key=_rank)
        placements: list[Placement] = []
        for matter in due:
            placements.extend(self._settled(matter, now, stormy=stormy))
        return placements

    def _that_waited(self, now: float) -> list[Matter]:
        found = []
        while self._due and self._due[0][0] <= now:
            _, key = heapq.heappop(self._due)
            matter = self._matters.by_key.get(key)
            if matter is None or matter.due_at is None or matter.due_at > now:
                continue
            matter.due_at = None
            if not matter.woken and not matter.storm:
                found.append(matter)
        return found

    def _settled(self, matter: Matter, now: float, *, stormy: bool) -> Sequence[Placement]:
        cause = self._cause_of(matter)
        if cause is not None:
            return self._merge(matter, cause, reason("victims", 1.0, root=next(iter(cause.roots))))
        if stormy and not self._wakes_in_storm(matter, now):
            return self._to_storm(matter, now)
        fresh = not matter.id
        if fresh:
            self._matters.name(matter, self._new_id())
        matter.woken = matter.enough
        if matter.woken:
            return _all(matter, _why_it_wakes(matter), new=fresh, every=fresh)
        return _all(matter, _why_it_is_quiet(matter), new=True, every=True) if fresh else ()

    def _wakes_in_storm(self, matter: Matter, now: float) -> bool:
        """Whether it is told of by itself: one of its alerts is worth that alone, for much that is of little worth is what a storm consists of."""
        enough = matter.enough and matter.best >= matter.needs.worth
        return enough and self._sweep.may_wake(now, weighty=matter.weighty)

    # -- victims ----------------------------------------------------------------------------------------------------

    def _cause_of(self, matter: Matter) -> Matter | None:
        """The nearest other matter on whose root all roots of this one depend; of two that depend on each other, the earlier."""
        near = self._matters.near
        found: list[tuple[int, int, Matter]] = []
        callees = near.callees(next(iter(matter.roots))) if matter.roots else {}
        for service, distance in callees.items():
            if not all(service in near.callees(root) for root in matter.roots):
                continue
            others = self._matters.index.roots.get(service, {}).values()
            found.extend(
                (distance, other.key, other)
                for other in others
                if other is not matter and self._explains(other, service, matter)
            )
        return min(found, key=lambda each: each[:2])[2] if found else None

    def _explains(self, other: Matter, service: str, matter: Matter) -> bool:
        """Whether they began within reach of each other, and the other weighs as much as a cause should."""
        if other.storm or abs(matter.opened_at - other.opened_at) > max(matter.reach_s, other.reach_s):
            return False
        each_other = any(root in self._matters.near.callees(service) for root in matter.roots)
        return other.worth >= ROOT_SHARE * matter.worth and (not each_other or other.key < matter.key)

    def _merge(self, matter: Matter, into: Matter, why: Reason) -> list[Placement]:
        """Let all alerts of a matter belong to another."""
        members, firing = dict(matter.members), set(matter.firing)
        self._matters.forget(matter)
        fresh = not into.id
        if fresh:
            self._matters.name(into, self._new_id())
        before = list(into.members) if fresh else []
        for fingerprint, member in members.items():
            self._matters.put(into, fingerprint, member)
        into.firing -= members.keys() - firing
        into.last_at = max(into.last_at, matter.last_at)
        own = [
            placement(each, into, (reason("opened"),), new=place == 0) for place, each in enumerate(before)
        ]
        return [*own, *(placement(each, into, (why,)) for each in members)]

    # -- storms -----------------------------------------------------------------------------------------------------

    def _to_storm(self, matter: Matter, now: float) -> list[Placement]:
        """Leave it to the incident that stands for the whole storm."""
        whole = self._sweep.matter
        fresh = whole is None
        if whole is None:
            whole = self._matters.fresh(self._new_id(), self._rule, now)
            whole.storm = whole.woken = True
            self._sweep.begin(whole)
        self._sweep.keep(matter.pairs)
        placements = self._merge(matter, whole, reason("storm"))
        self._matters.index.drop(whole)  # what is only near something of a storm is not of the storm
        if fresh:
            why = (reason("storm_began", 1.0, count=self._storm.alerts), *placements[0].reasons)
            placements[0] = placement(placements[0].fingerprint, whole, why, new=True)
        return placements


def _rank(matter: Matter) -> tuple[bool, float, int, int]:
    """The weightiest first."""
    return not matter.weighty, -matter.worth, -len(matter.places), matter.key


def _all(matter: Matter, why: Reason, *, new: bool, every: bool) -> list[Placement]:
    members = list(matter.members) if every else list(matter.members)[:1]
    return [placement(each, matter, (why,), new=new and place == 0) for place, each in enumerate(members)]


def _why_it_wakes(matter: Matter) -> Reason:
    return reason(
        "wakes",
        matter.worth,
        worth=round(matter.worth, 2),
        limit=matter.needs.worth,
        kinds=len(matter.kinds),
        places=len(matter.places),
    )


def _why_it_is_quiet(matter: Matter) -> Reason:
    return reason("quiet", matter.worth, worth=round(matter.worth, 2), limit=matter.needs.worth)
