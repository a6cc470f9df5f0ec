"""From what was understood to tasks: who works on it, who waits for whom."""

from __future__ import annotations

from sre_copilot.agents.agent import Task
from sre_copilot.agents.answer import Understood
from sre_copilot.agents.understanding.intents import INTENTS

EXPERTS = ("monitor", "log", "trace", "trade", "change", "cmdb")
"""Each knows one kind of telemetry; they work at the same time."""

WHOLE_TEAM = ("diagnose", "anomalies", "report")
"""What every expert has to look at."""

ALONE = ("copilot",)
"""Who answers without a task."""


def plan(understood: Understood) -> tuple[Task, ...]:
    """The tasks of one request; none for what the copilot answers itself."""
    agent = INTENTS[understood.intent].agent if understood.intent in INTENTS else "copilot"
    if agent in ALONE:
        return ()
    if understood.intent in WHOLE_TEAM:
        return _whole_team(understood)
    return (_task(agent, understood),)


def alone(agent: str, understood: Understood) -> Task:
    """The one task of an agent that is asked alone."""
    return _task(agent, understood)


def _whole_team(understood: Understood) -> tuple[Task, ...]:
    experts = tuple(_task(name, understood) for name in EXPERTS)
    diagnosis = _task("diagnosis", understood, after=EXPERTS, priority=2)
    root_cause = _task("root_cause", understood, after=("diagnosis",), priority=3)
    knowledge = _task("knowledge", understood, after=("root_cause",), priority=4)
    report = _task("report", understood, after=("root_cause", "knowledge"), priority=5)
    tail = (report,) if understood.intent == "report" else ()
    return (*experts, diagnosis, root_cause, knowledge, *tail)


def _task(agent: str, understood: Understood, *, after: tuple[str, ...] = (), priority: int = 1) -> Task:
    return Task(
        id=agent,
        agent=agent,
        about=understood,
        window=understood.window,
        services=understood.services,
        after=after,
        priority=priority,
    )
