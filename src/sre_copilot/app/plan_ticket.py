"""The ticket that goes along with each plan that is made for an incident, as `remediation.ticket` says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sre_copilot.domain.plan import Plan, Target, Ticket
from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Settings

TYPE = "tickets"


def ticket_of(settings: Settings) -> Ticket | None:
    """What is configured; None where no tickets are asked for.

    Raises
    ------
    SettingsError : when the executor that is named does not open tickets, or cannot bring them to the state
    """
    asked = settings.remediation.ticket
    if not asked.executor:
        if asked.required or asked.closed:
            raise SettingsError("remediation.ticket.executor: is missing; name an executor of type tickets, or leave the other keys out")  # fmt: skip
        return None
    known = {
        str(each.get("name", TYPE)): each for each in settings.actions.executors if each.get("type") == TYPE
    }
    own = known.get(asked.executor)
    if own is None:
        names = ", ".join(sorted(known)) or "none"
        raise SettingsError(f"remediation.ticket.executor: {asked.executor!r} is no executor of type tickets; there are: {names}")  # fmt: skip
    states = tuple(map(str, own.get("states", ())))
    if asked.closed and asked.closed not in states:
        raise SettingsError(f"remediation.ticket.closed: {asked.closed!r} is none of the states of {asked.executor} ({', '.join(states) or 'none'}); add it there")  # fmt: skip
    queue = Target(executor=asked.executor, kind="queue", name=str(own.get("queue", "")))
    return Ticket(queue=queue, required=asked.required, closed=asked.closed)


def with_ticket(settings: Settings) -> Callable[[Plan], Plan]:
    """Adds it to a plan of an incident; not to one that writes tickets itself.

    Raises
    ------
    SettingsError : when it cannot be used as it is configured
    """
    ticket = ticket_of(settings)

    def added(plan: Plan) -> Plan:
        writes = ticket is not None and any(
            each.action.executor == ticket.queue.executor for each in plan.steps
        )
        return (
            plan
            if not plan.incident_id or plan.ticket is not None or writes
            else replace(plan, ticket=ticket)
        )

    return added
