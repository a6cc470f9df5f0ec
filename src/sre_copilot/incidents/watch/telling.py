"""What the watch tells of, handed on as alerts: anomalies while they go on, and breaches that are likely; at least once, whatever ends in between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sre_copilot.alerts.intake.anomalies import event_of
from sre_copilot.alerts.intake.reader import IntakeConfig, Unreadable
from sre_copilot.clock import rfc3339
from sre_copilot.cognition.forecast.breach_message import breach_message
from sre_copilot.domain.alert import ALERTNAME, FORETOLD, SEVERITIES, AlertEvent
from sre_copilot.domain.anomaly import Breach
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.report.words import say
from sre_copilot.incidents.watch.episodes import Episode, Told, Turn
from sre_copilot.incidents.watch.foresight import Expected
from sre_copilot.incidents.watch.journal import Journal, anomaly_row
from sre_copilot.store.records import Records
from sre_copilot.telemetry import log

Tell = Callable[[Sequence[AlertEvent]], None]
"""Takes alerts into the intake; it raises when they are not durable there, and then they are given again."""
SOURCE, PROVIDER = "watch", "anomaly"
LIKELY = 0.8  # of a breach that is told of: one warning in five may be idle, more of them are no longer read
TRUE_HALF = 0.5  # of earlier warnings like it, where that is known
_intake = IntakeConfig(name=SOURCE, provider=PROVIDER)
_log = log(__name__)


class TellingJournal(Journal):
    """A journal that also tells what it keeps; without `tell` it is the journal alone.

    The end of an anomaly is told before it is kept, its beginning after that: whichever of the two a sudden end prevents, the next start
    finds the row open and tells again. An alert that is told twice is one alert.
    """

    def __init__(self, tell: Tell | None, *, anomalies: Records, breaches: Records) -> None:
        super().__init__(anomalies=anomalies, breaches=breaches)
        self._tell = tell
        self._severities: dict[str, str] = {}
        self._foretold = {row["id"]: row for row in self._expected.values() if is_likely(row)}
        self._sure: set[str] = set()
        self._unsaid: dict[str, AlertEvent] = {}

    @property
    def tells(self) -> bool:
        """Whether what it keeps becomes alerts."""
        return self._tell is not None

    def keep(self, turn: Turn, *, at: float) -> None:
        """Keep what a tick opened, went on with, and closed; tell what began, rose in severity, or ended."""
        self._said(_anomalies(turn.closed, at=at))
        super().keep(turn, at=at)
        news = [each for each in (*turn.opened, *turn.updated) if self._is_news(each)]
        self._said(_anomalies(news, at=at))
        self._severities |= {each.id: each.anomaly.severity for each in news}
        for each in turn.closed:
            self._severities.pop(each.id, None)

    def close(self, told: Iterable[Told], *, at: float) -> None:
        """Close anomalies of an earlier process that did not go on."""
        told = tuple(told)
        rows = [row for each in told if (row := self._anomalies.get(each.id)) is not None]
        self._said([_event({**row, "closed_at": at}, at=at) for row in rows])
        super().close(told, at=at)

    def expect(self, expected: Iterable[Expected], *, at: float, unseen: Collection[str] = ()) -> int:
        """Keep what is expected to cross a limit; tell of what is likely, until it is no longer expected at all."""
        count = super().expect(expected, at=at, unseen=unseen)
        going_on = {
            key: row for key, row in self._expected.items() if key in self._foretold or is_likely(row)
        }
        over = [row for key, row in self._foretold.items() if key not in going_on]
        fresh = [row for key, row in going_on.items() if key not in self._sure]
        events = [breach_event({**row, "closed_at": at}, at=at) for row in over]
        self._said([*events, *(breach_event(row, at=at) for row in fresh)])
        self._foretold, self._sure = going_on, set(going_on)
        return count

    def _is_news(self, episode: Episode) -> bool:
        """Whether it was not told by this process yet, or has become more severe since."""
        before = self._severities.get(episode.id)
        return before is None or SEVERITIES.index(episode.anomaly.severity) < SEVERITIES.index(before)

    def _said(self, events: Iterable[AlertEvent | None]) -> None:
        """Tell, and what was not taken before; what is refused now is told with a later tick."""
        if self._tell is None:
            return
        self._unsaid |= {each.anomaly_id: each for each in events if each is not None}
        if not self._unsaid:
            return
        try:
            self._tell(tuple(self._unsaid.values()))
        except SreCopilotError as error:
            _log.warning("anomalies are told with a later tick", problem=str(error), count=len(self._unsaid))
            return
        self._unsaid.clear()


def is_likely(row: Mapping[str, Any]) -> bool:
    """Whether a breach is worth an alert: probable, and of a kind that has come true."""
    hit_rate = row["hit_rate"]
    return row["probability"] >= LIKELY and (hit_rate is None or hit_rate >= TRUE_HALF)


def breach_event(row: Mapping[str, Any], *, at: float) -> AlertEvent:
    """A breach that is likely, from its row, as an alert: it fires while it is expected."""
    names = [name for name in Breach.__dataclass_fields__ if name != "limit"]
    breach = Breach(**{name: row[name] for name in names}, limit=row["limit_value"])
    message = breach_message(breach)
    labels = {
        ALERTNAME: FORETOLD,
        "service": breach.entity,
        "metric": breach.metric,
        "instance": breach.instance,
        "direction": breach.direction,
        "limit": f"{breach.limit:.6g}",
        "source": row["source"],
    }
    annotations = {
        "summary": say(message, "en"),
        "summary_zh": say(message, "zh"),
        "expected_at": rfc3339(float(int(breach.at))) or "",
        "probability": f"{breach.probability:.2f}",
    }
    closed = row["closed_at"]
    return AlertEvent(
        labels={name: value for name, value in labels.items() if value},
        annotations=annotations,
        status="firing" if closed is None else "resolved",
        severity="warning",
        starts_at=row["made_at"],
        ends_at=None if closed is None else max(closed, row["made_at"]),
        received_at=at,
        source=SOURCE,
        provider=PROVIDER,
        anomaly_id=row["id"],
    )


def _anomalies(episodes: Iterable[Episode], *, at: float) -> list[AlertEvent | None]:
    return [_event(anomaly_row(each, at=at), at=at) for each in episodes]


def _event(row: Mapping[str, Any], *, at: float) -> AlertEvent | None:
    """An anomaly from its row as an alert; None, and a line in the log, for one that nobody could read."""
    named = {"entity": row["entity"] or row["source"], "metric": row["metric"] or row["modality"]}
    try:
        return event_of({**row, **named}, intake=_intake, received_at=at)
    except Unreadable as error:
        _log.error("an anomaly is no alert", anomaly=row["id"], problem=str(error))
        return None
