"""What it says about itself: one line an event, in the configured form and file, and never a secret."""

from __future__ import annotations

import ast
import json
import logging
import os
import time
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
import structlog
from fastapi.testclient import TestClient

from sre_copilot import telemetry
from sre_copilot.api.server import create_app
from sre_copilot.api.status import document
from sre_copilot.app.serving import make_service, secrets_of
from sre_copilot.cli.token import Role, create
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SettingsError, SourceUnreachable
from sre_copilot.perception.files import FilesSettings, FilesSource
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
        (
            "bearer_token_file: /run/secrets/prom: not found",
            "bearer_token_file: /run/secrets/prom: not found",
        ),
        ("password_file=/etc/x/pw cannot be read", "password_file=/etc/x/pw cannot be read"),
        ("/run/serviceaccount/token: permission denied", "/run/serviceaccount/token: permission denied"),
        ("/run/x/token: password=abcdefgh", "/run/x/token: password=***"),
        ("/run/x?token=abcdefgh", "/run/x?token=***"),
        ("server.change_webhook_secret: abcdefgh", "server.change_webhook_secret: ***"),
    ],
)
def test_what_looks_like_a_credential_is_not_written(text: str, kept: str) -> None:
    assert telemetry.clean(text) == kept


@pytest.mark.parametrize(
    "unit", ["a", "a-", "token", "token=", "password: ", "://a:", "a@", "curl -u", "mysql -p", "1", '\\"']
)
def test_a_long_text_without_a_space_is_cleaned_in_linear_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    telemetry.clean(text)
    assert time.process_time() - began < 1.0


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


def test_who_makes_and_revokes_a_token_is_written_whatever_the_level(tmp_path: Path) -> None:
    file = tmp_path / "log"
    telemetry.set_up_logging(Logging(file=file, format="json", level="ERROR"))
    settings = Settings.model_validate({"store": {"folder": tmp_path / "data"}})
    service = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    client = TestClient(create_app(service))
    admin, plain = service.tokens.create("of alice", role="admin", now=NOW, by="the first start")
    headers = {"Authorization": f"Bearer {plain}"}
    made = client.post("/api/v1/tokens", json={"name": "ci", "role": "responder"}, headers=headers).json()
    for _ in range(2):  # the second changes nothing
        client.delete(f"/api/v1/tokens/{made['id']}", headers=headers)
    service.close()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(each["event"], each["by"], each["id"], each["role"], each["name"]) for each in lines] == [
        ("token created", "the first start", admin.id, "admin", "of alice"),
        ("token created", f"of alice (token {admin.id})", made["id"], "responder", "ci"),
        ("token revoked", f"of alice (token {admin.id})", made["id"], "responder", "ci"),
    ]
    assert all(each["at"] and each["audit"] for each in lines)
    assert plain not in file.read_text()
    assert made["token"] not in file.read_text()


def test_the_command_line_writes_who_made_a_token_beside_the_lines_of_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, file = tmp_path / "config.yaml", tmp_path / "log"
    config.write_text(f"store: {{folder: {tmp_path}/data}}\nlogging: {{file: {file}, level: ERROR}}\n")
    create("pipeline", role=Role.RESPONDER, config=config)
    plain = capsys.readouterr().out.strip()
    (line,) = file.read_text().splitlines()
    assert "token created" in line
    assert "at the command line" in line
    assert "name=pipeline" in line
    assert plain not in line
    handlers = [each for each in logging.getLogger().handlers if isinstance(each, RotatingFileHandler)]
    assert [each.maxBytes for each in handlers] == [0], "only the server lets its file rotate"


def test_a_file_that_cannot_be_read_is_named_without_the_secret_in_it(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("orders.log.gz", f"{TOKEN}.log.gz"):
        (logs / name).write_bytes(b"this is no gzip")
        os.utime(logs / name, (NOW, NOW))  # nobody is still writing it
    settings = Settings.model_validate(
        {
            "store": {"folder": tmp_path / "data"},
            "sources": [{"type": "prometheus", "url": "http://h", "bearer_token": TOKEN}],
        }
    )
    source = FilesSource(FilesSettings(paths=(str(logs),), start_at="beginning"))
    service = make_service(settings, sources=[source], clock=TurnedClock(NOW))
    service.watch.tick()
    (told,) = document(service, "en")["sources"]
    service.close()
    assert (told["ok"], len(told["gaps"])) == (True, 1)
    assert str(logs / "orders.log.gz") in told["gaps"][0]
    assert "/***.log.gz" in told["gaps"][0]
    assert TOKEN not in str(told)


def test_no_message_names_a_file_of_the_documentation() -> None:
    """Whoever installed a wheel has none."""
    folder = Path(telemetry.__file__).parent
    named: list[str] = []
    for file in folder.rglob("*.py"):
        if "docs/" not in (content := file.read_text(encoding="utf-8")):  # to parse all takes seconds
            continue
        tree = ast.parse(content)
        bodies = [each.body for each in ast.walk(tree) if isinstance(each, DOCUMENTED) and each.body]
        silent = {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}
        texts = (
            each for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )
        named += [
            f"{file.name}: {each.value}" for each in texts if "docs/" in each.value and id(each) not in silent
        ]
    named += [file.name for file in folder.rglob("*.toml") if "docs/" in file.read_text(encoding="utf-8")]
    written_by_a_tool = ("settings_page.py", "events_page.py")
    assert [each for each in named if not each.startswith(written_by_a_tool)] == []


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
