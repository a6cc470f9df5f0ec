"""Live sources as a scene: opened once, each moment asked for once, a source that is down is a gap."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from sre_copilot.agents.scene import ALL
from sre_copilot.agents.scenes.recorded import services_of
from sre_copilot.agents.scenes.remembering import RememberingSource
from sre_copilot.clock import Clock
from sre_copilot.domain.cmdb import Inventory, merge
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.perception.collection import collect
from sre_copilot.perception.source import Asked, Source
from sre_copilot.settings.section import Role

GRID_S = 15  # windows begin and end on it, so that the samples of neighbouring windows are those of one grid
SETTLED_S = (
    10.0  # spans and lines are sent in batches of some seconds; what is younger may still be on its way
)
CALM_S = 1800.0  # read before a window to compare with
REACH_S = 30 * 86_400.0  # how far back may be asked: what systems commonly keep
LATELY_S = 900.0  # looked at to learn the names of services, where nothing was looked at yet
KEPT = 16  # observations that are kept

Opener = Callable[[], Sequence[Source]]


class LiveScene:
    """Looks at configured sources on behalf of somebody with a role; close it after use.

    Parameters
    ----------
    opener : opens the sources; called at the first look
    clock : tells what "now" is
    role : whose question it is; a source may ask for more
    incident : what the scene is about, with its window; None when it is about nothing in particular
    """

    def __init__(
        self, opener: Opener, *, clock: Clock, role: Role = "viewer", incident: Incident | None = None,
        name: str = "live",
    ) -> None:  # fmt: skip
        self._opener = opener
        self._clock = clock
        self._role = role
        self._incident = incident
        self._name = name
        self._lock = threading.Lock()
        self._sources: tuple[RememberingSource, ...] | None = None
        self._seen: dict[tuple[Window, tuple[Modality, ...], str, str], Observation] = {}
        self._names: set[str] = set()

    @property
    def name(self) -> str:
        """`live`, or what it was called."""
        return self._name

    def now(self) -> float:
        """The clock."""
        return self._clock.now()

    def bounds(self) -> Window:
        """From a month ago until now, less what is still on its way."""
        end = math.floor((self._clock.now() - SETTLED_S) / GRID_S) * GRID_S
        return Window(float(end) - REACH_S, float(end))

    def incident_observation(self) -> Observation | None:
        """The incident with its reference; None where the scene is about none."""
        if self._incident is None or self._incident.window is None:
            return None
        complaint = self._incident.complaint
        return self.observe(self._incident.window, complaint=complaint.text, entity=complaint.entity)

    def observe(
        self, window: Window, *, modalities: Sequence[Modality] = ALL, complaint: str = "", entity: str = ""
    ) -> Observation:
        """Read a window and half an hour before it from all sources that hold what is wanted."""
        window = self._on_grid(window)
        wanted = tuple(each for each in ALL if each in modalities)
        key = (window, wanted, complaint, entity)
        with self._lock:
            if key in self._seen:
                return self._seen[key]
        found = self._collect(
            window, wanted, complaint, entity
        )  # sources have locks of their own: experts read side by side
        with self._lock:
            self._seen[key] = found
            self._names.update(services_of(found))
            while len(self._seen) > KEPT:
                del self._seen[next(iter(self._seen))]
        return found

    def inventory(self) -> Inventory:
        """What the sources said of the estate."""
        self._look_once()
        return merge([each.inventory for each in self._opened() if each.inventory])

    def services(self) -> tuple[str, ...]:
        """Names that telemetry or the estate gave so far."""
        self._look_once()
        entities = {
            each.name for each in self.inventory().entities if each.kind in ("", "service", "workload")
        }
        return tuple(sorted({*self._names, *entities}))

    def query_sources(self) -> tuple[RememberingSource, ...]:
        """Sources that take a query of one's own."""
        return tuple(each for each in self._opened() if each.languages)

    def asked(self) -> tuple[Asked, ...]:
        """Every query that was sent so far."""
        return tuple(each for source in self._sources or () for each in source.asked)

    def close(self) -> None:
        """Close all sources; harmless when called again."""
        with self._lock:
            for source in self._sources or ():
                source.close()
            self._sources = ()

    def _opened(self) -> tuple[RememberingSource, ...]:
        with self._lock:
            if self._sources is None:
                opened = self._opener()
                self._sources = tuple(
                    RememberingSource(source, role=self._role, clock=self._clock) for source in opened
                )
            return self._sources

    def _collect(
        self, window: Window, wanted: tuple[Modality, ...], complaint: str, entity: str
    ) -> Observation:
        sources = [source for source in self._opened() if set(source.modalities) & set(wanted)]
        calm = Window(window.start - CALM_S, window.start)
        collection = collect(sources, self._about(window, complaint, entity), window=window, reference=calm)  # type: ignore[arg-type]
        return collection.observation

    def _about(self, window: Window, complaint: str, entity: str) -> Incident:
        known = self._incident or Incident(id=self._name)
        told = known.complaint if not (complaint or entity) else Complaint(text=complaint, entity=entity)
        inside = known.onset is not None and window.start <= known.onset < window.end
        return replace(known, window=window, complaint=told, onset=known.onset if inside else None)

    def _on_grid(self, window: Window) -> Window:
        bounds = self.bounds()
        start = max(math.floor(window.start / GRID_S) * GRID_S, bounds.start)
        end = min(math.ceil(window.end / GRID_S) * GRID_S, bounds.end)
        return Window(float(min(start, end)), float(end))

    def _look_once(self) -> None:
        """Learn the names of services where nothing was looked at yet."""
        if not self._names:
            bounds = self.bounds()
            self.observe(Window(bounds.end - LATELY_S, bounds.end))
