"""The timeline of a report: every record that has a moment, in order; comments of people are in a section of their own."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.postmortem.model import Line, Section, line
from sre_copilot.incidents.postmortem.moments import moments
from sre_copilot.incidents.postmortem.records import PlanRecord, Records
from sre_copilot.incidents.report.words import LANGUAGES, told
from sre_copilot.store.paging import Row

COMMENT = "comment"


def timeline(records: Records) -> Section:
    """What happened, in the order of time."""
    found = [*_began(records), *map(happening, _told(records))]
    found += [each for plan in records.plans for each in _altered(plan)]
    ordered = sorted(found, key=lambda each: each.at or 0.0)  # stable: equal times stay in the records' order
    return Section(name="timeline", lines=tuple(ordered))


def comments(records: Records) -> Section:
    """What people wrote down, in their own words."""
    found = tuple(map(happening, records.of_kind(COMMENT)))
    return Section(name="comments", lines=found or (line("comments.none", records.key),))


def happening(row: Row) -> Line:
    """An entry of the timeline."""
    plain = {name: each for name, each in row["params"].items() if isinstance(each, str | int | float)}
    plan = row["data"].get("plan_id")
    return Line(
        sentence=Message(key=row["key"], params=tuple(plain.items())),
        rests_on=(f"timeline/{row['id']}", *([f"plan/{plan}"] if plan else [])),
        at=row["at"],
        who=row["who"],
        spoken={lang: told(row["key"], row["params"], lang) for lang in LANGUAGES},
    )


def votes(plan: PlanRecord) -> Iterator[Line]:
    """Who agreed and who refused, with what they said."""
    for vote in plan.votes:
        alone = vote["way"] == "auto"
        key = "vote.auto" if alone else f"vote.{vote['verdict']}"
        params = {"plan": plan.id, "person": vote["person"] or vote["who"], "way": vote["way"]}
        if vote["reason"] and not alone:
            key, params = f"{key}.reason", {**params, "reason": vote["reason"]}
        yield line(key, f"approval/{vote['id']}", f"plan/{plan.id}", at=vote["at"], who=vote["who"] or vote["person"], **params)  # fmt: skip


def _told(records: Records) -> list[Row]:
    return [each for each in records.happenings if each["kind"] != COMMENT]


def _began(records: Records) -> Iterator[Line]:
    first = min(records.alerts, key=lambda each: each["starts_at"], default=None)
    began = moments(records).began
    if first is None:
        yield line("began", records.key, at=began)
        return
    name = first["labels"].get("alertname", "")
    service = str(first["context"].get("service", "")) or "–"
    key = f"alert/{first['fingerprint']}"
    yield line("began.alert", key, at=float(first["starts_at"]), name=name, service=service)


def _altered(plan: PlanRecord) -> Iterator[Line]:
    if plan.plan is None:
        yield line("plan.altered", f"plan/{plan.id}", at=plan.created_at, plan=plan.id)
