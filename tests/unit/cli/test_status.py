"""`status` asks the running server with the token of its first start, and says when its answers are not whole."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import typer
import uvicorn

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, first_token, make_service
from sre_copilot.cli.status import address, reasons, status
from sre_copilot.clock import TurnedClock
from sre_copilot.errors import UsageError
from sre_copilot.settings.document import Settings
from sre_copilot.testing.alerting_service import deciding, listening
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


@pytest.fixture
def source() -> SyntheticSource:
    return SyntheticSource(services=2, metrics=2)


@pytest.fixture
def service(tmp_path: Path, source: SyntheticSource) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "check_interval_seconds": 60})
    made = make_service(settings, sources=[source], clock=TurnedClock(NOW))
    first_token(made)
    yield made
    made.close()


@pytest.fixture
def config(service: Service, tmp_path: Path) -> Iterator[Path]:
    """A configuration whose server answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        path = tmp_path / "config.yaml"
        path.write_text(
            f"store: {{folder: {tmp_path}}}\nserver: {{port: {listener.getsockname()[1]}}}\n",
            encoding="utf-8",
        )
        yield path
        server.should_exit = True
        thread.join(5)


def tick(service: Service, count: int = 1) -> None:
    for _ in range(count):
        service.clock.wait(60.0, service.stop)
        service.watch.tick()


def code(**arguments: Any) -> int:
    """The exit code of the command."""
    try:
        status(**arguments)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def test_it_needs_no_option_on_the_machine_of_the_server(
    service: Service, config: Path, source: SyntheticSource, capsys: pytest.CaptureFixture[str]
) -> None:
    service.watch.request_learning(wait=True)
    source.disturb(source.keys[1], start=NOW + 60, end=NOW + 99_999, add=60.0)
    tick(service, 4)
    assert code(config=config) == 0
    said = capsys.readouterr().out
    assert "4 learned" in said
    assert "synthetic" in said
    assert source.keys[1].metric in said


def test_as_a_document_it_holds_what_the_interface_holds(
    service: Service, config: Path, source: SyntheticSource, capsys: pytest.CaptureFixture[str]
) -> None:
    service.watch.request_learning(wait=True)
    source.disturb(source.keys[1], start=NOW + 60, end=NOW + 99_999, add=60.0)
    tick(service, 4)
    service.watch._inquiries.wait(30)  # it logs
    capsys.readouterr()
    assert code(config=config, output="json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["degraded"], found["status"]["ticks"]) == (False, 4)
    assert [each["metric"] for each in found["anomalies"]] == [source.keys[1].metric]
    assert found["breaches"] == []


def test_a_source_that_is_down_is_a_reason_and_the_exit_code_is_one(
    service: Service, config: Path, source: SyntheticSource, capsys: pytest.CaptureFixture[str]
) -> None:
    service.watch.request_learning(wait=True)
    source.down = True
    tick(service)
    assert code(config=config) == 1
    said = capsys.readouterr().out
    assert "degraded" in said
    assert "set down to False" in said


def test_where_nothing_answers_the_exit_code_is_three_and_says_what_to_do(
    service: Service, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert code(config=config, url=f"http://127.0.0.1:{port}") == 3
    assert "sre-copilot serve" in capsys.readouterr().err


def test_what_is_no_sre_copilot_is_not_taken_for_one(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        assert code(config=config, url=f"http://127.0.0.1:{other.server_port}") == 3
        other.shutdown()
    assert "something else" in capsys.readouterr().err


def test_a_token_that_is_not_accepted_is_the_fault_of_whoever_gave_it(config: Path) -> None:
    with pytest.raises(UsageError, match=r"--token: is not accepted.*token create"):
        status(config=config, token="sre_of-nobody")  # noqa: S106


def test_without_a_token_the_way_to_one_is_said(config: Path, tmp_path: Path) -> None:
    (tmp_path / "token").unlink()
    with pytest.raises(UsageError, match="sre-copilot token create"):
        status(config=config)


def test_a_token_is_not_sent_in_clear_to_another_machine(config: Path) -> None:
    with pytest.raises(UsageError, match="in clear"):
        status(config=config, url="http://other.example:8000")


@pytest.mark.parametrize(
    ("server", "place"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8000"),  # noqa: S104
        ({"host": "::", "port": 1}, "http://[::1]:1"),
        ({"certificate_file": "a.pem", "key_file": "a.key"}, "https://127.0.0.1:8000"),
    ],
)
def test_the_address_is_that_of_the_settings(server: dict[str, Any], place: str) -> None:
    assert address(Settings.model_validate({"server": server})) == place


def test_before_the_first_tick_a_source_that_was_not_asked_is_no_reason() -> None:
    source = {"name": "eu", "ok": False, "problem": ""}
    found = {"problems": [], "sources": [source], "learning": {"problem": "", "state": "running"}}
    assert reasons({**found, "last_tick_at": None}) == []
    assert reasons({**found, "last_tick_at": "2026-01-01T00:00:00Z"}) == ["eu: has not answered yet"]


def test_it_prints_a_link_that_lets_a_browser_in_once(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(config=config, open_page=True) == 0
    link = capsys.readouterr().out.strip()
    with httpx.Client(trust_env=False) as browser:
        assert browser.get(link).status_code == 200
        assert "<h1" in browser.get(urljoin(link, "/"), headers={"Accept": "text/html"}).text
        assert browser.post(urljoin(link, "/api/v1/baseline/learn")).status_code == 401
    assert httpx.get(link, trust_env=False).status_code == 401


def test_open_incidents_are_listed_with_since_when_and_who_took_them_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with deciding(tmp_path) as there, listening(there) as path:
        found = there.incident(there.fire("DiskFull", service="store", severity="critical"))
        code(config=path)
        said = capsys.readouterr().out
        row = next(line for line in said.splitlines() if found["id"] in line)
        assert all(each in row for each in ("critical", "DiskFull", "nobody"))
        assert "1 alert firing, 1 incident open" in said
        there.client().post(f"/api/v1/incidents/{found['id']}/ack").raise_for_status()
        code(config=path, output="json")
        (shown,) = json.loads(capsys.readouterr().out)["incidents"]
        assert (shown["severity"], shown["acknowledged_by"]) == ("critical", "responder")
