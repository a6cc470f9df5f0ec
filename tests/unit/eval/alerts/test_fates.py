"""What is said of a phase that nobody was told of."""

from __future__ import annotations

from sre_copilot.eval.alerts.dataset import Scenario
from sre_copilot.eval.alerts.fates import fates
from sre_copilot.eval.alerts.told import Incident, Run

PHASES = ("", "", "scan", "scan", "login", "", "leak")
NAMES = ("Login", "Login", "Probe", "Probe", "Login", "Probe", "Probe")
SITE = Scenario("site", range(7), [{"alertname": each, "host": "a"} for each in NAMES], PHASES)


def incident(*, woken: bool, **phases: int) -> Incident:
    found = Incident("i", woken=woken)
    found.phases.update({name.strip("_"): count for name, count in phases.items()})
    return found


def test_each_phase_is_told_listed_mixed_or_habit() -> None:
    run = Run("site", 7, (incident(woken=True, scan=1), incident(woken=False, scan=1)))
    assert [each.outcome for each in fates(SITE, run)] == ["told", "habit", "habit"]
    mixed = Run("site", 7, (incident(woken=True, _=2, scan=2), incident(woken=False, leak=1)))
    assert [each.outcome for each in fates(SITE, mixed)] == ["mixed", "habit", "quiet"]


def test_its_alerts_are_counted_by_where_they_went() -> None:
    run = Run("site", 7, (incident(woken=True, scan=1), incident(woken=False, leak=1)))
    found = [(each.alerts, each.in_told, each.in_quiet, each.in_none) for each in fates(SITE, run)]
    assert found == [(2, 1, 0, 1), (1, 0, 0, 1), (1, 0, 1, 0)]


def test_how_usual_a_phase_was_is_what_came_before_it_began() -> None:
    assert [each.earlier for each in fates(SITE, Run("site", 7, ()))] == [0, 2, 3]
