"""The plan: candidates judged and compared with each other and with doing nothing, the best recommended, all of them shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sre_copilot.decision.assess import Rulebook, assess, together
from sre_copilot.decision.planning.binding import service_of
from sre_copilot.decision.planning.model import Estate, Fault, Known, NoPlan, Ready, message
from sre_copilot.decision.planning.signals import without_instances
from sre_copilot.decision.record import Standing
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, Mode, Option, Plan, PlanStep, Record, Risk

PRIOR_CASES = 4.0
"""So many cases is an expectation without a record worth: after four of its own an action is judged mostly by them."""
HOPELESS_AFTER = 3
"""An action that never helped in so many similar cases is not proposed again."""
USUAL = 0.5
"""Share of its time-out that an action usually takes, where there is no record: a time-out is set so that what is usual stays well below it."""
PRIORITIES: Mapping[str, int] = {"critical": 1, "high": 2, "warning": 3, "info": 4, "low": 4}
MOST_OPTIONS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A candidate with its risk and the share of cases in which it is expected to help."""

    ready: Ready
    risk: Risk
    record: Record
    expected: float
    steps: tuple[PlanStep, ...]

    @property
    def value(self) -> float:
        """What it is worth: the chance that it helps, less what it risks."""
        return self.expected * (1.0 - self.risk.score)


def propose(
    candidates: Sequence[Ready],
    fault: Fault,
    *,
    estate: Estate,
    known: Known,
    rules: Rulebook,
    now: float,
    expires_at: float,
    verify_seconds: float = 60.0,
    requester: str = "sre-copilot",
    incident_id: str = "",
    investigation_id: str = "",
    attempt: int = 1,
) -> Plan | NoPlan:
    """Recommend a plan, without an id: the store gives it one.

    Every action of it is in the catalogue. What failed before in this incident, what never helped, and what nobody may do is not recommended, and is shown as an option.
    """
    weighed = [weigh(each, fault, estate=estate, known=known, rules=rules, now=now) for each in candidates]
    open_ = [each for each in weighed if against(each, known) is None]
    if not open_:
        details = tuple(reason for each in weighed if (reason := against(each, known)) is not None)
        return NoPlan(reason=message("none.nothing_left", service=fault.entity), details=details)
    best = max(open_, key=lambda each: (each.ready.draft.origin != "team", each.value))  # rules first
    record = best.record
    return Plan(
        id="",
        created_at=now,
        strategy=best.ready.draft.strategy,
        title=title(best.ready),
        steps=best.steps,
        risk=best.risk,
        requester=requester,
        expires_at=expires_at,
        origin=best.ready.draft.origin,
        incident_id=incident_id,
        investigation_id=investigation_id,
        entity=fault.entity,
        fault_type=fault.fault_type,
        confidence=fault.probability,
        record=record,
        estimated_seconds=estimate(best, verify_seconds),
        priority=PRIORITIES.get(str(known.labels.get("severity", "")), 3),
        verify_seconds=verify_seconds,
        options=_options(best, weighed, known),
        attempt=attempt,
    )


def weigh(
    ready: Ready, fault: Fault, *, estate: Estate, known: Known, rules: Rulebook, now: float
) -> Weighed:
    """Judge a candidate: its risk, its record, and what may be expected of it."""
    standings = [known.standings.get(each.name, Standing()) for each in ready.actions]
    weakest = min(standings, key=lambda each: expected(each.record, ready.draft.prior))
    risk = together([
        assess(_situation(action, standing, fault, estate, known), rules=rules, now=now)
        for action, standing in zip(ready.actions, standings, strict=True)
    ])  # fmt: skip
    return Weighed(
        ready=ready,
        risk=never_alone(risk) if ready.draft.origin == "team" else risk,
        record=weakest.record,
        expected=expected(weakest.record, ready.draft.prior),
        steps=_steps(ready, fault, estate, known),
    )


def expected(record: Record, prior: float) -> float:
    """Share of cases in which it is expected to help: its record, pulled towards what such a way does in general while cases are few."""
    return (record.good + PRIOR_CASES * prior) / (record.total + PRIOR_CASES)


def never_alone(risk: Risk) -> Risk:
    """What a model proposed needs a person, whatever its risk."""
    mode = max(risk.mode, Mode.SEMI_AUTO)
    return replace(risk, mode=mode, reasons=(*risk.reasons, message("team_needs_person")))


def against(weighed: Weighed, known: Known) -> Message | None:
    """Why a candidate is not recommended whatever it is worth; None when nothing stands against it."""
    actions = weighed.ready.actions
    if any((each.name, each.target.key) in known.tried for each in actions):
        return message("option.tried", action=actions[-1].name, target=actions[-1].target.key)
    record = weighed.record
    if record.total >= HOPELESS_AFTER and not record.good:
        return message("option.hopeless", action=actions[-1].name, total=record.total)
    if weighed.risk.forbidden:
        return message("option.forbidden", action=actions[-1].name, target=actions[-1].target.key)
    return None


def estimate(weighed: Weighed, verify_seconds: float) -> float:
    """Seconds until it is verified: what it took before, else half of its time-outs and the window in which signals are watched."""
    known = weighed.record.median_seconds
    if known is not None:
        return known
    return sum(each.timeout_seconds for each in weighed.steps) * USUAL + verify_seconds


def title(ready: Ready) -> Message:
    """What a plan does, in one line."""
    action, wish = ready.actions[-1], ready.draft.wishes[-1]
    params = (("action", action.name), ("target", action.target.name))
    if len(ready.actions) > 1:
        return Message(key="planning.title.several", params=(*params, ("count", len(ready.actions))))
    told = wish.change.detail.get("from", "") if wish.change else ""
    if wish.strategy == "rollback" and told:
        return Message(key="planning.title.rollback_to", params=(*params, ("version", told)))
    return Message(key=f"planning.title.{_worded(wish.strategy)}", params=params)


WORDED = frozenset({
    "start", "restart", "rollback", "restore_configuration", "switch_flag", "scale_out", "free_disk",
    "end_sessions", "uncordon", "cordon",
})  # fmt: skip
"""Strategies with sentences of their own."""


def _worded(strategy: str) -> str:
    return strategy if strategy in WORDED else "repair"


def _situation(
    action: Action, standing: Standing, fault: Fault, estate: Estate, known: Known
) -> ActionSituation:
    return ActionSituation(
        action=action,
        spec=estate.specs[action.name],
        confidence=fault.probability,
        standing=standing,
        service=service_of(action.target, estate, first=fault.entity),
        topology=known.topology,
        rates=known.rates,
        labels=known.labels,
        fault_type=fault.fault_type,
    )


def _steps(ready: Ready, fault: Fault, estate: Estate, known: Known) -> tuple[PlanStep, ...]:
    """One step an action, each after the one before; the signals that must be well again belong to the last."""
    made: list[PlanStep] = []
    last = len(ready.actions) - 1
    kinds = [each.target.kind for each in ready.actions]
    recovery, guards = without_instances(known.recovery, kinds), without_instances(known.guards, kinds)
    for place, (action, state, wish) in enumerate(
        zip(ready.actions, ready.digests, ready.draft.wishes, strict=True)
    ):
        spec = estate.specs[action.name]
        params = (("action", action.name), ("target", action.target.name), *_shown(action))
        made.append(
            PlanStep(
                id=f"s{place + 1}",
                action=action,
                expected=Message(key=f"planning.expected.{_worded(wish.strategy)}", params=params),
                timeout_seconds=spec.timeout_seconds,
                needs=(made[-1].id,) if made else (),
                reversible=spec.reversible,
                checks=(*recovery, *guards) if place == last else guards,
                state=state,
                service=service_of(action.target, estate, first=fault.entity),
            )
        )
    return tuple(made)


def _shown(action: Action) -> tuple[tuple[str, str | float | int], ...]:
    return (("replicas", int(action.parameters["replicas"])),) if "replicas" in action.parameters else ()


def _options(best: Weighed, weighed: Sequence[Weighed], known: Known) -> tuple[Option, ...]:
    """The other ways, the best first, and doing nothing at the end."""
    others = sorted((each for each in weighed if each is not best), key=lambda each: -each.value)
    return (*(_option(each, best, known) for each in others[:MOST_OPTIONS]), nothing(known))


def _option(each: Weighed, best: Weighed, known: Known) -> Option:
    reason = against(each, known) or message(
        "option.less", value=round(each.value, 3), best=round(best.value, 3)
    )
    return Option(
        strategy=each.ready.draft.strategy,
        title=title(each.ready),
        score=each.risk.score,
        success=_share(each.record),
        reason=reason,
        steps=each.steps,
    )


def nothing(known: Known) -> Option:
    """Doing nothing: it risks no change, and helps as often as such faults went away by themselves."""
    share, total = _share(known.untouched), known.untouched.total
    reason = message("nothing.known", good=known.untouched.good, total=total) if total else message("nothing.unknown")  # fmt: skip
    return Option(strategy="nothing", title=message("title.nothing"), score=0.0, success=share, reason=reason)


def _share(record: Record) -> float | None:
    return record.good / record.total if record.total else None
