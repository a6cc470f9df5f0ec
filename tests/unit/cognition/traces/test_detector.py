"""The trace detector on an invented shop: what is planted is found, on whom it was planted."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from tests.unit.cognition.traces.span_shop import END, ONSET, START, Fault, observation, spans

from sre_copilot.cognition.traces.detector import detect
from sre_copilot.cognition.traces.onset import find_onset
from sre_copilot.cognition.traces.spans import read_spans
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation
from sre_copilot.evidence.evaluator import Evaluator

FAULTS = {
    "way": Fault(way_to_till=300),
    "slow": Fault(till_itself=200),
    "fails": Fault(till_fails=True),
    "skips": Fault(desk_skips_store=True),
    "silent": Fault(till_silent=True),
}


def strongest(observed: Observation) -> Finding:
    return detect(observed).findings[0]


@pytest.mark.parametrize(
    ("fault", "kinds", "entity"),
    [
        ("way", {"trace.edge_gap"}, "till"),
        ("slow", {"trace.self_time"}, "till"),
        ("silent", {"trace.unanswered"}, "till"),
        ("skips", {"trace.missing_call", "trace.stops_early"}, "desk"),
    ],
)
def test_a_planted_fault_is_the_strongest_finding(fault: str, kinds: set[str], entity: str) -> None:
    found = detect(observation(FAULTS[fault])).findings
    named = [each for each in found if each.kind in kinds and each.entity == entity]
    assert named
    assert named[0].weight >= 1.5
    assert all(each.weight <= named[0].weight for each in found if each.entity != entity)


def test_errors_are_found_where_they_begin_and_not_where_they_are_passed_on() -> None:
    findings = detect(observation(FAULTS["fails"])).findings
    assert {each.entity for each in findings if each.kind == "trace.errors"} == {"till"}
    assert "till" in {each.entity for each in findings if each.kind == "trace.stops_after"}


def test_a_time_without_fault_gives_no_strong_finding() -> None:
    assert all(each.weight < 1.0 for each in detect(observation()).findings)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_check_of_every_finding_holds_on_the_raw_tables(fault: str) -> None:
    observed = observation(FAULTS[fault])
    evaluator = Evaluator(observed)
    for finding in detect(observed).findings:
        assert finding.checks
        for check in finding.checks:
            assert evaluator.evaluate(check).holds, (finding.kind, check)


@pytest.mark.parametrize("told", [ONSET - 50, ONSET + 50, None])
def test_an_onset_that_was_told_wrongly_or_not_at_all_changes_no_verdict(told: float | None) -> None:
    found = strongest(observation(FAULTS["way"], told=told))
    assert (found.kind, found.entity) == ("trace.edge_gap", "till")


def test_the_onset_is_placed_within_seconds() -> None:
    read = read_spans(spans(START, END, fault=FAULTS["way"]))
    assert read is not None
    onset = find_onset(read, ONSET + 40)
    assert onset is not None
    assert onset.sure
    assert abs(onset.at - ONSET) <= 5


def test_without_any_change_the_told_onset_is_kept_and_called_unsure() -> None:
    read = read_spans(spans(START, END))
    assert read is not None
    onset = find_onset(read, ONSET)
    assert onset is not None
    assert not onset.sure
    assert onset.at == ONSET


def test_a_recording_that_begins_after_the_fault_is_compared_with_the_reference() -> None:
    observed = observation(FAULTS["way"])
    late = observed.current.traces.filter(pl.col("start_ns") > int((ONSET + 5) * 1e9))
    found = strongest(replace(observed, current=replace(observed.current, traces=late)))
    assert (found.kind, found.entity) == ("trace.edge_gap", "till")


def test_the_order_of_rows_does_not_matter() -> None:
    observed = observation(FAULTS["fails"])
    shuffled = observed.current.traces.sample(fraction=1.0, shuffle=True, seed=5)
    again = replace(observed, current=replace(observed.current, traces=shuffled))
    assert [each.id for each in detect(again).findings] == [each.id for each in detect(observed).findings]


def test_other_names_change_no_weight() -> None:
    observed = observation(FAULTS["way"])
    names = {"gate": "zz", "desk": "mm", "till": "aa", "store": "qq"}
    renamed = replace(
        observed,
        current=replace(
            observed.current, traces=observed.current.traces.with_columns(pl.col("service").replace(names))
        ),
        reference=replace(
            observed.reference,
            traces=observed.reference.traces.with_columns(pl.col("service").replace(names)),
        ),
    )
    before = sorted(
        (names[each.entity], each.kind, round(each.weight, 9)) for each in detect(observed).findings
    )
    assert before == sorted(
        (each.entity, each.kind, round(each.weight, 9)) for each in detect(renamed).findings
    )


def test_no_spans_are_a_gap_and_no_finding() -> None:
    observed = observation()
    detection = detect(replace(observed, current=replace(observed.current, traces=None)))
    assert detection.findings == ()
    assert [gap.message.key for gap in detection.gaps] == ["gap.traces_absent"]


def test_a_missing_reference_is_said() -> None:
    detection = detect(replace(observation(FAULTS["way"]), reference=None))
    assert "gap.traces_reference_absent" in {gap.message.key for gap in detection.gaps}
    assert detection.findings[0].entity == "till"


def test_spans_whose_parent_is_absent_or_is_itself_are_read() -> None:
    table = spans(START, END).with_columns(
        pl.when(pl.col("span_id") == "c").then(pl.lit("lost")).otherwise("parent_id").alias("parent_id")
    )
    table = table.with_columns(
        pl.when(pl.col("span_id") == "a").then(pl.lit("a")).otherwise("parent_id").alias("parent_id")
    )
    read = read_spans(table)
    assert read is not None
    assert ("gate", "desk") not in read.edges
    assert ("desk", "till") in read.edges
