"""The report of an incident out of its records: pure, and the same for the same records."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.incidents.postmortem.badly import bad
from sre_copilot.incidents.postmortem.cause import cause, headline, outcome_of
from sre_copilot.incidents.postmortem.deeds import actions
from sre_copilot.incidents.postmortem.following import follow_ups
from sre_copilot.incidents.postmortem.impact import impact
from sre_copilot.incidents.postmortem.model import Line, Postmortem, Section, line
from sre_copilot.incidents.postmortem.moments import moments
from sre_copilot.incidents.postmortem.records import Records
from sre_copilot.incidents.postmortem.story import comments, timeline
from sre_copilot.incidents.postmortem.well import good

SECTIONS = (impact, cause, timeline, actions, good, bad, follow_ups, comments)


def build(records: Records) -> Postmortem:
    """Make the report."""
    incident, times = records.incident, moments(records)
    return Postmortem(
        incident_id=str(incident["id"]),
        number=int(incident["number"]),
        title=str(incident["title"]),
        status=str(incident["status"]),
        severity=str(incident["severity"]),
        priority=str(incident["priority"]),
        services=tuple(incident["services"]),
        began_at=times.began,
        opened_at=times.opened,
        resolved_at=times.resolved,
        made_at=records.now,
        outcome=outcome_of(records),
        headline=headline(records),
        sections=(*(section(records) for section in SECTIONS), _missing(records)),
    )


def _missing(records: Records) -> Section:
    """What this report could not look at."""
    found = tuple(_gaps(records))
    return Section(name="missing", lines=found or (line("missing.none", records.key),))


def _gaps(records: Records) -> Iterator[Line]:
    if records.hidden:
        yield line("missing.hidden")
    if records.incident["status"] not in ("resolved", "merged"):
        yield line("missing.goes_on", records.key)
    for name in records.cut:
        yield line(f"missing.cut.{name}", records.key)
    if not records.happenings:
        yield line("missing.timeline", records.key)
    key = str(records.diagnosis.get("investigation_id", ""))
    if key and key not in records.investigations:
        yield line("missing.investigation", records.key, investigation=key)
