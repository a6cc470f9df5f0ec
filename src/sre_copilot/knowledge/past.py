"""Faults that were: what an investigation concluded, once a person confirmed it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.incident import Diagnosis, Observation
from sre_copilot.domain.knowledge import Lang, PastFault
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.signature import tokens_of

SIGNS = 12  # of a learned fault: the strongest, own ones first; the rest is the same again at others


class Closed(Protocol):
    """An investigation that came to its end, with all that it rests on."""

    @property
    def observation(self) -> Observation: ...
    @property
    def diagnosis(self) -> Diagnosis: ...
    @property
    def considered(self) -> tuple[Finding, ...]: ...


def past_fault(
    closed: Closed, *, service: str, fault_type: str, key: str, lang: Lang = "en", measure: str = ""
) -> PastFault:
    """The fault of an investigation as a draft; `service` and `fault_type` are those that a person may have corrected."""
    diagnosis = closed.diagnosis
    incident = diagnosis.incident
    at = incident.onset if incident.onset is not None else (incident.window.start if incident.window else 0.0)
    return PastFault(
        id=key,
        at=at,
        service=service,
        fault_type=fault_type,
        summary=summary(service, fault_type, lang),
        measure=measure,
        signature=signature(closed, service),
        duration_s=incident.window.end - at if incident.window else None,
        investigation_id=incident.id,
    )


def past_from_case(case: Mapping[str, Any]) -> PastFault:
    """A past fault from what another system or a person tells: `type`, `service`, `solution`, and as far as known the rest.

    Keys: id, type (an id of the product's faults, or its words in English or Chinese), service, solution, description, at (epoch seconds
    UTC), severity, effectiveness_score (0..1), duration_s.

    Raises
    ------
    UsageError : names the key and the way out
    """
    kind = _fault_type(str(case.get("type") or ""), str(case.get("description") or ""))
    service = str(case.get("service") or "").strip()
    if not kind or not service:
        key = "service" if kind else "type"
        raise UsageError(
            f"{key}: is missing or not known; give for example type: resource/cpu, service: checkout"
        )
    score = _number(case, "effectiveness_score")
    if score is not None and not 0 <= score <= 1:
        raise UsageError(f"effectiveness_score: {score:g} must be from 0 to 1")
    at = _number(case, "at") or 0.0
    described = str(case.get("description") or "").strip()
    digest = hashlib.blake2b(f"{kind} {service} {at} {described}".encode(), digest_size=5).hexdigest()
    return PastFault(
        id=str(case.get("id") or f"past-{digest}")[:100],
        at=at,
        service=service,
        fault_type=kind,
        summary=described or summary(service, kind, "en"),
        measure=str(case.get("solution") or "").strip(),
        effectiveness=score,
        severity=str(case.get("severity") or "")[:32],
        duration_s=_number(case, "duration_s"),
    )


def _fault_type(said: str, description: str) -> str:
    """The product's fault type for what is said; without an exact one the single type whose words stand in the description."""
    wanted = said.strip().lower()
    for each in FAULT_TYPES.values():
        if wanted in (each.id, each.en.lower(), each.zh):
            return each.id
    text = description.lower()
    named = [each.id for each in FAULT_TYPES.values() if each.en.lower() in text or each.zh in text]
    return named[0] if len(named) == 1 and not wanted else ""


def _number(case: Mapping[str, Any], key: str) -> float | None:
    value = case.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{key}: {value!r} must be a number")
    return float(value)


def signature(closed: Closed, service: str) -> tuple[str, ...]:
    """The signs of a fault, seen from its culprit; those of change and noise are none."""
    findings = [each for each in closed.considered if each.modality not in ("changes", "alerts")]
    return tuple(str(token) for token in tokens_of(findings, service, closed.observation.topology)[:SIGNS])


def summary(service: str, fault_type: str, lang: Lang) -> str:
    """One line: what, and where."""
    known = FAULT_TYPES.get(fault_type)
    said = (known.zh if lang == "zh" else known.en) if known else fault_type
    return f"{service}：{said}" if lang == "zh" else f"{service}: {said}"


def past_document(past: PastFault) -> dict[str, Any]:
    """A past fault as JSON."""
    return asdict(past)


def past_from(document: Mapping[str, Any]) -> PastFault:
    """A past fault from JSON."""
    return PastFault(**{**document, "signature": tuple(document["signature"])})
