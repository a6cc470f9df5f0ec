"""What systems tell of the services around an alert: who calls whom, who owns them, how vital they are.

Sources that know of nothing else are read in the background, at the start and every ten minutes. What traces and clusters show comes with the watch, and
what an investigation drew is added. One that cannot be reached keeps what it told before, and what is known outlives the process. The thread that decides on alerts
takes what is new between two turns.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sre_copilot.alerts.enrichment import Surroundings
from sre_copilot.clock import Clock
from sre_copilot.domain.cmdb import Inventory, inventory_of
from sre_copilot.domain.cmdb_queries import owners
from sre_copilot.domain.signals import Window
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import SreCopilotError
from sre_copilot.perception.source import Reading, Source
from sre_copilot.store.facts import Facts
from sre_copilot.telemetry import log

EVERY_S = 600.0
BELIEVED_S = (
    7 * 86_400.0
)  # a call that was seen is believed for so long: what happens once a week belongs to it
RENEW_S = 10.0  # between two renewals: calls that are new come one by one at first
LOOK_S = 60.0  # between two looks at all that one source knows: the watch reads it at every tick
MOST_CALLS = 50_000  # that were seen; of more the newest, for names that never come again are no topology
FACT = "alerting.surroundings"
TIER = re.compile(r"\D{0,20}([1-4])(?!\d)")
"""`1`, `tier 2`, `T3`, `1 - most critical`."""
Call = tuple[str, str]
Value = TypeVar("Value")
_log = log(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What one source says of services, as a whole."""

    calls: tuple[Call, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    tiers: Mapping[str, int] = field(default_factory=dict)


class Lookout:
    """Keeps what is known of services; any thread tells it, one takes what is new.

    Parameters
    ----------
    opened : opens the sources
    """

    def __init__(self, opened: Callable[[], Sequence[Source]], facts: Facts, clock: Clock) -> None:
        self._opened = opened
        self._facts = facts
        self._clock = clock
        self._told: dict[str, Told] = {}
        self._told_at: dict[str, float] = {}
        self._seen: dict[Call, float] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._used = Surroundings()
        self._news = False
        self._renewed_at = float("-inf")
        self._recall()

    @property
    def known(self) -> Surroundings:
        """What is known now; where two sources differ the one that told first counts."""
        with self._lock:
            parts, seen = tuple(self._told.values()), tuple(self._seen)
        return Surroundings(
            topology=Topology.of((*(call for part in parts for call in part.calls), *seen)),
            aliases=_united([part.aliases for part in parts]),
            owners=_united([part.owners for part in parts]),
            tiers=_united([part.tiers for part in parts]),
        )

    # -- what is told -----------------------------------------------------------------------------------------------

    def told(self, source: str, reading: Reading) -> None:
        """A source told something of services; traces show the calls of a moment, anything else all that it knows."""
        if reading.telemetry.traces is not None:
            self.saw(reading.topology or Topology())
        elif reading.topology is not None or reading.inventory is not None:
            now = self._clock.now()
            if 0 <= now - self._told_at.get(source, float("-inf")) < LOOK_S:
                return
            said = told_of(reading)
            with self._lock:
                self._told_at[source] = now
                self._news |= self._told.get(source) != said
                self._told[source] = said

    def saw(self, topology: Topology) -> None:
        """Somebody saw these calls now."""
        now = self._clock.now()
        with self._lock:
            self._news |= any(call not in self._seen for call in topology.edges)
            self._seen |= dict.fromkeys(topology.edges, now)

    def news(self) -> Surroundings | None:
        """What is known now, when that is something new; the thread that decides on alerts asks between two turns."""
        now = self._clock.now()
        if not self._news or 0 <= now - self._renewed_at < RENEW_S:
            return None
        with self._lock:
            self._news = False
        self._renewed_at, before = now, self._used
        self._used = self.known
        return self._used if self._used != before else None

    # -- in the background ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to read, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="surroundings", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; a source that does not answer is not waited for."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(0.2)

    def read(self) -> None:
        """Read the sources that know of nothing but the estate, and keep what is known for the next start."""
        now = self._clock.now()
        sources = self._opened()
        for source in sources:
            if tuple(source.modalities) == ("topology",) and not self._stop.is_set():
                self._read(source, Window(now - EVERY_S, now))
            source.close()
        if not self._stop.is_set():
            self._forget(now, sources={each.name for each in sources})
            self._keep()

    def _read(self, source: Source, window: Window) -> None:
        try:
            self.told(source.name, source.read(window))
        except SreCopilotError as error:
            _log.warning(
                "what a source says of services stays as it was", source=source.name, problem=str(error)
            )

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.read()
            except SreCopilotError as error:
                _log.warning("what is known of services stays as it was", problem=str(error))
            except Exception:  # noqa: BLE001 - the top of a thread: what was known stays, and it is tried again
                _log.exception("what is known of services stays as it was")
            self._stop.wait(EVERY_S)

    # -- what outlives the process ----------------------------------------------------------------------------------

    def _forget(self, now: float, *, sources: Set[str]) -> None:
        """Forget calls that nobody has seen for long, and sources that are no longer configured."""
        with self._lock:
            gone = [name for name in self._told if name not in sources]
            for name in gone:
                del self._told[name]
            living = {call: at for call, at in self._seen.items() if at > now - BELIEVED_S}
            if len(living) > MOST_CALLS:
                living = dict(sorted(living.items(), key=lambda each: -each[1])[:MOST_CALLS])
            self._news |= bool(gone) or len(living) < len(self._seen)
            self._seen = living

    def _keep(self) -> None:
        """Keep it, with the calls that another process saw meanwhile."""
        self._take_seen(self._facts.get(FACT) or {})
        with self._lock:
            document = {
                "told": {name: _document(each) for name, each in self._told.items()},
                "seen": [[*call, at] for call, at in self._seen.items()],
            }
        self._facts.set(FACT, document)

    def _recall(self) -> None:
        document = self._facts.get(FACT) or {}
        self._told = {name: _of_document(each) for name, each in document.get("told", {}).items()}
        self._take_seen(document)
        self._news = bool(self._told or self._seen)

    def _take_seen(self, document: Mapping[str, Any]) -> None:
        with self._lock:
            for caller, callee, at in document.get("seen", ()):
                call = (str(caller), str(callee))
                self._news |= call not in self._seen
                self._seen[call] = max(float(at), self._seen.get(call, 0.0))


def told_of(reading: Reading) -> Told:
    """What a reading says of services."""
    inventory = reading.inventory or inventory_of((), ())
    drawn = reading.topology.edges if reading.topology is not None else ()
    return Told(
        calls=Topology.of((*drawn, *inventory.topology().edges)).edges,
        aliases={alias: each.name for each in inventory.entities for alias in each.aliases},
        owners=owners(inventory),
        tiers=_tiers(inventory),
    )


def _tiers(inventory: Inventory) -> dict[str, int]:
    said = {each.name: TIER.match(each.attributes.get("tier", "")) for each in inventory.entities}
    return {name: int(found[1]) for name, found in said.items() if found is not None}


def _united(parts: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    return {name: value for part in reversed(parts) for name, value in part.items()}


def _document(told: Told) -> dict[str, Any]:
    return {
        "calls": [list(each) for each in told.calls],
        "aliases": dict(told.aliases),
        "owners": dict(told.owners),
        "tiers": dict(told.tiers),
    }


def _of_document(document: Mapping[str, Any]) -> Told:
    return Told(
        calls=tuple((str(caller), str(callee)) for caller, callee in document.get("calls", ())),
        aliases=dict(document.get("aliases", {})),
        owners=dict(document.get("owners", {})),
        tiers=dict(document.get("tiers", {})),
    )
