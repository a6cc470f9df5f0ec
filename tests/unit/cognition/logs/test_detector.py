"""What the log detector finds in the invented shop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cognition.logs.shop import (
    ONSET,
    SCHEMA,
    Request,
    Row,
    changing,
    healthy,
    observe,
    reference,
    table,
)

from sre_copilot.cognition.logs.detector import detect
from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.topology import Topology


def skips_a_step(request: Request) -> Iterator[Row]:
    """The shelf no longer says that it found the item, and goes on with something else."""
    for row in healthy(request):
        if "Shelf#34" not in row[2]:
            yield row
        else:
            yield ("shelf", "ERROR", f"Shelf#37 no item {request.number * 7} on any shelf")


def raises(request: Request) -> Iterator[Row]:
    """The till raises after it began to charge; the door reports it."""
    for row in healthy(request):
        if "Till#11" in row[2]:
            yield ("till", "ERROR", "Till#99 IllegalStateException: amount without currency")
            yield ("door", "ERROR", f"Door.java:77 order {request.number} failed: till answered 500")
            return
        yield row


def is_refused(request: Request) -> Iterator[Row]:
    """The door cannot reach the shelf."""
    yield next(healthy(request))
    yield ("door", "ERROR", "Door.java:70 connection refused by shelf")


def is_silent_at_the_till(request: Request) -> Iterator[Row]:
    """The till is called and writes nothing; the door goes on."""
    yield from (row for row in healthy(request) if row[0] != "till")


def strongest(observation: Observation) -> Finding:
    return detect(observation).findings[0]


def holds(check: Check, observation: Observation) -> bool:
    left = rows(check.query, observation)
    value = left / rows(check.against, observation) if check.against else left
    return value <= check.bound if check.relation == "<=" else value >= check.bound


def rows(query: Query, observation: Observation) -> int:
    telemetry = observation.current if query.origin == "incident" else observation.reference
    assert telemetry is not None
    assert telemetry.logs is not None
    found = telemetry.logs
    for word, value in query.where:
        found = found.filter(
            pl.col("message").str.contains(value) if word == "pattern" else pl.col(word) == value
        )
    if query.window:
        seconds = pl.col("ts_ns") / 1e9
        found = found.filter((seconds >= query.window.start) & (seconds < query.window.end))
    return found.height


@pytest.mark.parametrize("shift", [-60, 0, 60])
def test_a_step_that_stops_accuses_its_own_service_wherever_the_onset_is_put(shift: float) -> None:
    finding = strongest(observe(changing(skips_a_step), reference(), onset=ONSET + shift))
    assert (finding.kind, finding.entity, finding.fault_type) == (
        "log.vanished",
        "shelf",
        "code/missing-step",
    )
    assert finding.weight >= 4
    assert finding.window is not None
    assert abs(finding.window.start - ONSET) < 2


def test_a_step_missing_from_the_start_of_the_recording_is_found_by_the_reference() -> None:
    current = table(skips_a_step, start=ONSET - 50, end=ONSET + 100)
    assert strongest(observe(current, reference())).entity == "shelf"


def test_an_exception_accuses_the_service_that_raised_and_not_the_one_that_reports_it() -> None:
    findings = detect(observe(changing(raises), reference())).findings
    assert (findings[0].entity, findings[0].fault_type) == ("till", "code/exception")
    assert findings[0].weight >= 4
    assert all(finding.weight <= 0.5 for finding in findings if finding.entity == "door")


def is_refused_in_all_its_requests(request: Request) -> Iterator[Row]:
    """The door cannot reach the shelf, and says which service it could not reach."""
    yield next(healthy(request))
    yield ("door", "ERROR", f"order {request.number} failed: shelf: ReadError")


def skips_and_is_missed(request: Request) -> Iterator[Row]:
    """The shelf leaves out its last step; the others go on, and the door leaves out its own last line."""
    yield from (row for row in healthy(request) if "Shelf#34" not in row[2] and "java:40" not in row[2])


def raises_below(request: Request) -> Iterator[Row]:
    """The till raises a new error, and its last step and the door's are missing."""
    yield from list(healthy(request))[:4]
    yield ("till", "ERROR", "Till#99 IllegalStateException: amount without currency")


def in_shop(observation: Observation) -> Observation:
    return replace(observation, topology=Topology.of([("door", "shelf"), ("door", "till")]))


def test_a_line_that_names_a_dependency_speaks_of_that_and_never_decides_alone() -> None:
    observation = in_shop(observe(changing(is_refused_in_all_its_requests), reference()))
    named = [each for each in detect(observation).findings if each.kind == "log.failed_dependency"]
    assert [(each.entity, each.related, each.fault_type) for each in named] == [
        ("shelf", ("door",), "network/reset")
    ]
    assert named[0].weight < 1.0
    assert all(holds(check, observation) for check in named[0].checks)


def test_of_two_steps_missing_in_the_same_requests_the_first_is_the_cause() -> None:
    findings = detect(in_shop(observe(changing(skips_and_is_missed), reference()))).findings
    weights = {each.entity: each.weight for each in findings if each.kind.startswith("log.vanished")}
    assert weights["shelf"] >= 4
    assert weights["door"] <= 0.25 * weights["shelf"]
    first = next(each for each in findings if each.entity == "shelf")
    assert first.fault_type == "code/missing-step"


def test_a_step_that_is_missing_because_a_callee_raised_is_an_effect() -> None:
    findings = detect(in_shop(observe(changing(raises_below), reference()))).findings
    assert findings[0].entity == "till"
    assert all(each.weight < 1.5 for each in findings if each.entity == "door")


def test_a_warning_that_always_comes_is_a_step_like_any_other() -> None:
    def warns(request: Request, *, broken: bool = False) -> Iterator[Row]:
        for row in healthy(request):
            if not (broken and row[0] == "till" and "Till#8" not in row[2]):
                yield row
            if "Till#8" in row[2] and not broken:
                yield ("till", "WARN", "Till#9 rounding")

    current = pl.concat(
        [
            table(warns, start=ONSET - 60, end=ONSET),
            table(lambda request: warns(request, broken=True), start=ONSET, end=ONSET + 120),
        ]
    )
    finding = strongest(observe(current, reference(warns)))
    assert (finding.entity, finding.kind) == ("till", "log.vanished")


def test_the_other_side_of_one_event_does_not_count_twice() -> None:
    findings = detect(observe(changing(raises), reference())).findings
    assert sum(finding.weight for finding in findings if finding.entity == "till") <= 6.5


def test_a_new_error_beside_unchanged_steps_is_found() -> None:
    def warns_of_price(request: Request) -> Iterator[Row]:
        for row in healthy(request):
            yield row
            if "Till#8" in row[2]:
                yield ("till", "ERROR", f"Till#9 no price for {request.number}, using the last one")

    finding = strongest(observe(changing(warns_of_price), reference()))
    assert (finding.kind, finding.entity) == ("log.new_error", "till")
    assert finding.weight >= 3


def test_complaints_about_a_dependency_hardly_accuse_the_one_who_complains() -> None:
    findings = detect(observe(changing(is_refused), reference())).findings
    complaint = next(finding for finding in findings if finding.kind == "log.dependency_error")
    assert (complaint.entity, complaint.fault_type) == ("door", "network/reset")
    assert max(finding.weight for finding in findings) <= 1.5


def test_spans_tell_a_service_that_fails_at_once_from_one_that_is_not_called() -> None:
    current = changing(is_silent_at_the_till)
    ids = current["trace_id"].unique().sort()
    spans = pl.DataFrame({"trace_id": ids, "service": ["till"] * len(ids)}).with_columns(
        span_id=pl.lit("a"), parent_id=pl.lit("")
    )
    called = strongest(observe(current, reference(), traces=spans))
    assert (called.entity, called.kind) == ("till", "log.vanished")
    skipped = strongest(observe(current, reference(), traces=spans.with_columns(service=pl.lit("shelf"))))
    assert (skipped.entity, skipped.kind) == ("shelf", "log.call_skipped")
    assert skipped.weight < called.weight


def test_fault_free_logs_bring_no_finding() -> None:
    current = table(healthy, start=ONSET - 60, end=ONSET + 120)
    detection = detect(observe(current, reference()))
    assert detection.findings == ()
    assert detection.gaps == ()


def test_load_that_halves_or_doubles_is_no_finding() -> None:
    for every in (0.5, 2.0):
        current = pl.concat(
            [
                table(healthy, start=ONSET - 60, end=ONSET),
                table(healthy, start=ONSET, end=ONSET + 120, every=every),
            ]
        )
        assert detect(observe(current, reference())).findings == ()


def test_a_kind_of_request_that_is_no_longer_asked_accuses_nobody() -> None:
    def both(request: Request) -> Iterator[Row]:
        if request.number % 2:
            return healthy(request)
        return iter([("door", "INFO", "Door.java:50 list"), ("shelf", "INFO", "Shelf#60 listing rows")])

    current = pl.concat(
        [table(both, start=ONSET - 60, end=ONSET), table(healthy, start=ONSET, end=ONSET + 120)]
    )
    assert all(finding.weight < 2 for finding in detect(observe(current, reference(both))).findings)


def test_an_error_that_normal_time_knows_as_well_is_no_finding() -> None:
    assert detect(observe(table(raises, start=ONSET - 60, end=ONSET + 120), reference(raises))).findings == ()


def test_lines_outside_requests_are_judged_by_the_volume_of_their_service() -> None:
    def without_receipt(request: Request) -> Iterator[Row]:
        return (row for row in healthy(request) if "Till#11" not in row[2])

    finding = strongest(observe(changing(without_receipt, traced=False), reference(traced=False)))
    assert (finding.kind, finding.entity) == ("log.stopped", "till")
    assert finding.weight <= 2.5


def test_a_new_error_outside_requests_is_found() -> None:
    def full(request: Request) -> Iterator[Row]:
        yield from healthy(request)
        yield ("till", "ERROR", "journal: No space left on device")

    findings = detect(observe(changing(full, traced=False), reference(traced=False))).findings
    assert ("log.new_background_error", "till", "resource/disk") in {
        (finding.kind, finding.entity, finding.fault_type) for finding in findings
    }


def test_a_service_that_falls_silent_while_the_others_go_on_is_noted() -> None:
    def ticking(request: Request) -> Iterator[Row]:
        return iter([("till", "INFO", "tick"), ("door", "INFO", "open"), ("door", "INFO", "shut")])

    def tillless(request: Request) -> Iterator[Row]:
        return (row for row in ticking(request) if row[0] != "till")

    current = pl.concat(
        [
            table(ticking, start=ONSET - 60, end=ONSET, every=2.0, traced=False),
            table(tillless, start=ONSET, end=ONSET + 120, every=2.0, traced=False),
        ]
    )
    normal = table(ticking, start=ONSET - 3600, end=ONSET - 3420, every=2.0, traced=False)
    assert ("log.silent", "till") in {
        (finding.kind, finding.entity) for finding in detect(observe(current, normal)).findings
    }


def test_the_own_past_serves_when_there_is_no_reference() -> None:
    current = pl.concat(
        [
            table(healthy, start=ONSET - 400, end=ONSET),
            table(skips_a_step, start=ONSET, end=ONSET + 120),
        ]
    )
    observation = observe(current, None)
    finding = strongest(observation)
    assert (finding.entity, finding.kind) == ("shelf", "log.vanished")
    assert all(holds(check, observation) for check in finding.checks)


@pytest.mark.parametrize(
    ("current", "normal", "key"),
    [
        (None, reference(), "gap.logs_absent"),
        (pl.DataFrame(schema=SCHEMA), reference(), "gap.logs_absent"),
        (reference().with_columns(ts_ns=pl.lit(None, pl.Int64)), reference(), "gap.logs_times_absent"),
        (reference().select("service", "message"), None, "gap.logs_times_absent"),
        (changing(healthy), None, "gap.logs_reference_absent"),
        (changing(healthy), pl.DataFrame(schema=SCHEMA), "gap.logs_reference_absent"),
    ],
)
def test_what_cannot_be_compared_is_a_gap_and_no_finding(
    current: pl.DataFrame | None, normal: pl.DataFrame | None, key: str
) -> None:
    detection = detect(observe(current, normal))
    assert detection.findings == ()
    assert [gap.message.key for gap in detection.gaps] == [key]


@pytest.mark.parametrize("after", [skips_a_step, raises, is_refused, is_silent_at_the_till])
def test_every_check_holds_here_and_none_holds_without_the_fault(after: object) -> None:
    current = changing(after)  # type: ignore[arg-type]
    observation = observe(current, reference())
    quiet = observe(table(healthy, start=ONSET - 60, end=ONSET + 120), reference())
    findings = detect(observation).findings
    assert findings
    for finding in findings:
        assert all(holds(check, observation) for check in finding.checks)
        assert not all(holds(check, quiet) for check in finding.checks)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    current, normal = changing(raises), reference()
    shuffled = observe(
        current.sample(fraction=1.0, shuffle=True, seed=seed),
        normal.sample(fraction=1.0, shuffle=True, seed=seed + 1),
    )
    assert detect(shuffled) == detect(observe(current, normal))


@settings(max_examples=8, deadline=None)
@given(st.permutations(["door", "shelf", "till"]))
def test_names_of_services_do_not_matter(names: list[str]) -> None:
    renamed = dict(zip(["door", "shelf", "till"], names, strict=True))

    def rename(logs: pl.DataFrame) -> pl.DataFrame:
        return logs.with_columns(pl.col("service").replace(renamed))

    plain = detect(observe(changing(raises), reference())).findings
    other = detect(observe(rename(changing(raises)), rename(reference()))).findings
    assert [(renamed[each.entity], each.weight) for each in plain] == [
        (each.entity, each.weight) for each in other
    ]


def test_lines_after_the_fault_do_not_change_when_it_began() -> None:
    longer = strongest(observe(changing(skips_a_step, seconds=200), reference()))
    shorter = strongest(observe(changing(skips_a_step, seconds=100), reference()))
    assert longer.window is not None
    assert shorter.window is not None
    assert longer.window.start == shorter.window.start


def test_a_fault_that_ends_before_the_recording_is_still_found() -> None:
    current = pl.concat(
        [
            changing(skips_a_step, seconds=100),
            table(healthy, start=ONSET + 100, end=ONSET + 300),
        ]
    )
    finding = strongest(observe(current, reference()))
    assert finding.entity == "shelf"
    assert finding.window is not None
    assert abs(finding.window.end - (ONSET + 100)) < 2
