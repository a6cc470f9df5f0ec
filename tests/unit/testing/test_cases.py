from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from sre_copilot.domain.faults import FAULT_TYPES as VOCABULARY
from sre_copilot.testing.cases import FAULT_TYPES, FAULTS, ONSET, Case, Fault, build_case
from sre_copilot.testing.recording_contract import assert_same
from sre_copilot.testing.shop import CALLS


@pytest.fixture(scope="module")
def cases() -> dict[Fault, Case]:
    return {fault: build_case(fault, requests_per_second=0.3) for fault in FAULTS}


def split(table: pl.DataFrame, time: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    limit = ONSET * (1 if time == "ts" else 10**9)
    return table.filter(pl.col(time) < limit), table.filter(pl.col(time) >= limit)


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    folders = [build_case("cpu", seed=seed).write(tmp_path / str(at)) for at, seed in enumerate((3, 3, 4))]
    one, twin, other = ((folder / "traces.parquet").read_bytes() for folder in folders)
    assert one == twin != other


def test_a_cpu_fault_shows_in_the_culprits_cpu_alone(cases: dict[Fault, Case]) -> None:
    cpu = cases["cpu"].tables["metrics"].filter(pl.col("metric") == "cpu_percent")
    before, after = (part.group_by("service").agg(pl.col("value").median()) for part in split(cpu, "ts"))
    rise = before.join(after, on="service").with_columns(rise=pl.col("value_right") - pl.col("value"))
    assert rise.filter(pl.col("rise") > 10)["service"].to_list() == ["order"]


def test_a_network_delay_shows_between_client_and_server_span(cases: dict[Fault, Case]) -> None:
    spans = cases["network_delay"].tables["traces"]
    pairs = spans.join(spans, left_on=["trace_id", "parent_id"], right_on=["trace_id", "span_id"]).filter(
        (pl.col("kind") == "server") & (pl.col("service") == "order")
    )
    gap = (pl.col("duration_us_right") - pl.col("duration_us")).median() / 1000
    before, after = (part.select(gap).item() for part in split(pairs, "start_ns"))
    assert before < 5
    assert after > 150


def test_a_missing_step_shows_in_calls_and_in_a_line_that_vanishes(cases: dict[Fault, Case]) -> None:
    tables = cases["missing_step"].tables
    before, after = split(tables["logs"].filter(pl.col("message") == "order step stock done"), "ts_ns")
    assert before.height > 10
    assert after.height == 0
    assert split(tables["traces"].filter(pl.col("operation") == "call stock"), "start_ns")[1].height == 0
    assert (tables["traces"]["status"] == "ok").all()


def test_an_exception_shows_in_an_error_line_that_is_new_and_in_failing_orders(
    cases: dict[Fault, Case],
) -> None:
    tables = cases["exception"].tables
    before, after = split(tables["logs"].filter(pl.col("message").str.contains("unexpected state")), "ts_ns")
    assert (before.height, set(after["service"])) == (0, {"order"})
    failed = tables["transactions"].filter(pl.col("success") < pl.col("count"))
    assert failed["ts"].min() >= ONSET - 60  # type: ignore[operator]


def test_without_a_fault_nothing_fails_and_the_truth_names_nobody(cases: dict[Fault, Case]) -> None:
    assert (cases["none"].tables["traces"]["status"] == "ok").all()
    assert cases["none"].truth == {"service": None, "fault_type": None}
    assert set(FAULT_TYPES.values()) - {None} <= set(VOCABULARY)


def test_renaming_gives_the_same_incident_with_other_names(cases: dict[Fault, Case]) -> None:
    names = {service: f"svc-{at}-{service[::-1]}" for at, service in enumerate(CALLS)}
    back = {new: old for old, new in names.items()}
    renamed = cases["exception"].renamed(names)
    assert set(renamed.tables["traces"]["service"].unique()) == set(back)
    assert renamed.truth["service"] == names["order"]
    assert not renamed.tables["logs"]["message"].str.contains("order").any()
    assert_same(renamed.renamed(back).observation(), cases["exception"].observation())


def test_leaving_a_table_out_also_leaves_out_its_announcement(cases: dict[Fault, Case]) -> None:
    seen = cases["cpu"].without("logs", "topology").without_baseline().observation()
    assert (seen.current.logs, seen.reference, seen.topology.edges, seen.gaps) == (None, None, (), ())
