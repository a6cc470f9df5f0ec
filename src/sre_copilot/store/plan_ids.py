"""Ids of plans: the second in which a plan is made; one that is taken gives way to the next second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sre_copilot.errors import UsageError

FORM = "PLAN-%Y%m%d%H%M%S"


def next_id(plan_id: str) -> str:
    """The id of the next second.

    Raises
    ------
    UsageError : when it is no id of a plan
    """
    try:
        moment = datetime.strptime(plan_id, FORM).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"plan: {plan_id[:40]!r} is no id; write PLAN-YYYYMMDDHHMMSS") from None
    return (moment + timedelta(seconds=1)).strftime(FORM)


def first_id(at: float) -> str:
    """The id of the second in which a plan is made."""
    return datetime.fromtimestamp(at, UTC).strftime(FORM)
