"""Too little history is no failure: it says what happens next; and the end of the process begins nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sre_copilot.api.status import document
from sre_copilot.app.serving import Service, make_service
from sre_copilot.cli.status import reasons
from sre_copilot.clock import TurnedClock, rfc3339
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.report.words import LANGUAGES
from sre_copilot.incidents.watch.outlook import outlook
from sre_copilot.incidents.watch.status import LearningStatus
from sre_copilot.settings.document import Settings
from sre_copilot.telemetry import set_up_logging
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
DAY = 86_400.0


def young(days: float, *, name: str = "young") -> SyntheticSource:
    """A source whose series began so many days ago."""
    source = SyntheticSource(services=2, metrics=2, name=name)
    for key in source.keys:
        source.disturb(key, start=0, end=NOW - days * DAY, add=float("nan"))
    return source


def learned(folder: Path, *sources: SyntheticSource) -> Service:
    service = make_service(
        Settings.model_validate({"store": {"folder": folder}}), sources=sources, clock=TurnedClock(NOW)
    )
    service.watch.request_learning(wait=True)
    return service


def test_too_little_history_is_a_state_of_its_own_that_says_until_when(tmp_path: Path) -> None:
    service = learned(tmp_path, young(1.0))
    status = service.watch.status().learning
    assert (status.state, status.problem, status.warming) == ("warming_up", "", ("young",))
    assert (status.skipped, status.series) == (4, 0)
    assert status.days == pytest.approx(1.0, abs=0.01)
    assert status.warm_until == pytest.approx(NOW + (3 * 0.95 - 1.0) * DAY, abs=600)
    service.watch.tick()
    shown = document(service, "en")
    assert shown["learning"]["warm_until"] == rfc3339(status.warm_until)
    assert "Warming up until about 2025-10-11" in shown["learning"]["outlook"]
    assert "预热至约 2025年10月11日" in document(service, "zh")["learning"]["outlook"]
    assert reasons(shown) == [], "to wait for history is nothing to be done about"
    service.close()


def test_it_learns_when_there_is_enough(tmp_path: Path) -> None:
    service = learned(tmp_path, young(1.0))
    until = service.watch.status().learning.warm_until
    assert until is not None
    service.clock.wait(until - NOW + 3600, service.stop)
    service.watch.tick()  # finds it due, and begins
    for _ in range(200):
        if service.watch.status().learning.state == "done":
            break
        service.stop.wait(0.05)
    assert (service.watch.status().learning.state, service.watch.status().learning.warm_until) == (
        "done",
        None,
    )
    service.close()


def test_one_source_that_warms_up_does_not_hide_what_was_learned_of_another(tmp_path: Path) -> None:
    service = learned(tmp_path, SyntheticSource(services=1, metrics=2, name="old"), young(2.0))
    status = service.watch.status().learning
    assert (status.state, status.series, status.skipped, status.warming) == ("done", 2, 4, ("young",))
    assert status.days == pytest.approx(7.0, abs=0.01)
    said = outlook(status, "en")
    assert "2 series were learned from up to 7.0 days" in said
    assert "young: too little history" in said
    service.close()


def test_a_source_that_is_down_is_a_failure_that_is_tried_again(tmp_path: Path) -> None:
    service = learned(tmp_path, SyntheticSource(name="broken", down=True))
    status = service.watch.status().learning
    assert (status.state, status.days, status.skipped) == ("failed", 0.0, 0)
    assert "broken" in status.problem
    assert "tries again" in outlook(status, "en")
    service.close()


class Empty(SyntheticSource):
    """Answers, and has nothing."""

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        found = super().series(window, step_seconds=step_seconds)
        return SeriesBlock((), found.start, step_seconds, found.values[:0])


def test_a_source_without_any_watched_metric_is_not_waited_for(tmp_path: Path) -> None:
    service = learned(tmp_path, Empty(name="empty"))
    status = service.watch.status().learning
    assert (status.state, "sre-copilot discover" in status.problem) == ("failed", True)
    service.close()


@pytest.mark.parametrize("state", ["never", "running", "done", "warming_up", "failed"])
def test_every_state_says_what_happens_next_in_both_languages(state: str) -> None:
    until = NOW if state == "warming_up" else None
    status = LearningStatus(state=state, warming=("eu",), warm_until=until)  # type: ignore[arg-type]
    for lang in LANGUAGES:
        said = outlook(status, lang)
        assert said
        assert "learning." not in said


def test_the_end_of_the_process_begins_no_learning(tmp_path: Path) -> None:
    file = tmp_path / "log"
    kept = list(logging.getLogger().handlers), logging.getLogger().level
    settings = Settings.model_validate({"store": {"folder": tmp_path / "data"}, "logging": {"file": file}})
    set_up_logging(settings.logging)
    clock = TurnedClock(NOW)
    service = make_service(settings, sources=[SyntheticSource(services=1, metrics=1, down=True)], clock=clock)
    service.watch.request_learning(wait=True)
    service.watch.tick()
    clock.wait(2 * DAY, service.stop)  # both the daily time and that of another try have come
    service.close()
    logging.getLogger().handlers, logging.getLogger().level = kept
    assert file.read_text().count("Starting baseline learning...") == 1
