"""Following a list: what is there, then every change, through time-outs, restarts and forgotten versions."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from sre_copilot.errors import SourceAnswerError, SourceRefused, SreCopilotError
from sre_copilot.perception.cluster.api import GONE, KubernetesApi, Listing, Object

WATCH_S = (
    300  # of one watch: API servers end them after 5 to 10 minutes anyway, and balancers after less notice
)
PAUSES_S = (0.2, 1.0, 3.0, 10.0, 30.0)  # before the first, second … try after a failure
KEPT = 20_000  # events that are remembered: an hour of some five a second

Type = Literal["LISTED", "ADDED", "MODIFIED", "DELETED", "CURRENT"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a follower learns: an object of a (new) list, a change, or (`CURRENT`) that it is up to date."""

    type: Type
    object: Object
    version: str


def follow(
    api: KubernetesApi,
    path: str,
    *,
    stop: threading.Event,
    listing: Listing | None = None,
    seconds: int = WATCH_S,
) -> Iterator[Change]:
    """Yield all changes of a list until `stop` is set, from `listing` on, else from what is there now.

    A watch that ends is opened again from the last version that was told, by an object or by a bookmark; a version that the server has
    forgotten (410) leads to a new list.

    Raises
    ------
    SourceError : when the connection fails or the server refuses; following again with the last version resumes
    """
    version = listing.version if listing else ""
    forgotten = 0
    while not stop.is_set():
        if not version:
            stop.wait(PAUSES_S[min(forgotten, len(PAUSES_S)) - 1] if forgotten > 1 else 0.0)
            found = api.list(path)
            if found.refusal:
                remedy = "grant get, list and watch on it"
                raise SourceRefused(api.name, f"{path}: {found.refusal}", remedy=remedy)
            version = found.version
            yield from (Change("LISTED", item, version) for item in found.items)
        yield Change("CURRENT", {}, version)
        forgotten += 1
        for change in _watched(api, path, version, stop, seconds):
            version = change.version if change else ""
            if change:
                forgotten = 0
                yield change


def _watched(
    api: KubernetesApi, path: str, version: str, stop: threading.Event, seconds: int
) -> Iterator[Change | None]:
    """What one watch tells; None = the version is forgotten."""
    with ExitStack() as stack:
        try:
            events = stack.enter_context(api.watch(path, version=version, seconds=seconds))
        except SourceRefused:
            yield None  # a server may say 410 at once; a list tells whether it is that, or that we may not
            return
        for event in events:
            if stop.is_set():
                return
            yield (told := _told(api.name, event))
            if told is None:
                return


def _told(source: str, event: Object) -> Change | None:
    item, kind = event.get("object") or {}, event.get("type")
    if not isinstance(item, dict) or not isinstance(item.get("metadata") or {}, dict):
        raise SourceAnswerError(
            source, "a watch told what is no object", remedy="look at the log of the API server"
        )
    if kind == "ERROR":
        if item.get("code") == GONE:
            return None
        problem = f"a watch failed: {item.get('message', 'no reason given')}"
        raise SourceAnswerError(source, problem, remedy="look at the log of the API server")
    version = str((item.get("metadata") or {}).get("resourceVersion", ""))
    if kind == "BOOKMARK":
        return Change("CURRENT", {}, version)
    known: dict[str, Type] = {"ADDED": "ADDED", "MODIFIED": "MODIFIED", "DELETED": "DELETED"}
    return Change(known[kind], item, version) if kind in known else Change("CURRENT", {}, version)


class Follower:
    """Follows a list in the background and remembers what it saw."""

    def __init__(self, api: KubernetesApi, path: str, *, seconds: int = WATCH_S) -> None:
        self._api = api
        self._path = path
        self._seconds = seconds
        self._seen: deque[Object] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem: SreCopilotError | None = None
        """Why nothing new is seen at present."""

    @property
    def running(self) -> bool:
        """Whether it follows; one that has ended tells nothing new."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, listing: Listing) -> None:
        """Remember a list and follow it from there."""
        self._seen.extend(listing.items)
        self._thread = threading.Thread(
            target=self._run, args=(listing,), daemon=True, name="kubernetes watch"
        )
        self._thread.start()

    def seen(self) -> tuple[Object, ...]:
        """All that was seen, oldest first, as far as it is remembered."""
        with self._lock:
            return tuple(self._seen)

    @property
    def full(self) -> bool:
        """Whether older objects have been forgotten."""
        return len(self._seen) == KEPT

    def close(self) -> None:
        """Stop following; the thread ends with the next thing that it is told, or with its watch."""
        self._stop.set()

    def _run(self, listing: Listing) -> None:
        try:
            self._follow(listing)
        finally:
            self._api.close()

    def _follow(self, listing: Listing) -> None:
        version, failures = listing.version, 0
        while not self._stop.is_set():
            start = Listing(version=version) if version else None
            try:
                for change in follow(
                    self._api, self._path, stop=self._stop, listing=start, seconds=self._seconds
                ):
                    version, failures, self.problem = change.version, 0, None
                    self._keep(change)
            except SreCopilotError as error:
                self.problem = error
                version = "" if isinstance(error, SourceRefused) else version
                self._stop.wait(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    def _keep(self, change: Change) -> None:
        if change.type in {"LISTED", "ADDED", "MODIFIED"}:
            with self._lock:
                self._seen.append(change.object)
