"""A recording becomes a folder of the case format."""

import json
from pathlib import Path

import polars as pl
import pytest

pytest.importorskip("opentelemetry.proto", reason="the `lab` extra is not installed")

from lab.case import SCHEMAS, Recording, Truth, table, write_case, write_tables
from lab.complaint import first


def _metric(ts: int, metric: str, value: float) -> dict[str, object]:
    return {"ts": ts, "service": "gateway", "instance": "gateway-1", "metric": metric, "value": value}


def _recording(*, failing_from: int = 160) -> Recording:
    metrics = [
        row
        for ts in range(100, 200, 2)
        for row in (
            _metric(ts, "http_error_ratio", 0.4 if ts >= failing_from else 0.0),
            _metric(ts, "http_latency_p95_seconds", 0.02),
        )
    ]
    span = {"trace_id": "a", "span_id": "b", "parent_id": "", "service": "gateway", "instance": "gateway-1",
            "operation": "GET /", "start_ns": 150 * 10**9, "duration_us": 5, "kind": "server", "status": "ok"}  # fmt: skip
    order = {
        "ts": 150,
        "service": "gateway",
        "channel": "web",
        "count": 4,
        "success": 4,
        "amount": 9.0,
        "latency_ms": None,
    }
    tables = {
        "metrics": table("metrics", metrics),
        "logs": table("logs", []),
        "traces": table("traces", [span]),
        "transactions": table("transactions", [order]),
    }
    change = {
        "ts": 120.5,
        "service": "cart",
        "kind": "deploy",
        "text": "cart 2 rolled out",
        "detail": {"to": "2"},
    }
    return Recording(100, 200, tables, (change,))


def test_a_case_holds_every_file_with_the_documented_columns(tmp_path: Path) -> None:
    facts = write_case(_recording(), tmp_path / "case-1", at=158, truth=Truth("cart", "resource/cpu"))
    for name, schema in SCHEMAS.items():
        assert dict(pl.read_parquet_schema(tmp_path / "case-1" / f"{name}.parquet")) == schema
    stored = json.loads((tmp_path / "case-1" / "case.json").read_text())
    assert stored["id"] == "case-1"
    assert stored["set"] == "lab"
    assert stored["window"] == [100, 200]
    assert stored["alert"] == {"node": "gateway", "metric": "availability", "timestamp": 162}
    assert facts["noticed"]
    assert ["gateway", "cart"] in json.loads((tmp_path / "case-1" / "topology.json").read_text())["edges"]


def test_the_answer_stands_in_the_truth_file_alone(tmp_path: Path) -> None:
    write_case(_recording(), tmp_path / "case-1", at=158, truth=Truth("cart", "resource/cpu"))
    assert json.loads((tmp_path / "case-1" / "truth.json").read_text()) == {
        "service": "cart",
        "fault_type": "resource/cpu",
    }
    assert "resource/cpu" not in (tmp_path / "case-1" / "case.json").read_text()


def test_without_a_fault_the_truth_says_so() -> None:
    assert Truth().document() == {"no_fault": True, "service": None, "fault_type": None}


def test_a_cut_keeps_only_its_own_time() -> None:
    part = _recording().cut(140, 160)
    assert part.tables["metrics"]["ts"].min() == 140
    assert part.tables["metrics"]["ts"].max() == 158
    assert part.tables["traces"].height == 1
    assert part.changes == ()


def test_a_baseline_has_tables_and_no_case_file(tmp_path: Path) -> None:
    write_tables(_recording(), tmp_path)
    assert not (tmp_path / "case.json").exists()
    assert json.loads((tmp_path / "changes.json").read_text())[0]["service"] == "cart"


def test_nobody_complains_where_nothing_crossed_a_limit() -> None:
    recording = _recording(failing_from=1000)
    alert = first(recording.tables["metrics"], recording.tables["transactions"], 158)
    assert alert == {"node": "gateway", "metric": "latency", "timestamp": 188, "noticed": False}


def test_open_orders_are_a_complaint_even_when_every_answer_was_fast_and_well() -> None:
    recording = _recording(failing_from=1000)
    orders = pl.DataFrame({"ts": [150, 160, 170], "count": [9, 9, 9], "success": [9, 9, 4]})
    alert = first(recording.tables["metrics"], orders, 158)
    assert (alert["metric"], alert["timestamp"]) == ("availability", 180)
