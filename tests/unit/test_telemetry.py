"""What it says about itself: one line an event, in the configured form and file, and never a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from sre_copilot import telemetry
from sre_copilot.app.serving import make_service, secrets_of
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SettingsError, SourceUnreachable
from sre_copilot.settings.document import Logging, Settings
from sre_copilot.testing.synthetic import SyntheticSource

TOKEN = "tk-4711-of-the-source"  # noqa: S105 - invented
NOW = 1_760_000_040.0


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hidden = list(root.handlers), root.level, set(telemetry._hidden)
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.handlers, root.level = handlers, level
    telemetry._hidden = hidden
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer abcdefghijk", "Authorization: Bearer ***"),
        ("refused (Basic dXNlcjpwYXNz)", "refused (Basic ***)"),
        ("postgresql://reader:hunter22@db/x", "postgresql://reader:***@db/x"),
        ("redis://:hunter22@db", "redis://:***@db"),
        ("http://host/?access_token=abcdefg&x=1", "http://host/?access_token=***&x=1"),
        ("{'api_key': 'abcdefgh', 'x': 1}", "{'api_key': '***', 'x': 1}"),
        ("X-API-Key: abcdefgh", "X-API-Key: ***"),
        ("client_secret=abcdefgh", "client_secret=***"),
        ("the token is not known or was revoked", "the token is not known or was revoked"),
        ("http://127.0.0.1:8000/status?x=a@b", "http://127.0.0.1:8000/status?x=a@b"),
        ("basic authentication failed", "basic authentication failed"),
    ],
)
def test_what_looks_like_a_credential_is_not_written(text: str, kept: str) -> None:
    assert telemetry.clean(text) == kept


def test_lines_go_to_the_file_from_the_level_on(tmp_path: Path) -> None:
    file = tmp_path / "logs/sre-agent.log"
    telemetry.set_up_logging(Logging(file=file, level="WARNING"))
    telemetry.log("x").info("not this")
    telemetry.log("x").warning("but this", count=2)
    (line,) = file.read_text().splitlines()
    assert line.endswith("WARNING but this (count=2)")


def test_json_has_one_object_an_event_with_its_error(tmp_path: Path) -> None:
    file = tmp_path / "log"
    telemetry.set_up_logging(Logging(file=file, format="json"))
    try:
        raise ValueError(f"password={TOKEN}")
    except ValueError:
        telemetry.log("x").exception("it failed\nin two lines", token=TOKEN)
        logging.getLogger("another").exception("so did %s", "another")
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["event"], first["level"], first["token"]) == ("it failed\nin two lines", "error", "***")
    assert "ValueError" in first["exception"]
    assert (second["event"], "ValueError" in second["exception"]) == ("so did another", True)
    assert TOKEN not in file.read_text()


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    file = tmp_path / "log"
    telemetry.set_up_logging(Logging(file=file))
    telemetry.log("x").info("Handling anomaly: cpu\n2026-01-01 INFO all is well", entity="a\x1b[2J")
    assert len(file.read_text().splitlines()) == 1
    assert "\x1b" not in file.read_text()


def test_a_file_that_cannot_be_written_is_an_error_of_its_key(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(SettingsError, match=r"logging\.file"):
        telemetry.set_up_logging(Logging(file=tmp_path / "taken" / "log"))


def test_secrets_of_the_configuration_are_known_by_key_and_by_address() -> None:
    settings = Settings.model_validate(
        {
            "sources": [
                {"type": "prometheus", "url": "http://me:in-the-url@h", "bearer_token": TOKEN},
                {"type": "loki", "url": "http://h", "headers": {"X-Auth-Token": "in-a-header"}},
            ],
            "server": {"change_webhook_secret": "of-the-webhook", "key_file": "/run/secrets/key.pem"},
        }
    )
    assert secrets_of(settings) == {"in-the-url", TOKEN, "in-a-header", "of-the-webhook"}


class Careless(SyntheticSource):
    """Says its token in every error."""

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        raise SourceUnreachable(self.name, f"GET /?k={TOKEN} failed", remedy="start it")


def test_a_source_that_tells_its_token_is_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "log"
    telemetry.set_up_logging(Logging(file=file))
    settings = Settings.model_validate(
        {
            "store": {"folder": tmp_path / "data"},
            "sources": [{"type": "prometheus", "url": "http://h", "bearer_token": TOKEN}],
        }
    )
    clock = TurnedClock(NOW)
    service = make_service(settings, sources=[Careless(services=1, metrics=1)], clock=clock)
    service.watch.tick()
    service.watch.request_learning(wait=True)
    status = service.watch.status()
    service.close()
    assert "GET /?k=*** failed" in status.sources[0].problem
    assert "***" in status.learning.problem
    said = file.read_text()
    assert "failed" in said
    assert TOKEN not in said + str(status)


def test_the_lines_that_others_look_for_are_written(tmp_path: Path) -> None:
    file = tmp_path / "log"
    telemetry.set_up_logging(Logging(file=file))
    source, clock = SyntheticSource(services=3, metrics=2), TurnedClock(NOW)
    settings = Settings.model_validate({"store": {"folder": tmp_path / "data"}})
    service = make_service(settings, sources=[source], clock=clock)
    service.watch.request_learning(wait=True)
    source.disturb(source.keys[0], start=NOW, end=NOW + 900, add=40.0)
    source.disturb(source.keys[3], start=NOW, end=NOW + 900, add=40.0)
    for _ in range(4):
        clock.wait(60, service.stop)
        service.watch.tick()
    service.close()
    said = file.read_text()
    for line in (
        "Starting baseline learning...",
        "Collecting 7 days of historical metrics...",
        "Learned baseline for latency from 10080 points",
        "Baseline learning completed for 2 metrics",
        "Collected 2 metrics",
        "Detected 2 anomalies",
        "Handling anomaly: latency",
    ):
        assert line in said, line
