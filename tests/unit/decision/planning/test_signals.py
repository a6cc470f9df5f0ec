"""The signals by which a repair is judged."""

from __future__ import annotations

from typing import Any

from tests.unit.decision.planning.given import ONSET, TOPOLOGY, fault

from sre_copilot.decision.planning.signals import neighbour_checks, recovery_checks, without_instances
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.signals import Window

NOW = Window(ONSET, ONSET + 100.0)
WHERE = (("service", "billing"), ("instance", "billing-1"), ("metric", "cpu"))


def query(
    source: Any = "metrics",
    measure: str = "value",
    *,
    where: Any = WHERE,
    window: Window | None = NOW,
    origin: Any = "incident",
) -> Query:
    return Query(source=source, measure=measure, where=where, window=window, origin=origin)


def finding(*checks: Check, modality: Any = "metrics", weight: float = 2.0) -> Finding:
    return Finding(kind="metric.level", entity="billing", modality=modality, weight=weight, checks=checks)


def pair(bound: float = 0.5) -> tuple[Check, Check]:
    before = query(window=None, origin="reference")
    return (
        Check(query=query(), aggregate="median", relation=">=", bound=bound),
        Check(query=before, aggregate="median", relation="<=", bound=bound),
    )


def nothing(check: Check) -> float | None:
    return None


def test_the_statement_about_the_fault_is_turned_round_with_its_bound() -> None:
    told = finding(*pair())
    (found,) = recovery_checks(fault(findings=(told,)), {told.id: (0.9, 0.1)}, nothing)
    assert (found.role, found.relation, found.bound, found.observed, found.where) == (
        "recovery",
        "<",
        0.5,
        0.9,
        WHERE,
    )


def test_without_a_word_on_how_it_was_before_there_is_no_bound_and_no_check() -> None:
    alone = finding(pair()[0])
    assert recovery_checks(fault(findings=(alone,)), {}, nothing) == ()


def test_a_share_of_errors_is_to_come_back_to_what_it_was() -> None:
    errors = Check(query=query("traces", "error"), aggregate="mean", relation=">=", bound=0.5)
    told = finding(errors, modality="traces")
    (found,) = recovery_checks(fault(findings=(told,)), {told.id: (1.0,)}, lambda check: 0.02)
    assert (found.relation, round(found.bound, 3)) == ("<", 0.07)


def test_lines_that_came_with_the_fault_are_a_rate_whatever_the_window() -> None:
    lines = query("logs", "rows")
    before = query("logs", "rows", window=None, origin="reference")
    told = finding(
        Check(query=lines, aggregate="count", relation=">=", bound=80.0),
        Check(query=before, aggregate="count", relation="<=", bound=0.5),
        modality="logs",
    )
    (found,) = recovery_checks(fault(findings=(told,)), {told.id: (100.0, 0.0)}, nothing)
    assert (found.aggregate, found.relation, found.bound, found.observed) == ("rate", "<", 0.4, 1.0)


def test_what_has_fallen_silent_is_to_be_heard_again() -> None:
    told = finding(
        Check(query=query(), aggregate="count", relation="==", bound=0.0),
        Check(query=query(window=None, origin="reference"), aggregate="count", relation=">=", bound=40.0),
    )
    (found,) = recovery_checks(fault(findings=(told,)), {}, nothing)
    assert (found.aggregate, found.relation, found.bound) == ("count", ">", 0.0)


def test_a_state_or_a_change_is_no_signal_that_can_be_watched() -> None:
    seen = Check(query=query("state", "rows"), aggregate="count", relation=">=", bound=1.0)
    assert recovery_checks(fault(findings=(finding(seen, modality="state"),)), {}, nothing) == ()


def test_a_neighbour_that_is_well_is_guarded_and_one_that_suffers_must_recover() -> None:
    def measure(check: Check) -> float | None:
        suffers = dict(check.query.where)["service"] == "entry" and check.query.origin == "incident"
        if check.query.measure == "error":
            return 0.4 if suffers else 0.01
        return 10.0

    found = neighbour_checks(fault(), TOPOLOGY, measure)
    roles = {(each.entity, each.measure): each.role for each in found}
    assert roles[("entry", "error")] == "recovery"
    assert roles[("cart", "error")] == roles[("cart", "duration_ms")] == "guard"
    assert {each.bound for each in found if each.measure == "duration_ms"} == {20.0}


def test_of_a_neighbour_that_cannot_be_measured_nothing_is_demanded() -> None:
    assert neighbour_checks(fault(), TOPOLOGY, nothing) == ()


def test_instances_that_a_repair_replaces_are_not_looked_for_afterwards() -> None:
    told = finding(*pair())
    found = recovery_checks(fault(findings=(told,)), {}, nothing)
    assert without_instances(found, ["process"]) == found
    (over_all,) = without_instances(found, ["Deployment"])
    assert ("instance", "billing-1") not in over_all.where
    assert over_all.aggregate == "p90"
