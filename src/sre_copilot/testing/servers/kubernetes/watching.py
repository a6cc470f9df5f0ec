"""Watches: what happened to selected objects since a version, as lines of JSON, with bookmarks."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sre_copilot.testing.servers.kubernetes.answers import RefusedError
from sre_copilot.testing.servers.kubernetes.objects import Query, Target
from sre_copilot.testing.servers.kubernetes.resources import Object
from sre_copilot.testing.servers.kubernetes.selectors import Matches, selection
from sre_copilot.testing.servers.kubernetes.store import Store, Write

QUIET_S = 0.05  # between looks at whether a watch shall end


class Watching:
    """All watches of one server; `bookmark_seconds` is how often a watcher that asked for it is told how far it is."""

    def __init__(self, store: Store, *, bookmark_seconds: float) -> None:
        self._store = store
        self._bookmark_seconds = bookmark_seconds
        self._cut = 0
        self.open = 0

    def cut(self) -> None:
        """Break every watch that is open, as a restart of the API server does."""
        self._cut += 1

    def follow(self, target: Target, query: Query) -> Iterator[Object]:
        """Yield what a watcher is told; a version that is too old is one `ERROR` and the end."""
        matches = selection(target.resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        end = time.monotonic() + float(query.get("timeoutSeconds") or 1800)
        bookmarks = query.get("allowWatchBookmarks") == "true"
        version, cut, told = self._start(query), self._cut, time.monotonic()
        if version is None:
            version = self._store.version
            yield from ({"type": "ADDED", "object": each} for each in self._present(target, matches))
        self.open += 1
        try:
            while time.monotonic() < end and cut == self._cut:
                try:
                    with self._store.changed:
                        writes, version = self._since(target, version)
                except RefusedError as refusal:
                    yield {"type": "ERROR", "object": refusal.body}
                    return
                yield from (event for write in writes if (event := _told(write, target, matches)))
                if bookmarks and time.monotonic() - told >= self._bookmark_seconds:
                    told = time.monotonic()
                    yield _bookmark(target, version)
                elif not writes:
                    with self._store.changed:
                        self._store.changed.wait(QUIET_S)
        finally:
            self.open -= 1

    def _start(self, query: Query) -> int | None:
        asked = query.get("resourceVersion", "")
        return int(asked) if asked not in {"", "0"} else None

    def _present(self, target: Target, matches: Matches) -> list[Object]:
        with self._store.changed:
            found = self._store.all(target.resource.place, target.namespace)
            return [each for each in found if matches(each)]

    def _since(self, target: Target, version: int) -> tuple[list[Write], int]:
        return self._store.since(target.resource.place, version), max(version, self._store.version)


def _told(write: Write, target: Target, matches: Matches) -> Object | None:
    """What a watcher sees of a write: an object that enters or leaves the selection is added or deleted."""
    before, after = (
        item if item and _in(target, item) and matches(item) else None for item in (write.before, write.after)
    )
    if after is not None:
        return {"type": "MODIFIED" if before is not None else "ADDED", "object": after}
    if before is None:
        return None
    gone = before | {"metadata": before["metadata"] | {"resourceVersion": str(write.version)}}
    return {"type": "DELETED", "object": gone}


def _in(target: Target, item: Object) -> bool:
    return not target.namespace or item["metadata"].get("namespace") == target.namespace


def _bookmark(target: Target, version: int) -> Object:
    resource = target.resource
    item = {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": {"resourceVersion": str(version)},
    }
    return {"type": "BOOKMARK", "object": item}
