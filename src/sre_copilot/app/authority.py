"""Who may say what is done, wired once for every way in: the door of approvals with the freezes, the kill switch and the autonomy that count now."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sre_copilot.app.acting import ActingDesk, open_desk
from sre_copilot.app.approving import Approving
from sre_copilot.app.approving_made import make_approving
from sre_copilot.app.rulebook import labels_of, rulebook_of, ruling_by, trusted_by
from sre_copilot.app.serving import Service
from sre_copilot.decision.record import Standing, standing_of
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan
from sre_copilot.store.outcomes import Outcomes


def approving_of(service: Service, desk: ActingDesk | None = None) -> Approving:
    """The door of a running service, by everything that is configured.

    Raises
    ------
    SettingsError : when a policy fails its own tests, or a receiver that is named does not exist
    """
    desk = desk or open_desk(service.settings, service.database, service.clock)
    rules = rulebook_of(service.settings)  # at once: what is wrong with them is said at the start
    outcomes = Outcomes(service.database)

    def standing(action: str, fault: str) -> Standing:
        return standing_of(good for good, _ in outcomes.history(action, fault_type=fault))

    able, trusted = able_by(desk), trusted_by(rules, standing)
    labels = partial(labels_of, service.database)
    ruling = ruling_by(rules, lambda: desk.catalogue.specs, standing, labels)
    return make_approving(
        service,
        halted=halted_by(desk),
        autonomy=lambda plan, at: able(plan) and trusted(plan, at) and ruling(plan, at).mode == Mode.AUTO,
        ruling=ruling,
    )


def halted_by(desk: ActingDesk) -> Callable[[Plan, float], Message | None]:
    """The kill switch, where it stops begun plans too."""

    def reason(plan: Plan, at: float) -> Message | None:
        stops = desk.settings.remediation.on_kill_switch == "undo"
        return Message(key="remediation.switch") if stops and desk.standing().thrown else None

    return reason


def able_by(desk: ActingDesk) -> Callable[[Plan], bool]:
    """Whether a plan can be carried out without a person at all: enabled, of the lowest risk, and every action of it such that an effect can be told from none."""

    def allowed(plan: Plan) -> bool:
        if not desk.settings.risk.auto_remediation_enabled or plan.risk.mode != Mode.AUTO:
            return False
        if plan.risk.forbidden or plan.risk.four_eyes:
            return False
        known = {spec.name: spec for spec in desk.catalogue.specs}
        return all(step.action.name in known and known[step.action.name].exactly_once for step in plan.steps)

    return allowed
