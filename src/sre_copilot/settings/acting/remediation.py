"""Keys below `remediation`: how repairs are carried out, watched and limited."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sre_copilot.settings.section import Section


class PlanTicket(Section):
    """The ticket that goes along with each plan that is made for an incident: opened before the first step, told the outcome at the end."""

    executor: str = Field(default="", max_length=64)
    """Name of the executor of type `tickets` in `actions.executors` that opens it; empty: no tickets."""
    required: bool = False
    """Do nothing without it. Off: where the ticket system fails, that is said, and the repair goes on."""
    closed: str = Field(default="", max_length=100)
    """State that it is moved on to when signals show that the plan has helped, one of the executor's `states` (`Done`); empty: people close it. The outcome is written into it anyway."""


class Remediation(Section):
    """How repairs are carried out."""

    poll_seconds: float = Field(default=2.0, ge=0.05, le=60)
    """Pause between two looks at a target or at its signals: a restart takes seconds, and each look is a query."""
    verify_seconds: float = Field(default=60.0, ge=1, le=3600)
    """Window after the last step of a proposed plan over which its signals must be well. A minute: four samples of the slowest usual source."""
    patience_seconds: float = Field(default=60.0, ge=0, le=3600)
    """So much longer than the window of a plan may its signals take to be well; measured windows slide until then. A minute: four samples of the slowest usual source."""
    wait_for_target_seconds: float = Field(default=900.0, ge=0, le=86_400)
    """How long a plan waits for a target that another holds, or for a limit, before it gives up; above the longest usual time-out of an action."""
    between_seconds: float = Field(default=15.0, ge=0, le=600)
    """Window over which guard signals are watched between two steps; a quarter of a minute, one sample of most sources."""
    rest_seconds: float = Field(default=300.0, ge=0, le=86_400)
    """So long after a plan has helped no other is made for its incident: averages over minutes, and the alerts on them, go on showing what is over."""
    attempts: int = Field(default=3, ge=1, le=10)
    """How often one step is tried, each time after a look whether it is done already; three, for what fails thrice needs eyes."""
    rediagnoses: int = Field(default=2, ge=0, le=5)
    """How often, after a plan did not help, the incident is diagnosed again and a further plan made, before people take over."""
    longest_pause_seconds: float = Field(default=3600.0, ge=1, le=86_400)
    """How long a plan may be paused; then it is called off and undone, for half a repair is no state to forget."""
    on_kill_switch: Literal["undo", "complete"] = "undo"
    """What becomes of begun plans when the kill switch is thrown: done steps are taken back, or the rest is done as well."""
    in_maintenance: Literal["approved", "nobody"] = "approved"
    """Who may act on a target in a maintenance window: plans that a person approved, or nobody; autonomous ones never, as people are at work there."""
    ticket: PlanTicket = PlanTicket()
    """The ticket of each plan; off by default."""
    receivers: list[str] = Field(default_factory=list)
    """Receivers (of `alerting.notify.receivers`) that are told when people must take over; the incident's timeline says it anyway."""
