"""What people say of findings, claims, outputs and cards: right or wrong, and what it should have been.

A label changes nothing by itself. Enough people who agree, and whose labels held so far, make an evaluation case or a proposal.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from sre_copilot.clock import Clock
from sre_copilot.domain.event import Event, EventType
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.keeping import every
from sre_copilot.knowledge.probes import Holds
from sre_copilot.store.database import Database
from sre_copilot.store.experience import label_records

Target = Literal["finding", "claim", "output", "card", "incident"]
CORRECTIONS = ("service", "fault_type", "root_cause", "manifestation", "measure", "text")
QUORUM = 2  # people: one may be mistaken or mean harm, and two who agree seldom are
LEAST_TRUST = 0.5  # of a labeller: more often borne out than not
LONGEST = 4000
LONGEST_BY, LONGEST_ID, LONGEST_SUBJECT = 200, 100, 300  # characters, as the store has them


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One person's word on one thing.

    `subject` is what may have to change (a metric, a detector's kind, a prompt, a card); `holds` says whether the checks of the labelled
    finding held when they were re-run, None where that could not be told.
    """

    id: str
    at: float
    by: str
    role: str
    investigation_id: str
    target: Target
    target_id: str
    right: bool
    subject: str = ""
    score: float | None = None
    holds: bool | None = None
    correction: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


class Labels:
    """Keeps labels; one person has one word on one thing, the last."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._records = label_records(database)
        self._clock = clock

    def add(
        self,
        *,
        by: str,
        role: str,
        investigation_id: str,
        target: str,
        target_id: str,
        right: bool,
        subject: str = "",
        score: float | None = None,
        holds: bool | None = None,
        correction: Mapping[str, str] | None = None,
        note: str = "",
    ) -> Label:
        """Keep what somebody says.

        Raises
        ------
        UsageError : names the field and the way out
        """
        _check(by, target, target_id, correction or {}, note)
        if len(by) > LONGEST_BY or len(investigation_id) > LONGEST_ID or len(subject) > LONGEST_SUBJECT:
            raise UsageError(
                f"investigation_id: may have at most {LONGEST_ID} characters, by {LONGEST_BY}, subject {LONGEST_SUBJECT}"
            )
        key = uuid.uuid5(uuid.NAMESPACE_OID, "\0".join((by, investigation_id, target, target_id))).hex
        label = Label(
            id=key,
            at=self._clock.now(),
            by=by.strip(),
            role=role,
            investigation_id=investigation_id,
            target=cast(Target, target),
            target_id=target_id,
            right=right,
            subject=subject,
            score=score,
            holds=holds,
            correction=dict(correction or {}),
            note=note,
        )
        row = {name: getattr(label, name) for name in Label.__dataclass_fields__}
        self._records.save([row], telling=feedback_events)
        return label

    def all(self, **equal: Any) -> tuple[Label, ...]:
        """Labels, the latest first, by `investigation_id`, `target`, `target_id`, `by`."""
        return tuple(Label(**row) for row in every(self._records, **equal))


def feedback_events(row: Mapping[str, Any], *, fresh: bool) -> tuple[Event, ...]:
    """What others are told of a person's word; a word that is changed is told again."""
    corrected, of_incident = row["correction"], row["target"] == "incident"
    incident = row["target_id"] if of_incident else ""
    data = {
        "investigation_id": row["investigation_id"],
        "incident_id": incident,
        "target": row["target"],
        "target_id": row["target_id"],
        "verdict": "right" if row["right"] else "wrong",
        "cause": corrected.get("root_cause") or corrected.get("service", ""),
        "comment": row["note"],
        "by": row["by"],
        "at": row["at"],
    }
    ident = f"feedback/{row['id']}/{row['at']:.6f}"
    key = incident or row["investigation_id"] or row["target_id"]
    return (Event(id=ident, type=EventType.FEEDBACK_GIVEN, key=key, at=row["at"], data=data),)


def _check(by: str, target: str, target_id: str, correction: Mapping[str, str], note: str) -> None:
    if not by.strip():
        raise UsageError("by: a label needs the name of a person")
    if target not in get_args(Target):
        raise UsageError(f"target: {target!r} must be one of {', '.join(get_args(Target))}")
    if not target_id.strip() or len(target_id) > 100:
        raise UsageError(
            "target_id: name what is labelled, for example the id of a finding, in at most 100 characters"
        )
    if unknown := sorted(set(correction) - set(CORRECTIONS)):
        raise UsageError(
            f"correction: {unknown[0]!r} cannot be corrected; there are: {', '.join(CORRECTIONS)}"
        )
    if (kind := correction.get("fault_type")) and kind not in FAULT_TYPES:
        raise UsageError(
            f"correction: fault_type: {kind!r} is not known; there are: {', '.join(FAULT_TYPES)}"
        )
    if len(note) > LONGEST or any(len(value) > LONGEST for value in correction.values()):
        raise UsageError(f"note: and each correction may have at most {LONGEST:,} characters")


def rerun(finding: Finding, holds: Holds) -> bool | None:
    """Whether the checks of a finding hold; None when it has none."""
    return all(map(holds, finding.checks)) if finding.checks else None


def labeller_trust(labels: Iterable[Label]) -> Mapping[str, float]:
    """How far each person's labels were borne out, (1 + right) / (2 + all), over those that could be told.

    A label is borne out when it agrees with the re-run checks (a finding called right whose checks fail is not), or with most other
    people on the same thing. To call a finding wrong whose checks hold is neither: a true measurement may still mean nothing.
    """
    known = tuple(labels)
    words: dict[tuple[str, str, str], dict[str, bool]] = defaultdict(dict)
    for label in sorted(known, key=lambda each: each.at):
        words[label.investigation_id, label.target, label.target_id][label.by] = label.right
    borne: dict[str, list[bool]] = defaultdict(list)
    for label in known:
        said = _borne_out(label, words[label.investigation_id, label.target, label.target_id])
        borne[label.by] += [] if said is None else [said]
    return {
        by: (1 + sum(told)) / (2 + len(told)) for by in {each.by for each in known} for told in (borne[by],)
    }


def _borne_out(label: Label, words: Mapping[str, bool]) -> bool | None:
    if label.holds is not None and (label.right or not label.holds):
        return label.right == label.holds
    others = [right for by, right in words.items() if by != label.by]
    agreeing = sum(right == label.right for right in others)
    return None if 2 * agreeing == len(others) else 2 * agreeing > len(others)


def believed(labels: Iterable[Label], *, everyone: Sequence[Label] = ()) -> tuple[Label, ...]:
    """Labels of people whose labels were borne out, and that their own re-run checks do not speak against."""
    known = tuple(labels)
    trusted = labeller_trust(everyone or known)
    return tuple(
        each
        for each in known
        if trusted.get(each.by, LEAST_TRUST) >= LEAST_TRUST and not (each.right and each.holds is False)
    )


def evaluation_cases(labels: Sequence[Label]) -> Mapping[str, Mapping[str, str]]:
    """The truth of investigations by their id, where enough people agree on it: service and fault type, as `truth.json` has them."""
    said: dict[str, dict[tuple[str, str], set[str]]] = defaultdict(lambda: defaultdict(set))
    for label in believed([each for each in labels if each.target == "output"], everyone=labels):
        truth = label.correction.get("service", ""), label.correction.get("fault_type", "")
        if all(truth):
            said[label.investigation_id][truth].add(label.by)
    found = {}
    for key, truths in said.items():
        (service, fault_type), people = max(truths.items(), key=lambda pair: len(pair[1]))
        against = sum(len(others) for truth, others in truths.items() if truth != (service, fault_type))
        if len(people) >= QUORUM and len(people) > against:
            found[key] = {"service": service, "fault_type": fault_type}
    return found
