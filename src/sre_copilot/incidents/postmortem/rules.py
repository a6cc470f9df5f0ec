"""What a rule sees: the records, their times, and plans by how they ended; and the constants of the rules, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.incidents.postmortem.moments import Moments, moments
from sre_copilot.incidents.postmortem.records import PlanRecord, Records

ACKNOWLEDGE_S = 15 * 60.0
"""Longer than that nobody taking it on is called late: half of what a whole repair may take."""
APPROVE_S = 15 * 60.0
"""The same for a plan that waits for an answer."""
IDENTIFY_S = 10 * 60.0
"""A cause named within this time leaves two thirds of the time that a repair may take."""
REPEATED = 2  # failures are repeated from the second on
TRIED = ("succeeded", "rolled_back", "failed")
DID_NOT_HELP = ("rolled_back", "failed")
NOBODY = ("incident.nobody", "incident.last_resort", "people.escalation.exhausted")
"""Sentences of the timeline that say that a call reached nobody who is on call."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One incident, as rules look at it."""

    records: Records
    times: Moments

    @classmethod
    def of(cls, records: Records) -> Seen:
        """Look at records."""
        return cls(records, moments(records))

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.records.incident["status"] in ("resolved", "merged")

    @property
    def woken(self) -> bool:
        """Whether people were to be told at all; of what nobody was told nobody is expected to take it on."""
        return bool(self.records.incident["woken"])

    @property
    def owner(self) -> str:
        """Who saw to it."""
        incident = self.records.incident
        taken = [str(each["who"]) for each in self.records.of_kind("acknowledged") if each["who"]]
        return str(incident["assignee"] or incident["acknowledged_by"] or next(iter(taken), ""))

    def first(self, kind: str) -> tuple[str, str]:
        """The first entry of a kind in its timeline, and who made it; the incident where an incident that it inherits from has it."""
        rows = self.records.of_kind(kind)
        return (f"timeline/{rows[0]['id']}", str(rows[0]["who"])) if rows else (self.records.key, "")

    def plans(self, *statuses: str) -> list[PlanRecord]:
        """Plans by how they stand."""
        return [each for each in self.records.plans if each.status in statuses]


def recovery_checks(plan: PlanRecord) -> int:
    """How many signals show whether a plan helped; without any, that it was carried out shows nothing."""
    checks = [check for step in plan.plan.steps for check in step.checks] if plan.plan else []
    return sum(check.role == "recovery" for check in checks)
