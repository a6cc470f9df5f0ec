"""Open matters by place, kind, change and failing service, so that an alert is compared with few of them."""

from __future__ import annotations

from collections.abc import Iterable

from sre_copilot.alerts.correlation.matter import Matter

NEWEST = 3  # of the matters under one key that are compared: an alert belongs to what goes on now
Key = tuple[str, str]


class Index:
    """Keys of matters; the newest of a key are found first."""

    def __init__(self) -> None:
        self._by_key: dict[Key, dict[int, Matter]] = {}
        self._keys: dict[int, set[Key]] = {}
        self.roots: dict[str, dict[int, Matter]] = {}
        """By failing service."""

    def put(self, matter: Matter, keys: Iterable[Key]) -> None:
        """Let a matter be found under keys, as the newest of each."""
        known = self._keys.setdefault(matter.key, set())
        for key in keys:
            found = self._by_key.setdefault(key, {})
            found.pop(matter.key, None)
            found[matter.key] = matter
            known.add(key)

    def put_root(self, matter: Matter, service: str) -> None:
        """Let a matter be found by a service that fails in it."""
        self.roots.setdefault(service, {})[matter.key] = matter

    def drop_root(self, matter: Matter, service: str) -> None:
        """It is no longer its deepest failing service."""
        found = self.roots.get(service)
        if found is not None:
            found.pop(matter.key, None)
            if not found:
                del self.roots[service]

    def drop(self, matter: Matter) -> None:
        """Find a matter no more."""
        for key in self._keys.pop(matter.key, ()):
            found = self._by_key[key]
            found.pop(matter.key, None)
            if not found:
                del self._by_key[key]
        for service in tuple(matter.roots):
            self.drop_root(matter, service)

    def newest(self, key: Key) -> list[Matter]:
        """The newest matters of a key."""
        found = self._by_key.get(key)
        if not found:
            return []
        matters = []
        for matter in reversed(found.values()):
            matters.append(matter)
            if len(matters) == NEWEST:
                break
        return matters
