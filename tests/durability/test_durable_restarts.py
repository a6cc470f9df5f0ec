"""Durable runs on SQLite that end and begin again, are changed, and are forgotten."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.durable.waiting import settled

from sre_copilot.durable.port import Run
from sre_copilot.durable.runs import DbosDurable, sqlite_url
from sre_copilot.errors import DurableError
from sre_copilot.testing.durable_contract import fresh

pytestmark = pytest.mark.durability


def nap(run: Run, *, seconds: float) -> str:
    """Waits between two steps."""
    run.step("before", int)
    run.sleep(seconds)
    return str(run.step("after", str, "woken"))


def opened(folder: Path, **workflows: Any) -> DbosDurable:
    """Durable runs that have launched."""
    durable = DbosDurable(sqlite_url(folder))
    for name, workflow in workflows.items():
        durable.register(name, workflow)
    durable.launch()
    return durable


def test_runs_are_gone_on_with_by_the_next_start_and_their_waits_are_not_longer(tmp_path: Path) -> None:
    first, key = opened(tmp_path, nap=nap), fresh()
    first.start("nap", {"seconds": 3.0}, key=key)
    begun = time.time()
    while (state := first.state(key)) is None or state.status != "running":
        time.sleep(0.02)
    time.sleep(0.3)
    before = time.monotonic()
    first.close()
    assert time.monotonic() - before < 2.0
    second = opened(tmp_path, nap=nap)
    assert settled(second, key).result == "woken"
    assert second.executor != first.executor
    assert 3.0 <= time.time() - begun < 6.5
    second.close()


def test_what_was_in_flight_at_the_end_is_recorded_when_it_ends_within_a_second(tmp_path: Path) -> None:
    calls: list[str] = []
    begun = threading.Event()

    def slowly() -> None:
        begun.set()
        time.sleep(0.5)
        calls.append("done")

    def slow(run: Run) -> None:
        run.step("slow", slowly)

    first, key = opened(tmp_path, slow=slow), fresh()
    first.start("slow", {}, key=key)
    assert begun.wait(5)
    first.close()
    second = opened(tmp_path, slow=slow)
    assert settled(second, key).status == "succeeded"
    second.close()
    assert calls == ["done"]


def test_runs_of_an_unknown_workflow_are_left_alone_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    first, key = opened(tmp_path, **{"old.1": nap}), fresh()
    first.start("old.1", {"seconds": 60.0}, key=key)
    while (state := first.state(key)) is None or state.status != "running":
        time.sleep(0.02)
    first.close()
    second = opened(tmp_path, **{"old.2": nap})
    time.sleep(1.5)
    state = second.state(key)
    assert state is not None
    assert (state.status, state.workflow) == ("waiting", "old.1")
    assert second._sweep.say_unknown() == {"old.1"}
    second.close()
    assert "old.1" in capfd.readouterr().out + caplog.text


def test_a_changed_workflow_of_the_same_name_fails_and_does_nothing_else(tmp_path: Path) -> None:
    def changed(run: Run, *, seconds: float) -> str:
        return str(run.step("something else", str, seconds))

    first, key = opened(tmp_path, nap=nap), fresh()
    first.start("nap", {"seconds": 60.0}, key=key)
    time.sleep(2.0)
    first.close()
    second = opened(tmp_path, nap=changed)
    state = settled(second, key)
    assert state.status == "failed"
    assert "something else" in state.error
    second.close()


def test_ended_runs_are_forgotten_after_their_time_and_others_are_not(tmp_path: Path) -> None:
    durable, keys = opened(tmp_path, nap=nap), [fresh(), fresh()]
    durable.start("nap", {"seconds": 0.0}, key=keys[0])
    durable.start("nap", {"seconds": 60.0}, key=keys[1])
    settled(durable, keys[0])
    assert durable._sweep.forget(ended_before=time.time() - 60) == 0
    assert durable._sweep.forget(ended_before=time.time() + 60) == 1
    assert durable.state(keys[0]) is None
    assert durable.state(keys[1]) is not None
    durable.close()


def test_it_is_quiet_and_its_logger_has_no_console_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    durable, key = opened(tmp_path, nap=nap), fresh()
    durable.start("nap", {"seconds": 0.1}, key=key)
    settled(durable, key)
    durable.close()
    captured = capfd.readouterr()
    assert "dbos" not in (captured.out + captured.err).lower()
    assert not any(isinstance(each, logging.StreamHandler) for each in logging.getLogger("dbos").handlers)


def test_a_process_has_one_and_can_have_another_after_it(tmp_path: Path) -> None:
    first = opened(tmp_path / "a", nap=nap)
    with pytest.raises(DurableError, match="others have been launched in this process"):
        opened(tmp_path / "b", nap=nap)
    first.close()
    first.close()
    second, key = opened(tmp_path / "b", nap=nap), fresh()
    assert second.start("nap", {"seconds": 0.0}, key=key)
    assert settled(second, key).status == "succeeded"
    second.close()
    with pytest.raises(DurableError, match="launched before"):
        second.launch()


def test_a_database_that_cannot_be_opened_is_said_and_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "durable.sqlite").write_text("this is no database, and long enough to be seen as none" * 50)
    with pytest.raises(DurableError, match="cannot be begun: file is not a database"):
        opened(tmp_path, nap=nap)
    opened(tmp_path / "good", nap=nap).close()


def test_it_opens_no_connection_and_no_port(tmp_path: Path) -> None:
    program = """
        import sys
        seen = []
        sys.addaudithook(lambda name, given: seen.append((name, given)) if name.startswith("socket.") else None)
        from pathlib import Path
        import time
        from sre_copilot.durable.runs import DbosDurable, sqlite_url
        durable = DbosDurable(sqlite_url(Path(sys.argv[1])))
        durable.register("nothing.1", lambda run: run.step("nothing", int))
        durable.launch()
        durable.start("nothing.1", {}, key="k")
        while durable.state("k").status != "succeeded":
            time.sleep(0.05)
        durable.close()
        loud = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
        print([each for each in seen if each[0] in loud])
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout.strip(), done.stderr.strip()) == ("[]", "")
