"""From a diagnosis to a report: what is shown, in which order, cut to a size that people read."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

from sre_copilot.agents.verdict import verdict_message
from sre_copilot.domain.evidence import Finding, Message
from sre_copilot.domain.incident import Diagnosis, Observation, Outcome
from sre_copilot.domain.signals import Modality
from sre_copilot.incidents.report.alternatives import alternatives, standing
from sre_copilot.incidents.report.checks import in_words
from sre_copilot.incidents.report.clean import one_line, raw
from sre_copilot.incidents.report.layout import lay_out
from sre_copilot.incidents.report.model import (
    CheckResult,
    EvidenceRow,
    Excerpt,
    Header,
    LeftOut,
    Picture,
    Report,
    Struck,
    Unseen,
    Verdict,
)
from sre_copilot.incidents.report.pictures import draw
from sre_copilot.incidents.report.sentences import Observed, groups, told
from sre_copilot.incidents.report.series import calls
from sre_copilot.incidents.report.timeline import moments

PICTURES = 6  # two screens; the strongest come first
ALIKE = 2  # pictures of one kind about one entity: a third says nothing new
EVIDENCE = 40
STRUCK = 20
EXCERPTS = 3
RAW_LINES = 6
ANNOUNCED = "gap.reader.announced_absent"
TRIED = 24  # findings looked at for pictures: reading series is the slow part of a report


def build(diagnosis: Diagnosis, observation: Observation, observed: Observed) -> Report:
    """Compute a report; `observed` holds for each finding id the values of its checks, None for no data."""
    ordered = ranked(diagnosis)
    timeline, moments_left = moments(diagnosis, observation, observed)
    topology = observation.topology if observation.topology.edges else calls(observation.current)
    others, others_left = alternatives(diagnosis, topology)
    pictures, pictures_left = _pictures(ordered, observation, observed)
    rows = groups(ordered, observed)
    drawn = {picture.finding_id for picture in pictures}
    return Report(
        header=_header(diagnosis, observation),
        verdict=_verdict(diagnosis),
        timeline=timeline,
        pictures=pictures,
        excerpts=_excerpts(diagnosis, ordered, drawn, observed),
        topology=lay_out(diagnosis, topology),
        evidence=tuple(_row(alike, diagnosis, observed) for alike in rows[:EVIDENCE]),
        struck=_struck(diagnosis),
        alternatives=others,
        gaps=_gaps(diagnosis, observation),
        next_steps=tuple(dict.fromkeys(diagnosis.next_steps)),
        left_out=LeftOut(
            moments=moments_left,
            pictures=pictures_left,
            evidence=max(0, len(rows) - EVIDENCE),
            struck=max(0, len(diagnosis.refuted) - STRUCK),
            alternatives=others_left,
        ),
    )


def ranked(diagnosis: Diagnosis) -> list[Finding]:
    """Order findings, each once: those of the first suspect, then of the second, and so on.

    Within them those about the suspect itself come before those that it merely cites, the strongest first.
    """
    rank = {
        identifier: at
        for at, each in reversed(list(enumerate(diagnosis.suspects)))
        for identifier in each.finding_ids
    }
    by_entity = {each.entity: at for at, each in reversed(list(enumerate(diagnosis.suspects)))}
    last = len(diagnosis.suspects)
    struck = {refutation.finding.id for refutation in diagnosis.refuted}
    unique = {finding.id: finding for finding in diagnosis.findings if finding.id not in struck}

    def place(finding: Finding) -> tuple[int, bool, float, str, str]:
        own = by_entity.get(finding.entity, last)
        cited = rank.get(finding.id, own)
        return cited, own != cited, -finding.weight, finding.entity, finding.id

    return sorted(unique.values(), key=place)


def _header(diagnosis: Diagnosis, observation: Observation) -> Header:
    incident = diagnosis.incident
    window = incident.window
    return Header(
        incident=incident.id,
        system=incident.system,
        namespace=incident.namespace,
        complaint=one_line(incident.complaint.text, 400),
        entity=incident.complaint.entity,
        metric=incident.complaint.metric,
        start=window.start if window else None,
        end=window.end if window else None,
        onset=incident.onset,
    )


def _verdict(diagnosis: Diagnosis) -> Verdict:
    first = (
        diagnosis.suspects[0] if diagnosis.suspects and diagnosis.outcome is not Outcome.NO_FAULT else None
    )
    return Verdict(
        outcome=diagnosis.outcome.value,
        sentence=verdict_message(diagnosis),
        probability=diagnosis.probability if math.isfinite(diagnosis.probability) else 0.0,
        entity=first.entity if first and standing(first) else None,
        fault_type=first.fault_type if first else None,
        path=first.path if first and standing(first) else (),
        reasons=diagnosis.reasons,
    )


def _pictures(
    ordered: list[Finding], observation: Observation, observed: Observed
) -> tuple[tuple[Picture, ...], int]:
    drawn: dict[object, Picture] = {}
    alike: Counter[tuple[str, str]] = Counter()
    tried, more = 0, 0
    for finding in ordered:
        subjects = [(check.query.source, check.query.measure, check.query.where) for check in finding.checks]
        if not subjects or subjects[0] in drawn:
            continue
        kind = (finding.kind, finding.entity)
        if len(drawn) >= PICTURES or tried >= TRIED or alike[kind] >= ALIKE:
            more += any(source in ("metrics", "logs", "traces", "transactions") for source, _, _ in subjects)
            continue
        tried += 1
        picture = draw(finding, observation)
        if picture and _course(picture) not in {_course(each) for each in drawn.values()}:
            drawn[subjects[0]] = replace(picture, message=told(finding, observed))
            alike[kind] += 1
    return tuple(drawn.values()), more


def _course(picture: Picture) -> tuple[object, ...]:
    """Return what the eye sees of a picture: two with the same course say nothing more than one."""
    return tuple((line.times, line.values) for line in picture.lines)


def _excerpts(
    diagnosis: Diagnosis, ordered: list[Finding], drawn: set[str], observed: Observed
) -> tuple[Excerpt, ...]:
    first = diagnosis.suspects[0] if diagnosis.suspects else None
    return tuple(
        Excerpt(
            finding_id=finding.id,
            entity=finding.entity,
            message=told(finding, observed),
            lines=_lines(finding.lines),
        )
        for finding in ordered
        if finding.lines and finding.id not in drawn and first and _supports(finding, diagnosis)
    )[:EXCERPTS]


def _supports(finding: Finding, diagnosis: Diagnosis) -> bool:
    first = diagnosis.suspects[0] if diagnosis.suspects else None
    return first is not None and (finding.id in first.finding_ids or finding.entity == first.entity)


def _lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(raw(line) for line in lines[:RAW_LINES])


def _row(alike: list[Finding], diagnosis: Diagnosis, observed: Observed) -> EvidenceRow:
    finding = alike[0]
    return EvidenceRow(
        finding_id=finding.id,
        kind=finding.kind,
        entity=finding.entity,
        modality=finding.modality,
        message=told(finding, observed),
        weight=finding.weight,
        checks=_checks(alike, observed),
        lines=_lines(finding.lines),
        fault_type=finding.fault_type,
        cited=any(_supports(each, diagnosis) for each in alike) and diagnosis.outcome is not Outcome.NO_FAULT,
        also=tuple(each.id for each in alike[1:]),
    )


def _checks(alike: list[Finding], observed: Observed) -> tuple[CheckResult, ...]:
    """Return the checks of findings that say the same; of checks that read the same the first."""
    found: dict[str, CheckResult] = {}
    for finding in alike:
        values = observed.get(finding.id, ())
        padded = [*values, *[None] * (len(finding.checks) - len(values))]
        for check, value in zip(finding.checks, padded, strict=False):
            said = in_words(check, "en") if len(alike) > 1 else repr(check)
            found.setdefault(said, CheckResult(check=check, observed=value))
    return tuple(found.values())


def _struck(diagnosis: Diagnosis) -> tuple[Struck, ...]:
    return tuple(
        Struck(
            finding_id=each.finding.id,
            entity=each.finding.entity,
            message=each.finding.message,
            failed=CheckResult(check=each.check, observed=each.observed),
        )
        for each in diagnosis.refuted[:STRUCK]
    )


def _gaps(diagnosis: Diagnosis, observation: Observation) -> tuple[Unseen, ...]:
    """Join the gaps that were told with those of modalities that were not recorded and that nobody told.

    That a modality is missing is told by the reader and by the detectors; only the latter say what cannot be known now.
    """
    gaps = [
        Unseen(modality=gap.modality, message=gap.message) for gap in (*observation.gaps, *diagnosis.gaps)
    ]
    absent = {gap.modality for gap in gaps if gap.message.key == f"gap.{gap.modality}_absent"}
    gaps = [gap for gap in gaps if gap.message.key != ANNOUNCED or gap.modality not in absent]
    current = observation.current
    recorded: dict[Modality, object] = {
        "metrics": current.metrics,
        "logs": current.logs,
        "traces": current.traces,
        "state": current.state,
        "changes": current.changes,
    }
    known = {gap.modality for gap in gaps}
    untold = [
        Unseen(modality=modality, message=Message(key=f"unseen.{modality}"))
        for modality, table in recorded.items()
        if table is None and modality not in known
    ]
    return tuple(dict.fromkeys([*gaps, *untold]))
