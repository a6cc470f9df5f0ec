"""What became of the alerts of each phase: who was told, what was only listed, what was habit, and how usual it was before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from sre_copilot.eval.alerts.dataset import Scenario
from sre_copilot.eval.alerts.told import Run

Outcome = Literal["told", "quiet", "mixed", "habit"]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one phase.

    `outcome` is `told` (it is the majority of an incident that woke somebody), `quiet` (only of one that was listed), `mixed` (its alerts are in incidents of which it is not the
    majority), `habit` (none of its alerts is part of an incident). Its alerts are counted by where they went: `in_told`, `in_quiet`, `in_none`. `earlier` is how often
    the rarest of its kinds at its place had come in the scenario before the phase began: 0 says that something was new.
    """

    scenario: str
    phase: str
    outcome: Outcome
    alerts: int
    in_told: int
    in_quiet: int
    in_none: int
    earlier: int


def fates(scenario: Scenario, run: Run) -> tuple[Fate, ...]:
    """All phases of a scenario in the order in which they begin."""
    totals = Counter(each for each in scenario.phases if each)
    earlier = _earlier(scenario)
    return tuple(_fate(run, phase, count, earlier[phase]) for phase, count in totals.items())


def _fate(run: Run, phase: str, alerts: int, earlier: int) -> Fate:
    in_told = sum(each.phases[phase] for each in run.incidents if each.woken)
    in_quiet = sum(each.phases[phase] for each in run.incidents if not each.woken)
    return Fate(
        scenario=run.scenario,
        phase=phase,
        outcome=_outcome(run, phase, in_told + in_quiet),
        alerts=alerts,
        in_told=in_told,
        in_quiet=in_quiet,
        in_none=alerts - in_told - in_quiet,
        earlier=earlier,
    )


def _outcome(run: Run, phase: str, placed: int) -> Outcome:
    majorities = {(each.majority, each.woken) for each in run.incidents}
    if (phase, True) in majorities:
        return "told"
    if (phase, False) in majorities:
        return "quiet"
    return "mixed" if placed else "habit"


def _earlier(scenario: Scenario) -> dict[str, int]:
    """How often the rarest kind at its place of each phase came before that phase began."""
    seen: Counter[Pair] = Counter()
    before: dict[str, Counter[Pair]] = {}
    rarest: dict[str, int] = {}
    for labels, phase in zip(scenario.labels, scenario.phases, strict=True):
        pair = (labels["alertname"], labels.get("host", ""))
        if phase:
            if phase not in before:
                before[phase] = seen.copy()
            known = before[phase]
            rarest[phase] = min(rarest.get(phase, known[pair]), known[pair])
        seen[pair] += 1
    return rarest
