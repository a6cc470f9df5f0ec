"""What the queries of the alerts themselves show, added to a conclusion as evidence: it is told, and moves no suspect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import polars as pl

from sre_copilot.domain.incident import Diagnosis, Observation
from sre_copilot.evidence.verify import verify
from sre_copilot.incidents.casework.alert_context import Alert, of_seen
from sre_copilot.incidents.casework.alert_processor import AnalysisResult
from sre_copilot.incidents.casework.picture import Picture
from sre_copilot.incidents.report.sentences import Observed

MOST = 3  # alerts whose queries are sent: those that began first
OWN = "alert.metric."


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """A conclusion with what it was drawn from; `observed` holds for each finding the values of its checks."""

    diagnosis: Diagnosis
    observation: Observation
    observed: Observed


def own_alerts(picture: Picture) -> tuple[Alert, ...]:
    """The first alerts of an incident, one of each kind at a service: several of one kind have one query."""
    found: dict[tuple[str, str], Alert] = {}
    for seen in picture.alerts:
        found.setdefault((seen.name, seen.service), of_seen(seen))
    return tuple(found.values())[:MOST]


def with_own_queries(
    concluded: Concluded, alerts: Iterable[Alert], process: Callable[[Alert], AnalysisResult]
) -> Concluded:
    """Add what the query of each alert shows, where a source answers it; what it said before stays as it is.

    The suspects are not ranked anew: an alert fires at whoever suffers, and its own metric would speak for the victim.
    """
    for alert in alerts:
        concluded = _with_one(concluded, process(alert))
    return concluded


def _with_one(concluded: Concluded, result: AnalysisResult) -> Concluded:
    rows = result.context.metrics
    if not result.context.own_query or rows is None:
        return concluded
    findings = [each for each in result.findings if each.kind.startswith(OWN)]
    known = {each.id for each in concluded.diagnosis.findings}
    observation = _with_rows(concluded.observation, rows)
    verified = verify([each for each in findings if each.id not in known], observation)
    diagnosis = concluded.diagnosis
    return Concluded(
        diagnosis=replace(diagnosis, findings=(*diagnosis.findings, *verified.confirmed)),
        observation=observation,
        observed={**concluded.observed, **verified.observed},
    )


def _with_rows(observation: Observation, rows: pl.DataFrame) -> Observation:
    current, known = observation.current, observation.current.metrics
    if known is None:
        metrics = rows
    else:
        typed = rows.with_columns(
            pl.col(name).cast(kind) for name, kind in known.schema.items() if name in rows.columns
        )
        metrics = pl.concat([known, typed], how="diagonal").sort("ts")
    return replace(observation, current=replace(current, metrics=metrics))
