"""What people are told of a request for approval, and of its end: the figures of the incident, what is recommended, and how to answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.decision.approval.link import Link, signed
from sre_copilot.decision.approval.model import Rules, Vote, step_by_step, votes_needed
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.notification import Notification, NotificationState
from sre_copilot.domain.plan import Plan, RiskLevel, Ticket
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import moment, say, word
from sre_copilot.settings.acting.approval import Approval
from sre_copilot.store.plans import SUPERSEDED

SEVERITY = {
    RiskLevel.LOW: "info",
    RiskLevel.MEDIUM: "warning",
    RiskLevel.HIGH: "high",
    RiskLevel.CRITICAL: "critical",
}
"""Of a request that belongs to no incident: how bad the action can be."""
MOST_STEPS = 10
PLATFORM_NAMES = {"slack": "Slack", "feishu": "Feishu", "dingtalk": "DingTalk", "wecom": "WeCom"}
Picture = Callable[[str], Mapping[str, Any]]
"""What is known of an incident by its id: severity, service, anomaly …; nothing where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """Makes the messages; `receivers` are those who are told where no group and no rule names any."""

    settings: Approval
    rules: Rules
    receivers: tuple[str, ...]
    picture: Picture
    key: Callable[[], bytes]
    external_url: str
    language: Language
    chat: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Receivers who can reply, each with the platforms on which something receives it."""

    def request(self, plan: Plan) -> tuple[Notification, ...]:
        """Ask those who must agree."""
        return self._told(plan, self._asked(plan), state="approval", number=1)

    def reminder(self, plan: Plan, place: int) -> tuple[Notification, ...]:
        """Ask whom a step of the escalation names, too."""
        receivers = self.settings.unanswered[place - 1].receivers
        minutes = self.settings.unanswered[place - 1].after_minutes
        line = Message(key="approval.unanswered", params=(("minutes", minutes),))
        return self._told(plan, receivers, state="approval", number=place + 1, lines=(line,))

    def answered(self, plan: Plan, status: str, vote: Vote | None) -> tuple[Notification, ...]:
        """Tell those who were asked what came of it."""
        who = (vote.who or vote.person) if vote is not None else ""
        params = (("plan", plan.id), ("who", who), ("reason", vote.reason if vote is not None else ""))
        line = Message(key=f"approval.answered.{status}", params=params)
        number = 902 if status == "cancelled" else 900  # that was answered once already
        return self._told(
            plan, self._asked(plan), state="updated", number=number, lines=(line,), asking=False
        )

    def ended(self, plan: Plan, status: str, reason: str) -> tuple[Notification, ...]:
        """Tell those who were asked what came of a plan, or that it waits for them no more though nobody decided so."""
        by = reason.removeprefix(SUPERSEDED) if reason.startswith(SUPERSEDED) else ""
        unverified = status == "succeeded" and not plan.verifiable
        said = "superseded" if by else f"ended.{'carried_out' if unverified else status}"
        params = (("plan", plan.id), ("by", by), ("reason", reason))
        line = Message(key=f"approval.{said}", params=params)
        return self._told(plan, self._asked(plan), state="updated", number=901, lines=(line,), asking=False)

    def go_ahead(self, plan: Plan, step: str) -> tuple[Notification, ...]:
        """Ask those who must agree for the go-ahead of the step that a plan waits with."""
        place = next((n for n, each in enumerate(plan.steps, 1) if each.id == step), 0)
        if not place:
            return ()
        action = plan.steps[place - 1].action
        ask = Message(key="approval.go_ahead", params=(("plan", plan.id), ("step", step)))
        lines = (ask, _step(place, action.name, action.target.key))
        return self._told(
            plan, self._asked(plan), state="approval", number=500 + place, lines=lines, asking=False
        )

    def content(self, plan: Plan) -> dict[str, Any]:
        """The fields of the message."""
        known = dict(self.picture(plan.incident_id)) if plan.incident_id else {}
        return {
            **known,
            "severity": known.get("severity") or SEVERITY[plan.risk.level],
            "service": known.get("service") or plan.entity,
            "incident_id": plan.incident_id,
            "anomaly": known.get("anomaly") or _signal(plan),
            "cause": known.get("cause") or (plan.entity if plan.fault_type else ""),
            **_wish(plan),
            "confidence": plan.confidence or known.get("confidence"),
            "recommendation": self._recommendation(plan),
        }

    def _recommendation(self, plan: Plan) -> dict[str, Any]:
        record = plan.record
        return {
            "plan_id": plan.id,
            "action": say(plan.title, self.language),
            "sentence": {"key": plan.title.key, "params": dict(plan.title.params)},
            "estimated_minutes": max(1, math.ceil(plan.estimated_seconds / 60)),
            "success_rate": record.good / record.total if record.total else None,
            "similar_cases": record.total,
        }

    def _told(
        self,
        plan: Plan,
        receivers: Sequence[str],
        *,
        state: NotificationState,
        number: int,
        lines: Sequence[Message] = (),
        asking: bool = True,
    ) -> tuple[Notification, ...]:
        content = self.content(plan)
        content |= {
            "title": word("approval.title", self.language, action=say(plan.title, self.language)),
            "links": [[self._address(plan), word("approval.link", self.language)]]
            if self.external_url
            else [],
        }
        return tuple(
            Notification(
                key=f"approval/{plan.id}/{number}/{receiver}",
                group=f"approval/{plan.id}",
                receiver=receiver,
                state=state,
                sequence=number,
                created_at=plan.created_at,
                content=content | self._said(plan, receiver, lines, asking=asking),
            )
            for receiver in receivers
        )

    def _said(self, plan: Plan, receiver: str, lines: Sequence[Message], *, asking: bool) -> dict[str, Any]:
        """The sentences, and where a receiver who is asked can reply."""
        platforms = self.chat.get(receiver, ()) if asking else ()
        said = [*lines, *(self._lines(plan, platforms) if asking else ())]
        summary = [{"key": each.key, "params": dict(each.params)} for each in said]
        return {"summary": summary, **({"reply": list(platforms)} if platforms else {})}

    def _lines(self, plan: Plan, platforms: Sequence[str]) -> list[Message]:
        needed = votes_needed(plan)
        until = moment(self.rules.closes_at(plan), self.language)
        steps = [
            _step(place, each.action.name, each.action.target.key) for place, each in enumerate(plan.steps, 1)
        ]
        kind, mode = plan.risk.level.name.lower(), plan.risk.mode.name
        risk = (("score", plan.risk.score), ("risk_mode", mode), ("risk_kind", kind))
        return [
            Message(key="approval.request", params=(("plan", plan.id), ("until", until))),
            *([ticket_line(plan.ticket)] if plan.ticket else []),
            *steps[:MOST_STEPS],
            *([Message(key="approval.more_steps", params=(("count", len(steps) - MOST_STEPS),))] if len(steps) > MOST_STEPS else []),
            Message(key="approval.risk", params=risk),
            *([Message(key="approval.four_eyes", params=(("needed", needed),))] if needed > 1 else []),
            *([Message(key="approval.step_by_step")] if step_by_step(plan) else []),
            _how(plan, platforms, linked=bool(self.external_url)),
        ]  # fmt: skip

    def _asked(self, plan: Plan) -> tuple[str, ...]:
        groups = [self.settings.groups[name] for name in self.rules.groups_of(plan)]
        named = [receiver for group in groups for receiver in group.receivers]
        return tuple(dict.fromkeys(named or self.settings.receivers or self.receivers))

    def _address(self, plan: Plan) -> str:
        group = next(iter(self.rules.groups_of(plan)), "")
        link = Link(
            plan_id=plan.id, fingerprint=plan.fingerprint, group=group, until=int(self.rules.closes_at(plan))
        )
        return f"{self.external_url}/approvals/{plan.id}?proof={signed(link, self.key())}"


def ticket_line(ticket: Ticket) -> Message:
    """That a ticket goes along with a plan."""
    key = "ticket.before_required" if ticket.required else "ticket.before"
    return Message(key=key, params=(("queue", ticket.queue.name), ("executor", ticket.queue.executor)))


def _how(plan: Plan, platforms: Sequence[str], *, linked: bool) -> Message:
    """How to answer; by a reply only where something receives it, by a link only where there is one."""
    ending = "" if linked else ".unlinked"
    if not platforms:
        return Message(key=f"approval.answer{ending}", params=(("plan", plan.id),))
    named = ", ".join(PLATFORM_NAMES.get(each, each) for each in platforms)
    return Message(key=f"approval.reply{ending}", params=(("plan", plan.id), ("platforms", named)))


def _step(place: int, action: str, target: str) -> Message:
    return Message(key="approval.step", params=(("place", place), ("action", action), ("target", target)))


def _wish(plan: Plan) -> dict[str, str]:
    """Who asked for it and why, of a plan that no diagnosis led to."""
    if plan.fault_type:
        return {}
    return {"asked_by": plan.requester, "asked_for": str(dict(plan.title.params).get("reason", ""))}


def _signal(plan: Plan) -> dict[str, Any]:
    """The signal that is to recover, where the incident tells of none: what it was, and what it is to be."""
    checks = [check for step in plan.steps for check in step.checks if check.role == "recovery"]
    check = next((each for each in checks if each.observed is not None), None)
    if check is None or check.observed is None:
        return {}
    expected = f"{check.relation} {check.bound:g}"
    return {
        "metric": check.measure,
        "current": check.observed,
        "expected": expected,
        "deviation": check.observed - check.bound,
    }
