"""A worker is killed while it investigates; the next one goes on, and everything is told once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sre_copilot.incidents.casework.voice import room_of
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.records import investigation_records
from sre_copilot.store.rooms import RoomStore

ROOT = Path(__file__).parents[2]
WITHIN_S = 120.0


def started(folder: Path, which: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.casework_worker", str(folder), which]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, text=True)


def there(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + WITHIN_S
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.integration
def test_an_investigation_is_gone_on_with_after_kill_9_and_told_once(tmp_path: Path) -> None:
    first = started(tmp_path, "first")
    try:
        there(tmp_path / "looking", first)
    finally:
        first.kill()
        first.wait()
    assert not (tmp_path / "posted").exists()
    second = started(tmp_path, "second")
    assert second.wait(WITHIN_S) == 0
    lines = (tmp_path / "posted").read_text(encoding="utf-8").splitlines()
    ((verb, told),) = [json.loads(line) for line in lines]
    assert (verb, told["outcome"], told["cause"]) == ("incident.diagnosis", "fault", "billing")
    database = Database(sqlite_url(tmp_path))
    (row,) = investigation_records(database).page().rows
    said = [each["text"] for each in RoomStore(database).messages(room_of("INC-1")).rows]
    database.close()
    assert row["id"] == told["investigation_id"]
    assert len(said) == len(set(said))
    assert said[-1].startswith("Cause: billing")
