"""Precision of warnings: of the incidents that people were told of, the share that was a real problem, by the word of people alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sre_copilot.clock import Clock
from sre_copilot.knowledge.labels import Label, Labels
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database

LEAST_JUDGED = 20
"""With fewer, chance alone moves a share by more than a fifth either way (95 %): no figure is better than such a one."""
MOST = 1000  # incidents, the latest: as far back as the present rules say something
NAMED = ("service", "fault_type", "root_cause")


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """`value` is None while too few were judged; `told` incidents woke somebody; in `no_fault` of those that nobody judged the investigation saw no fault."""

    told: int
    judged: int
    real: int
    no_fault: int

    @property
    def value(self) -> float | None:
        """Real problems over judged incidents, 0..1."""
        return self.real / self.judged if self.judged >= LEAST_JUDGED else None

    def document(self) -> dict[str, Any]:
        """As the interface answers it; `problem` says why there is no figure."""
        few = f"{self.judged} of {self.told} incidents were judged, and at least {LEAST_JUDGED} are needed: sre-copilot incident judge"
        return {
            "value": self.value,
            "told": self.told,
            "judged": self.judged,
            "real": self.real,
            "no_fault_seen_and_not_judged": self.no_fault,
            "problem": "" if self.value is not None else few,
        }


def precision(database: Database, clock: Clock) -> Precision:
    """Of the incidents and labels in the store."""
    rows = AlertRecords(database).incidents_page(limit=MOST, woken=True).rows
    labels = Labels(database, clock)
    return precision_of(rows, [*labels.all(target="incident"), *labels.all(target="output")])


def precision_of(incidents: Iterable[Mapping[str, Any]], labels: Iterable[Label]) -> Precision:
    """Of incidents (their documents) and labels; what was merged into another is told as that one."""
    said: dict[tuple[str, str], Label] = {
        (each.target, each.target_id): each for each in sorted(labels, key=lambda each: each.at)
    }
    outputs = {each.investigation_id: each for each in said.values() if each.target == "output"}
    told = [each for each in incidents if each["woken"] and each["status"] != "merged"]
    words = [(each, _real(each, said, outputs)) for each in told]
    known = [word for _, word in words if word is not None]
    quiet = (each for each, word in words if word is None)
    return Precision(
        told=len(told),
        judged=len(known),
        real=sum(known),
        no_fault=sum(each["diagnosis"].get("outcome") == "no_fault" for each in quiet),
    )


def _real(
    incident: Mapping[str, Any], said: Mapping[tuple[str, str], Label], outputs: Mapping[str, Label]
) -> bool | None:
    """Whether people say that it was a real problem; None where they say nothing that tells."""
    if (own := said.get(("incident", incident["id"]))) is not None:
        return own.right
    diagnosis = incident["diagnosis"]
    label = outputs.get(diagnosis.get("investigation_id", ""))
    if label is None:
        return None
    outcome = diagnosis.get("outcome", "")
    if not label.right and any(label.correction.get(name) for name in NAMED):
        return True  # the diagnosis was wrong, and the true cause is named: there was one
    if outcome == "no_fault":
        return not label.right
    return True if outcome == "fault" and label.right else None
