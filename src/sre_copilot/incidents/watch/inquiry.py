"""From an anomaly to its cause: a while after it was told, look at everything that the sources hold, and investigate."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from sre_copilot.agents.tool import Investigated
from sre_copilot.clock import Clock, rfc3339
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Change, Telemetry, Window
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.investigation import Investigation, Methods, investigate
from sre_copilot.incidents.report import build, render
from sre_copilot.incidents.report.words import LANGUAGES, say
from sre_copilot.incidents.watch.episodes import Episode, Turn
from sre_copilot.incidents.watch.journal import change_of
from sre_copilot.perception.collection import collect, merged
from sre_copilot.perception.source import Source
from sre_copilot.store.records import Records
from sre_copilot.telemetry import OwnMetrics, log

WAIT_S = 60.0  # after an anomaly is told: by then four samples of the slowest usual source are there
PAUSE_S = 300.0  # between two investigations: a cascade is one incident, not twenty
BEFORE_S = 900.0  # looked at before the onset: enough samples to know what was normal
CALM_S = 1800.0  # and so much before that, to compare with
LONGEST_S = 6 * 3600.0  # back from now: what began earlier is read from there on, for a reading must end
Investigate = Callable[[Observation, Methods], Investigation]
"""How an incident is investigated: by the bare core, or as the composition root says."""
EVIDENCE = 10  # sentences kept in a listing; the report has all
_log = log(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """An investigation to come."""

    at: float
    onset: float
    entity: str
    text: str
    anomaly_ids: tuple[str, ...]


class Inquiries:
    """Investigates what was told, one at a time, in the background."""

    def __init__(
        self,
        reopen: Callable[[], Sequence[Source]],
        changes: Records,
        investigations: Records,
        methods: Callable[[], Methods],
        *,
        clock: Clock,
        own: OwnMetrics,
        investigate: Investigate = investigate,
    ) -> None:
        self._reopen = reopen
        self._changes = changes
        self._investigations = investigations
        self._methods = methods
        self._clock = clock
        self._own = own
        self._investigated = investigate
        self._due: Due | None = None
        self._last = -PAUSE_S
        self._thread: threading.Thread | None = None

    def consider(self, turn: Turn, going_on: Sequence[Episode], *, now: float) -> None:
        """Plan an investigation when something was told, and begin it when it is due."""
        if turn.opened and self._due is None:
            first = min(turn.opened, key=lambda episode: (episode.anomaly.since, -episode.anomaly.score))
            self._due = Due(
                max(now + WAIT_S, min(self._last, now) + PAUSE_S),
                max(first.anomaly.since, now - LONGEST_S),
                first.anomaly.entity,
                say(first.anomaly.finding.message, "en"),
                (),
            )
        if self._due is not None and now >= self._due.at and not self.busy:
            due, self._due = self._due, None
            self._last = now
            named = Due(due.at, due.onset, due.entity, due.text, tuple(each.id for each in going_on))
            self._thread = threading.Thread(target=self._run, args=(named, now), name="inquiry", daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the one that is under way."""
        if self._thread is not None:
            self._thread.join(seconds)

    def close(self) -> None:
        """Wait shortly for the one that is under way; it is not kept when it takes longer."""
        self.wait(1.0)

    @property
    def busy(self) -> bool:
        """Whether one is under way."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, due: Due, now: float) -> None:
        began = monotonic()
        try:
            row = self.investigate(due, now)
            self._investigations.save([row])
        except SreCopilotError as error:
            self._own.investigations.labels("failed").inc()
            _log.error("an investigation failed", problem=str(error))
            return
        except Exception:  # noqa: BLE001 - the top of a thread: the log is all that can tell
            self._own.investigations.labels("failed").inc()
            _log.exception("an investigation failed")
            return
        self._own.investigations.labels(row["outcome"]).inc()
        self._own.investigation_seconds.observe(monotonic() - began)
        _log.info(
            f"Investigated: {row['outcome']}", cause=row["cause"], confidence=round(row["confidence"], 2)
        )

    def investigate(self, due: Due, now: float) -> dict[str, Any]:
        """Read all sources, investigate, and return the row to keep."""
        window = Window(float(int(due.onset - BEFORE_S)), float(int(now)))
        incident = Incident(
            id=f"watch-{rfc3339(float(int(due.onset)))}".replace(":", ""),
            complaint=Complaint(text=due.text, entity=due.entity, at=due.onset),
            onset=due.onset,
            window=window,
        )
        found = look_into(incident, self._reopen, self._changes, self._methods, self._investigated)
        return row_of(found, due, started_at=now, finished_at=self._clock.now())


def look_into(
    incident: Incident,
    reopen: Callable[[], Sequence[Source]],
    changes: Records,
    methods: Callable[[], Methods],
    investigated: Investigate,
) -> Investigation:
    """Read all sources in the window of an incident, and a calm time before it, and investigate."""
    window = incident.window or Window(0.0, 0.0)
    sources = reopen()
    try:
        collection = collect(
            sources, incident, window=window, reference=Window(window.start - CALM_S, window.start)
        )
    finally:
        for source in sources:
            source.close()
    observation = collection.observation
    known = known_changes(changes, window)
    current = merged([observation.current, Telemetry(changes=known)]) if known else observation.current
    return investigated(replace(observation, current=current), methods())


def known_changes(changes: Records, window: Window) -> tuple[Change, ...]:
    """Changes that pipelines told us of."""
    rows = changes.page(since=window.start, limit=1000).rows
    return tuple(change_of(row) for row in rows if row["ts"] < window.end)


def row_of(found: Investigated, due: Due, *, started_at: float, finished_at: float) -> dict[str, Any]:
    """An investigation as the table `investigations` holds it."""
    diagnosis = found.diagnosis
    culprit = diagnosis.culprit
    report = build(diagnosis, found.observation, found.observed)
    content = repr((due.onset, due.entity, started_at))
    cited = set(culprit.finding_ids) if culprit else set()
    evidence = [finding for finding in diagnosis.findings if finding.id in cited][:EVIDENCE]
    return {
        "id": "I-" + hashlib.blake2b(content.encode(), digest_size=6).hexdigest(),
        "started_at": started_at,
        "finished_at": finished_at,
        "anomaly_ids": list(due.anomaly_ids),
        "outcome": diagnosis.outcome.value,
        "cause": culprit.entity if culprit else "",
        "fault_type": (culprit.fault_type or "") if culprit else "",
        "confidence": diagnosis.probability,
        "report": {
            "evidence": {lang: [say(each.message, lang) for each in evidence] for lang in LANGUAGES},
            "document": json.loads(render(report, output="json", lang="en")),
        },
    }
