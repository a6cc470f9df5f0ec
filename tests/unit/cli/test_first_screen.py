"""What `serve` says after its first tick."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sre_copilot.app.callers import LOCAL_ADMIN, first_name, person_in
from sre_copilot.app.serving import make_service
from sre_copilot.cli.account import caller
from sre_copilot.cli.first_screen import summary, tell_when_it_ticks
from sre_copilot.cli.serve import _announce
from sre_copilot.clock import TurnedClock
from sre_copilot.incidents.watch.status import LearningStatus, SourceStatus, WatchStatus
from sre_copilot.settings.document import Settings
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
STATUS = WatchStatus(
    started_at=NOW, ticks=1, last_tick_at=NOW, interval_seconds=60, series=16, learned=15, warming_up=1,
    sources=(SourceStatus(name="eu", kind="metrics", ok=True), SourceStatus(name="logs", kind="logs", ok=False, problem="no way")),
    learning=LearningStatus(state="done", series=15, days=7.0),
)  # fmt: skip


def test_it_says_what_is_judged_what_is_down_and_where_to_look(tmp_path: Path) -> None:
    path = tmp_path / "sre-copilot.yaml"
    lines = summary(STATUS, now=NOW, configuration=path, address="http://127.0.0.1:8000", lang="en")
    assert lines[0] == "series: 15 judged, 1 warming up"
    assert lines[2:4] == ["sources: 1 up, 1 down", "  logs: no way"]
    assert lines[4] == "next tick: in 60 s, every 60 s"
    assert lines[5] == f"configuration: {path}"
    assert "http://127.0.0.1:8000/" in lines[6]
    assert len(lines) <= 8, "it is read at a glance"


def test_it_is_said_in_chinese_too() -> None:
    lines = summary(STATUS, now=NOW, configuration=None, address="http://x", lang="zh")
    assert lines[0] == "序列：15 个已判定，1 个预热中"
    assert not any("serving." in line for line in lines)


def test_it_is_told_once_and_not_before_the_first_tick(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    service = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    tell_when_it_ticks(service, None, "http://127.0.0.1:8000")
    time.sleep(0.5)
    assert "series:" not in capsys.readouterr().err
    for _ in range(2):
        service.watch.tick()
        time.sleep(0.5)
    assert capsys.readouterr().err.count("series: 0 judged, 12 warming up") == 1
    service.close()


def test_without_a_source_it_says_at_the_start_that_only_alerts_are_watched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    service = make_service(settings, clock=TurnedClock(NOW), telling=True)
    try:
        _announce(settings, "http://127.0.0.1:8000", made=False)
        assert "ONLY ALERTS" in capsys.readouterr().err
        service.watch.tick()
        status = service.watch.status()
        assert (status.ticks, status.sources, service.unready()) == (1, (), [])
        lines = summary(status, now=NOW, configuration=None, address="http://x", lang="en")
        assert not any("series" in line for line in lines)
    finally:
        service.close()


def test_the_first_token_is_named_after_who_started_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for user, name in (("ann", "ann"), ("root", LOCAL_ADMIN)):
        monkeypatch.setenv("LOGNAME", user)
        assert first_name() == name
        assert person_in(caller()) == name, "what is asked at the command line is nobody else's wish"
