"""A source that is asked for each moment once: what it answered is kept, only what is missing is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from sre_copilot.clock import Clock
from sre_copilot.domain.cmdb import Inventory
from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import SourceRefused, SreCopilotError
from sre_copilot.perception.collection import merged
from sre_copilot.perception.source import (
    Asked,
    Estimate,
    Health,
    Queried,
    QuerySource,
    Reading,
    Source,
    SourceSettings,
)
from sre_copilot.perception.windows import within
from sre_copilot.settings.section import Role, at_least

FAILED_S = (
    60.0  # so long a source that could not be read is not asked again: each try may wait for its time-out
)


class RememberingSource:
    """Reads a source for somebody with a role; safe to be used by several threads."""

    Settings = SourceSettings

    def __init__(self, source: Source, *, role: Role, clock: Clock) -> None:
        self._source = source
        self._role = role
        self._clock = clock
        self._lock = threading.Lock()
        self._known = Telemetry()
        self._read: list[tuple[Window, tuple[Gap, ...]]] = []
        self._topology: Topology | None = None
        self._inventory: Inventory | None = None
        self._failure: tuple[float, SreCopilotError] | None = None
        self._all_asked: list[Asked] = []
        settings = getattr(source, "settings", None)
        self._settings = settings if isinstance(settings, SourceSettings) else SourceSettings()

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._source.name

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What it holds."""
        return self._source.modalities

    @property
    def inventory(self) -> Inventory | None:
        """What it said last of the estate."""
        return self._inventory

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Every query that was sent."""
        return tuple(self._all_asked)

    def read(self, window: Window) -> Reading:
        """Return what was recorded in the window.

        Raises
        ------
        SourceError : when it cannot be read now, or may not be by this role
        """
        if not at_least(self._role, self._settings.query_role):
            raise SourceRefused(
                self.name,
                f"is queried for the role {self._settings.query_role} only, and this is asked as {self._role}",
                remedy="ask somebody with that role",
            )
        with self._lock:
            asked = [each for stretch in self._missing(window) for each in self._ask(stretch)]
            gaps = dict.fromkeys(gap for read, told in self._read if _meet(read, window) for gap in told)
            telemetry = within(self._known, window)
        if not at_least(self._role, self._settings.see_role):
            return Reading(gaps=(*gaps, *_hidden(self, telemetry)), asked=tuple(asked))
        return Reading(
            telemetry=telemetry,
            topology=self._topology,
            inventory=self._inventory,
            gaps=tuple(gaps),
            asked=tuple(asked),
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages in which it takes a query of one's own."""
        return tuple(self._source.languages) if isinstance(self._source, QuerySource) else ()

    def run_query(self, text: str, window: Window, *, limit: int, timeout_seconds: float) -> Queried:
        """Run a query of one's own, for whoever may query the source and see its rows."""
        source = self._for_queries()
        with self._lock:
            answer = source.run_query(text, window, limit=limit, timeout_seconds=timeout_seconds)
        self._all_asked.append(answer.asked)
        return answer

    def dry_run(self, text: str, window: Window) -> Estimate:
        """Estimate a query."""
        source = self._for_queries()
        with self._lock:
            return source.dry_run(text, window)

    def known(self) -> Mapping[str, Any]:
        """What there is to ask for."""
        source = self._for_queries()
        with self._lock:
            return source.known()

    def _for_queries(self) -> QuerySource:
        if not isinstance(self._source, QuerySource):
            raise SourceRefused(self.name, "takes no query of one's own", remedy="ask another source")
        for needed in (self._settings.query_role, self._settings.see_role):
            if not at_least(self._role, needed):
                raise SourceRefused(
                    self.name,
                    f"is queried for the role {needed} only, and this is asked as {self._role}",
                    remedy="ask somebody with that role",
                )
        return self._source

    @property
    def see_role(self) -> Role:
        """Who may see its rows."""
        return self._settings.see_role

    def health(self) -> Health:
        """How it is."""
        with self._lock:
            return self._source.health()

    def close(self) -> None:
        """Close its connections."""
        self._source.close()

    def _ask(self, window: Window) -> tuple[Asked, ...]:
        if self._failure and self._clock.now() < self._failure[0] + FAILED_S:
            raise self._failure[1]
        try:
            reading = self._source.read(window)
        except SreCopilotError as error:
            self._failure = (self._clock.now(), error)
            raise
        self._failure = None
        self._read.append((window, reading.gaps))
        self._known = merged([self._known, reading.telemetry])
        self._topology = reading.topology or self._topology
        self._inventory = reading.inventory or self._inventory
        self._all_asked += reading.asked
        return reading.asked

    def _missing(self, window: Window) -> Iterator[Window]:
        """The parts of a window that were not read yet."""
        start = window.start
        for read in sorted(each for each, _ in self._read):
            if read.end <= start or read.start >= window.end:
                continue
            if read.start > start:
                yield Window(start, read.start)
            start = max(start, read.end)
        if start < window.end:
            yield Window(start, window.end)


def _meet(first: Window, second: Window) -> bool:
    return first.start < second.end and second.start < first.end


def _hidden(source: RememberingSource, telemetry: Telemetry) -> Iterator[Gap]:
    """That there are rows which this role may not see."""
    for modality in source.modalities:
        held: Any = getattr(telemetry, modality, None)
        if held is None:
            continue
        params = (
            ("source", source.name),
            ("modality", modality),
            ("rows", len(held)),
            ("role", source.see_role),
        )
        yield Gap(modality=modality, message=Message(key="gap.scene.hidden", params=params))
