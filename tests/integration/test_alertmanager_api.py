"""The API of Alertmanager, to those who know it best: a real Prometheus sends to it, and the real `amtool` works on it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.cli.serve import options
from sre_copilot.settings.document import Settings
from sre_copilot.testing.alert_backend import MemoryAlerts
from sre_copilot.testing.servers.real import free_port, missing, prometheus_server
from sre_copilot.testing.servers.remote_write import remote_write
from sre_copilot.testing.synthetic import SyntheticSource

pytestmark = pytest.mark.integration
needs_amtool = pytest.mark.skipif(bool(missing("amtool")), reason=missing("amtool"))
needs_prometheus = pytest.mark.skipif(bool(missing("prometheus")), reason=missing("prometheus"))
PATIENCE_S = 30.0
WORD = "w0rd"
PATH = "/usr/bin:/bin:/usr/local/bin"
RULES = """\
groups:
  - name: queues
    interval: 1s
    rules:
      - alert: QueueDeep
        expr: queue_depth > 5
        labels: {severity: critical}
        annotations: {summary: "{{ $value }} wait at {{ $labels.job }}"}
"""
PROMETHEUS = """\
global: {{evaluation_interval: 1s, external_labels: {{region: north}}}}
rule_files: [{rules}]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["{open}"]}}]
    - static_configs: [{{targets: ["{open}"]}}]
      path_prefix: /api/v1/intake/south
      authorization: {{credentials: {word}}}
"""


class Server:
    """The application on a free port of the loopback address, in a thread."""

    def __init__(self, service: Service) -> None:
        self.backend = MemoryAlerts(clock=service.clock)
        app = create_app(service)
        app.state.alerting = self.backend
        self.place = f"127.0.0.1:{free_port()}"
        config = uvicorn.Config(app, host="127.0.0.1", port=int(self.place.rpartition(":")[2]), **options(service.settings.server))  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        until(lambda: self._server.started)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def alerts(self) -> list[dict[str, Any]]:
        """What the API shows."""
        found: list[dict[str, Any]] = httpx.get(f"http://{self.place}/api/v2/alerts", trust_env=False).json()
        return found


def until(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came to be")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    entries = {"south": {"provider": "alertmanager_api", "token": WORD, "labels": {"half": "south"}}}
    settings = Settings.model_validate(
        {
            "store": {"folder": tmp_path / "store"},
            "alerting": {"intake": {"entries": entries, "open_on_loopback": True}},
        }
    )
    service = make_service(settings, sources=[SyntheticSource()])
    with Server(service) as running:
        yield running
    service.close()


@pytest.fixture
def amtool(server: Server, tmp_path: Path) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["amtool", f"--alertmanager.url=http://{server.place}", *arguments],
            capture_output=True, text=True, timeout=20, check=False, env={"HOME": str(tmp_path), "PATH": PATH},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return run


@needs_prometheus
def test_an_alert_of_a_real_prometheus_fires_arrives_and_resolves(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    folder.mkdir()
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    config = PROMETHEUS.format(rules=folder / "rules.yml", open=server.place, word=WORD)
    again = "--rules.alert.resend-delay=2s"  # what is sent before it has found us is sent once more
    with prometheus_server(folder, config=config, arguments=[again]) as prometheus:
        queue = {"__name__": "queue_depth", "job": "shop"}
        remote_write(prometheus.url, [(queue, [(time.time(), 9.0)])])
        fired = until(lambda: len(server.alerts()) == 2 and server.alerts())
        assert [each["status"]["state"] for each in fired] == ["active", "active"]
        assert sorted(each["labels"].get("half", "") for each in fired) == ["", "south"]
        first = next(each for each in fired if "half" not in each["labels"])
        assert first["labels"] == {
            "alertname": "QueueDeep",
            "job": "shop",
            "severity": "critical",
            "region": "north",
        }
        assert first["annotations"] == {"summary": "9 wait at shop"}
        assert first["generatorURL"].startswith("http://")
        remote_write(prometheus.url, [(queue, [(time.time(), 1.0)])])
        until(lambda: server.alerts() == [])
        assert "Error sending alert" not in prometheus.log
    ended = [event for _, events in server.backend.accepted for event in events if event.status == "resolved"]
    assert {event.source for event in ended} == {"alertmanager_api", "south"}
    assert {event.severity for event in ended} == {"critical"}


@needs_amtool
def test_amtool_adds_shows_and_filters_alerts(server: Server, amtool: Callable[..., str]) -> None:
    amtool("alert", "add", "SlowDisk", "service=shop", "--annotation=summary=the disk is slow")
    amtool("alert", "add", "DiskFull", "service=pay", "--generator-url=http://monitor.example/g")
    found = json.loads(amtool("-o", "json", "alert", "query"))
    assert sorted(each["labels"]["alertname"] for each in found) == ["DiskFull", "SlowDisk"]
    chosen = json.loads(amtool("-o", "json", "alert", "query", "service=~sh.+", "alertname=SlowDisk"))
    assert [each["annotations"]["summary"] for each in chosen] == ["the disk is slow"]
    assert "SlowDisk" in amtool("-o", "extended", "alert", "query", "--receiver=default")
    assert json.loads(amtool("-o", "json", "alert", "query", "--unprocessed")) == []


@needs_amtool
def test_amtool_adds_shows_changes_and_ends_silences(server: Server, amtool: Callable[..., str]) -> None:
    amtool("alert", "add", "SlowDisk", "service=shop")
    key = amtool("silence", "add", "alertname=SlowDisk", "service!=pay", "--comment=work", "--author=me", "--duration=1h").strip()  # fmt: skip
    (silenced,) = json.loads(amtool("-o", "json", "alert", "query", "--silenced"))
    assert silenced["status"]["silencedBy"] == [key]
    assert json.loads(amtool("-o", "json", "alert", "query")) == []
    (before,) = json.loads(amtool("-o", "json", "silence", "query", "alertname=SlowDisk"))
    assert (before["id"], before["createdBy"], before["comment"]) == (key, "me", "work")
    assert before["matchers"][1] == {"isEqual": False, "isRegex": False, "name": "service", "value": "pay"}
    updated = json.loads(amtool("-o", "json", "silence", "update", "--duration=3h", "--comment=more", key))
    assert updated[0]["comment"] == "more"
    assert updated[0]["endsAt"] > before["endsAt"]
    amtool("silence", "expire", updated[0]["id"])
    assert json.loads(amtool("-o", "json", "silence", "query")) == []
    assert len(json.loads(amtool("-o", "json", "alert", "query"))) == 1
    assert key in amtool("silence", "query", "--expired", "-q", "--within=1h")


@needs_amtool
def test_amtool_carries_silences_over(server: Server, amtool: Callable[..., str], tmp_path: Path) -> None:
    for name in ("A", "B"):
        amtool("silence", "add", f"alertname={name}", "--comment=c", "--author=me")
    exported = json.loads(amtool("-o", "json", "silence", "query"))
    for each in exported:
        amtool("silence", "expire", each["id"])
    file = tmp_path / "silences.json"
    file.write_text(json.dumps([{**each, "id": ""} for each in exported]), encoding="utf-8")
    amtool("silence", "import", str(file))
    again = json.loads(amtool("-o", "json", "silence", "query"))
    assert sorted(each["matchers"][0]["value"] for each in again) == ["A", "B"]


@needs_amtool
def test_amtool_works_with_a_token_where_the_server_is_closed_as_it_is_by_default(tmp_path: Path) -> None:
    settings = Settings.model_validate({"store": {"folder": tmp_path / "closed"}})
    service = make_service(settings, sources=[SyntheticSource()])
    token, access = tmp_path / "amtool.token", tmp_path / "amtool-http.yml"
    token.write_text(service.tokens.create("me", role="responder", now=time.time())[1], encoding="utf-8")
    access.write_text(
        json.dumps({"authorization": {"type": "Bearer", "credentials_file": str(token)}}), encoding="utf-8"
    )
    with Server(service) as server:

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["amtool", f"--alertmanager.url=http://{server.place}", *arguments],
                capture_output=True, text=True, timeout=20, check=False, env={"HOME": str(tmp_path), "PATH": PATH},
            )  # fmt: skip

        assert run("alert", "query").returncode != 0
        known = f"--http.config.file={access}"
        assert run(known, "alert", "add", "SlowDisk", "service=shop").returncode == 0
        done = run(known, "-o", "json", "alert", "query")
        assert [each["labels"]["alertname"] for each in json.loads(done.stdout)] == ["SlowDisk"]
    service.close()


@needs_amtool
def test_amtool_shows_status_and_configuration(server: Server, amtool: Callable[..., str]) -> None:
    assert "disabled" in amtool("cluster", "show")
    assert '"receiver": "default"' in amtool("config", "show")
    assert amtool("config", "routes", "test", "service=shop").strip() == "default"
