"""All open matters: which one an alert belongs to, and how that one grows."""

from __future__ import annotations

from collections.abc import Iterable

from sre_copilot.alerts.correlation.index import Index
from sre_copilot.alerts.correlation.matter import Matter, Member
from sre_copilot.alerts.correlation.neighbours import Neighbours
from sre_copilot.alerts.correlation.relation import Relation, Traits, relation
from sre_copilot.alerts.correlation.rules import Needs
from sre_copilot.alerts.correlation.worth import weighty
from sre_copilot.alerts.state import AlertState
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.alerting.correlation import Correlation

ROOT_SHARE = 0.75  # an alert of a called service is the cause of a matter only when it is about as weighty as what was its root
NEAREST = 6  # failing services that are compared; what is further is no likelier
PAST = 50_000  # alerts of closed matters whose kind and place are remembered, for they may come back


class Matters:
    """Open matters by key, by incident and by alert."""

    def __init__(self, settings: Correlation, topology: Topology) -> None:
        self._settings = settings
        self.near = Neighbours(topology, settings.maximum_distance)
        self.by_key: dict[int, Matter] = {}
        self.by_id: dict[str, Matter] = {}
        self.of: dict[str, Matter] = {}
        """By the fingerprint of an alert."""
        self.index = Index()
        self._past: dict[str, Member] = {}
        self._key = 0

    def renew(self, topology: Topology) -> None:
        """Use another topology from now on; the roots of what is open are found anew, for calls that were not known may tie it to what comes."""
        self.near = Neighbours(topology, self._settings.maximum_distance)
        for matter in self.by_key.values():
            if matter.storm:  # what is only near something of a storm is not of the storm
                continue
            for service in tuple(matter.roots):
                self.index.drop_root(matter, service)
            matter.roots.clear()
            for member in tuple(matter.members.values()):
                self._root(matter, member.place, member.worth)

    # -- finding ----------------------------------------------------------------------------------------------------

    def nearest(self, traits: Traits, now: float) -> tuple[Matter, Relation] | None:
        """The matter that an alert belongs to, if there is one: one at its own place or of its change before any other."""
        return self._best(traits, self._here(traits), now) or self._best(traits, self._around(traits), now)

    def _best(self, traits: Traits, among: Iterable[Matter], now: float) -> tuple[Matter, Relation] | None:
        best: tuple[Matter, Relation] | None = None
        longest = self._settings.longest_seconds
        for matter in among:
            if not matter.lives(now, longest_s=longest):
                continue
            related = relation(traits, matter, self.near, self._settings.weights)
            if related.strength >= self._settings.join and (
                best is None or related.strength > best[1].strength
            ):
                best = (matter, related)
        return best

    def _here(self, traits: Traits) -> Iterable[Matter]:
        """Matters at its own place, and of the changes before it, each once."""
        found: dict[int, Matter] = dict(self.index.roots.get(traits.service, {}))
        keys = [("change", each) for each in traits.changes]
        if traits.place:
            keys.append(("place", traits.place))
        for key in keys:
            for matter in self.index.newest(key):
                found[matter.key] = matter
        return found.values()

    def _around(self, traits: Traits) -> Iterable[Matter]:
        """Matters of its kind, and of failing services that are near, each once."""
        found = {matter.key: matter for matter in self.index.newest(("kind", traits.name))}
        if self.near.knows(traits.service):
            for service in self._failing_near(traits.service):
                found.update(self.index.roots[service])
        return found.values()

    def _failing_near(self, service: str) -> list[str]:
        """The nearest failing services, either way."""
        roots = self.index.roots
        found: list[tuple[int, str]] = []
        for near in (self.near.callees(service), self.near.callers(service)):
            small, large = (roots, near) if len(roots) < len(near) else (near, roots)
            found.extend((near[each], each) for each in small if each in large)
        found.sort()
        return [each for _, each in found[:NEAREST]]

    # -- growing ----------------------------------------------------------------------------------------------------

    def fresh(self, ident: str, needs: Needs, now: float) -> Matter:
        """Begin a matter; `ident` '' : it is no incident yet."""
        self._key += 1
        matter = Matter(self._key, ident, needs, now, now, 0.0)
        self.by_key[matter.key] = matter
        if ident:
            self.by_id[ident] = matter
        return matter

    def name(self, matter: Matter, ident: str) -> None:
        """Make it an incident."""
        matter.id = ident
        self.by_id[ident] = matter

    def begin(self, matter: Matter, traits: Traits) -> None:
        """What the first alert says of it."""
        matter.labels, matter.words = traits.labels, traits.words

    def tie(self, matter: Matter, traits: Traits, worth: float) -> None:
        """Let later alerts find the matter by what this one brought."""
        matter.changes |= traits.changes
        self.index.put(matter, _keys(traits))
        self._root(matter, traits.service, worth)

    def add(self, matter: Matter, alert: AlertState, traits: Traits, worth: float, *, tied: bool) -> None:
        """Let an alert belong to it; what is muted is there, and says nothing."""
        counted = 0.0 if alert.muted else worth
        before = self.of.get(alert.fingerprint)
        if before is not None and before is not matter:
            before.drop(alert.fingerprint)
        matter.add(alert.fingerprint, Member(traits.name, traits.place, counted, tied, weighty(alert)))
        matter.reach_s = max(matter.reach_s, _reach(alert, matter.needs))
        self.of[alert.fingerprint] = matter
        self._past.pop(alert.fingerprint, None)

    def put(self, matter: Matter, fingerprint: str, member: Member) -> None:
        """Let an alert that is known belong to it."""
        matter.add(fingerprint, member)
        self.of[fingerprint] = matter
        keys = [("kind", member.name)]
        self.index.put(matter, [*keys, ("place", member.place)] if member.place else keys)

    def _root(self, matter: Matter, service: str, worth: float) -> None:
        """A service that the roots call is the deeper cause, one that calls them is a victim, any other is a root beside them."""
        if not self.near.knows(service):
            return
        if service in matter.roots:
            matter.roots[service] = max(worth, matter.roots[service])
            return
        callees, callers = self.near.callees(service), self.near.callers(service)
        if any(root in callees for root in matter.roots):
            return
        above = [root for root in matter.roots if root in callers]
        if above and worth < ROOT_SHARE * max(matter.roots[root] for root in above):
            return
        for root in above:
            del matter.roots[root]
            self.index.drop_root(matter, root)
        matter.roots[service] = worth
        self.index.put_root(matter, service)

    # -- ending -----------------------------------------------------------------------------------------------------

    def taken_out(self, fingerprint: str) -> Member | None:
        """Take an alert out of its matter, open or closed."""
        matter = self.of.pop(fingerprint, None)
        return matter.drop(fingerprint) if matter is not None else self._past.pop(fingerprint, None)

    def forget(self, matter: Matter) -> None:
        """Close it; its alerts are remembered for a while."""
        self.index.drop(matter)
        self.by_key.pop(matter.key, None)
        if self.by_id.get(matter.id) is matter:
            del self.by_id[matter.id]
        for fingerprint, member in matter.members.items():
            if self.of.get(fingerprint) is matter:
                del self.of[fingerprint]
                self._past[fingerprint] = member
        while len(self._past) > PAST:
            del self._past[next(iter(self._past))]


def _keys(traits: Traits) -> list[tuple[str, str]]:
    keys = [("kind", traits.name), *(("change", each) for each in traits.changes)]
    if traits.place:
        keys.append(("place", traits.place))
    return keys


def _reach(alert: AlertState, needs: Needs) -> float:
    """How long after an alert another may begin and be of the same matter: an event that has its own end reaches only as far as it lasts."""
    lasts = alert.ends_at - alert.starts_at if alert.ends_at is not None else needs.window_s
    return min(needs.window_s, max(0.0, lasts))
