"""The walk, on faults grafted onto an invented shop."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cognition.rca.grafting import AVAILABILITY, EDGES, LATENCY, LEVELS, STEP, fault_free, graft

from sre_copilot.cognition.detectors.golden_signals import detect
from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.cognition.rca.walk import localise
from sre_copilot.domain.incident import Complaint, Incident, Observation, Suspect
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.domain.topology import Topology

REFERENCE = fault_free(300, seed=1)
MONTHS = 10_000_000
WAITED_FOR = sorted(set(LEVELS) - {"robot", "mailer", "orders-balancer"})
WINDOW = Window(MONTHS, MONTHS + 5 * STEP)


def observe(
    metrics: pl.DataFrame, metric: str = "latency", *, entity: str = "portal", reference: bool = True
) -> Observation:
    """An observation of five rows, with a complaint about the portal."""
    incident = Incident(
        id="x", complaint=Complaint(entity=entity, metric=metric), onset=MONTHS, window=WINDOW
    )
    return Observation(
        incident=replace(incident, metric_interval_s=STEP),
        current=Telemetry(metrics=metrics),
        reference=Telemetry(metrics=REFERENCE) if reference else None,
        topology=Topology.of(EDGES),
    )


def calm(seed: int = 7, drift: float = 1.0) -> pl.DataFrame:
    """Five rows without a fault, recorded months after the reference."""
    return fault_free(5, seed=seed, start=MONTHS, drift=drift)


def walk(observation: Observation) -> Localisation:
    """Detect and localise."""
    found = localise(observation, detect(observation).findings)
    assert found is not None
    return found


def first(observation: Observation) -> Suspect:
    """The first suspect."""
    return walk(observation).suspects[0]


@pytest.mark.parametrize("culprit", WAITED_FOR)
@pytest.mark.parametrize("rows", [[2, 3], [1, 2, 3, 4], [3]])
def test_whoever_adds_the_waiting_is_the_first_suspect(culprit: str, rows: list[int]) -> None:
    suspect = first(observe(graft(calm(), culprit, rows, seconds=70.0)))
    assert suspect.entity == culprit
    assert suspect.score > 1
    assert suspect.fault_type == "degradation/latency"


@pytest.mark.parametrize("culprit", WAITED_FOR)
def test_whoever_loses_the_requests_is_the_first_suspect(culprit: str) -> None:
    suspect = first(observe(graft(calm(), culprit, [2, 3], failures=40.0), "availability"))
    assert suspect.entity == culprit
    assert suspect.fault_type == "degradation/availability"


@pytest.mark.parametrize("culprit", ["search-db", "billing"])
def test_failures_that_callers_partly_make_good_still_lead_to_their_source(culprit: str) -> None:
    metrics = graft(calm(), culprit, [2, 3], failures=60.0, lost_on_the_way=0.3)
    assert first(observe(metrics, "availability")).entity == culprit


def test_a_fault_that_lasts_all_window_is_seen_against_the_reference() -> None:
    assert first(observe(graft(calm(), "search", range(5), seconds=70.0))).entity == "search"


def test_a_deep_culprit_explains_all_who_wait_for_it() -> None:
    scores = {
        each.entity: each.score
        for each in walk(observe(graft(calm(), "search-db", [2, 3], seconds=70.0))).suspects
    }
    assert all(
        scores[caller] < 0.2 * scores["search-db"] for caller in ("search", "catalogue", "portal", "robot")
    )


def test_the_path_leads_from_the_suspect_along_the_calls_to_the_alerted_node() -> None:
    suspect = first(observe(graft(calm(), "search-db", [2, 3], seconds=70.0)))
    assert suspect.path == ("search-db", "search", "catalogue", "portal")
    assert suspect.finding_ids


def test_callers_of_the_alerted_node_are_never_blamed_for_it() -> None:
    metrics = graft(calm(), "catalogue", [2, 3], seconds=70.0)
    ranked = {each.entity: each.score for each in walk(observe(metrics, entity="catalogue")).suspects}
    assert ranked["catalogue"] > 1
    assert ranked["portal"] == ranked["robot"] == 0


def test_a_slow_node_that_nobody_waits_for_is_not_blamed() -> None:
    slow = (
        (pl.col("service") == "mailer")
        & (pl.col("metric") == LATENCY)
        & pl.col("ts").is_between(MONTHS + 600, MONTHS + 900)
    )
    metrics = graft(calm(), "orders", [2, 3], seconds=70.0)
    metrics = metrics.with_columns(
        pl.when(slow).then(pl.col("value") * 2).otherwise(pl.col("value")).alias("value")
    )
    assert first(observe(metrics)).entity == "orders"


def test_a_second_view_of_a_few_calls_does_not_outrank_the_node_itself() -> None:
    metrics = graft(calm(), "orders", [2, 3], seconds=70.0)
    view = graft(metrics, "orders-balancer", [2, 3], edges=(), seconds=5.0)
    assert first(observe(view)).entity == "orders"


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("metric", ["latency", "availability"])
def test_calm_windows_accuse_nobody_strongly(seed: int, metric: str) -> None:
    assert first(observe(calm(100 + seed), metric)).score < 2


def test_most_calm_windows_accuse_nobody_at_all() -> None:
    tops = [
        first(observe(calm(200 + seed), metric)).score
        for seed in range(20)
        for metric in ("latency", "availability")
    ]
    assert sum(top >= 1 for top in tops) <= 2


def test_a_drift_since_the_reference_does_not_hide_the_culprit() -> None:
    assert first(observe(graft(calm(drift=0.85), "billing", [2, 3], seconds=70.0))).entity == "billing"


def test_without_a_known_alerted_node_the_walk_starts_from_the_roots() -> None:
    metrics = graft(calm(), "billing", [2, 3], seconds=70.0)
    assert first(observe(metrics, "", entity="")).entity == "billing"
    assert first(observe(metrics, "", entity="unheard-of")).entity == "billing"


def test_a_node_that_is_called_for_the_first_time_leaves_the_blame_with_its_caller() -> None:
    metrics = graft(calm(), "orders", [2, 3], failures=40.0)
    ts = [MONTHS + STEP * row for row in range(5)]
    stranger = [
        (REQUESTS_OF_STRANGER, [0.0, 0.0, 40.0, 40.0, 0.0]),
        (AVAILABILITY, [100.0, 100.0, 0.0, 0.0, 100.0]),
    ]
    rows = [
        pl.DataFrame({"ts": ts, "service": "elsewhere", "instance": "", "metric": metric, "value": values})
        for metric, values in stranger
    ]
    observation = observe(pl.concat([metrics, *rows]), "availability")
    edges = (*EDGES, ("orders", "elsewhere"))
    assert first(replace(observation, topology=Topology.of(edges))).entity == "orders"


REQUESTS_OF_STRANGER = "requests.count"


def test_a_node_without_telemetry_is_passed_through() -> None:
    metrics = graft(calm(), "search-db", [2, 3], seconds=70.0).filter(pl.col("service") != "search")
    observation = observe(metrics)
    assert first(observation).path == ("search-db", "search", "catalogue", "portal")
    assert any(gap.message.key == "gap.golden_signals_absent" for gap in detect(observation).gaps)


def test_a_callee_too_slow_for_the_time_out_is_blamed_for_its_callers_failures() -> None:
    failing = graft(calm(), "orders", [2, 3], failures=40.0)
    slow = graft(failing, "billing", [2, 3], edges=(), seconds=200.0)
    assert first(observe(slow, "availability")).entity == "billing"


def test_findings_that_were_struck_out_carry_no_suspicion() -> None:
    observation = observe(graft(calm(), "billing", [2, 3], seconds=70.0))
    findings = [each for each in detect(observation).findings if each.entity != "billing"]
    found = localise(observation, findings)
    assert found is not None
    assert found.suspects[0].entity != "billing"
    nothing = localise(observation, [])
    assert nothing is not None
    assert {each.score for each in nothing.suspects} == {0.0}


def test_every_node_is_ranked_once_and_pseudo_nodes_never() -> None:
    metrics = pl.concat([calm(), calm().with_columns(service=pl.lit("_frontdoor"))])
    ranked = [each.entity for each in walk(observe(metrics)).suspects]
    assert sorted(ranked) == sorted(LEVELS)


def test_a_cycle_of_calls_does_no_harm() -> None:
    observation = observe(graft(calm(), "billing", [2, 3], seconds=70.0))
    looped = replace(observation, topology=Topology.of((*EDGES, ("ledger-db", "orders"))))
    assert first(looped).entity == "billing"


def test_without_a_reference_the_ranking_stands_and_the_evidence_is_thin() -> None:
    observation = observe(graft(calm(), "billing", [2, 3], seconds=140.0), reference=False)
    assert 0 < first(observation).score < 3
    assert first(observation).entity == "billing"


@pytest.mark.parametrize(
    "change",
    [
        lambda o: replace(o, topology=Topology()),
        lambda o: replace(o, current=Telemetry()),
        lambda o: replace(o, current=replace(o.current, state={"kubectl get pods": ""})),
        lambda o: replace(o, current=replace(o.current, traces=pl.DataFrame())),
        lambda o: replace(
            o, current=Telemetry(metrics=o.current.metrics.filter(pl.col("metric") == LATENCY))
        ),
    ],
)
def test_it_does_not_apply_where_something_else_says_more(change) -> None:  # type: ignore[no-untyped-def]
    observation = change(observe(calm()))
    assert localise(observation, ()) is None
    assert not detect(observation).findings


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.permutations(sorted(LEVELS)))
def test_neither_names_nor_the_order_of_rows_change_the_verdict(seed: int, shuffled: list[str]) -> None:
    names = {old: f"n{number}" for number, old in enumerate(shuffled)}
    metrics = graft(calm(), "search", [2, 3], seconds=70.0)
    plain, other = (
        observe(metrics),
        observe(_renamed(metrics, names).sample(fraction=1, shuffle=True, seed=seed)),
    )
    other = replace(
        other,
        incident=replace(other.incident, complaint=Complaint(entity=names["portal"], metric="latency")),
        reference=Telemetry(metrics=_renamed(REFERENCE, names)),
        topology=Topology.of((names[caller], names[callee]) for caller, callee in EDGES),
    )
    expected = {names[each.entity]: each.score for each in walk(plain).suspects}
    assert {each.entity: each.score for each in walk(other).suspects} == pytest.approx(
        expected, rel=1e-3, abs=1e-6
    )
    assert first(other).entity == names["search"]


def _renamed(metrics: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    return metrics.with_columns(pl.col("service", "instance").replace(names))


@settings(max_examples=8, deadline=None)
@given(st.floats(0.001, 1000.0))
def test_the_unit_of_latency_does_not_matter(scale: float) -> None:
    def scaled(metrics: pl.DataFrame) -> pl.DataFrame:
        value = pl.when(pl.col("metric") == LATENCY).then(pl.col("value") * scale).otherwise(pl.col("value"))
        return metrics.with_columns(value.alias("value"))

    observation = observe(scaled(graft(calm(), "billing", [2, 3], seconds=70.0)))
    assert first(replace(observation, reference=Telemetry(metrics=scaled(REFERENCE)))).entity == "billing"


def test_a_silent_callee_of_the_first_suspect_comes_next() -> None:
    metrics = graft(calm(), "search", [2, 3], seconds=70.0).filter(pl.col("service") != "search")
    assert [each.entity for each in walk(observe(metrics)).suspects[:2]] == ["catalogue", "search"]
