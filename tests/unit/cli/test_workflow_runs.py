"""`sre-copilot workflow` against a server: runs are gone on with, triggers are switched."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, first_token, make_service
from sre_copilot.app.workflows import make_workflows
from sre_copilot.cli.workflow import app
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.testing.durable import MemoryDurable

TEXT = "workflow:\n  id: one\n  at_once: 1\n  steps: [{name: w, provider: {type: wait, with: {for: 1h}}}]\n"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    durable = MemoryDurable(TurnedClock(1_760_000_040.0))
    made = make_service(
        Settings.model_validate({"store": {"folder": tmp_path}}), sources=(), clock=durable.clock
    )
    first_token(made)
    made.workflows = make_workflows(made, durable)
    durable.launch()
    made.workflows.collection.apply(TEXT, who="ann")
    yield made
    made.close()


@pytest.fixture
def config(service: Service, tmp_path: Path) -> Iterator[Path]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        file = tmp_path / "config.yaml"
        port = listener.getsockname()[1]
        file.write_text(f"store: {{folder: {tmp_path}}}\nserver: {{port: {port}}}\n", encoding="utf-8")
        yield file
        server.should_exit = True
        thread.join(5)


def done(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(config)])


def test_a_run_is_gone_on_with_unless_too_many_are_under_way(service: Service, config: Path) -> None:
    first = done(config, "run", "one").output.strip()
    assert done(config, "cancel", first).exit_code == 0
    second = done(config, "resume", first)
    assert second.exit_code == 0, second.output
    assert service.workflows.runs.get(second.output.strip())["trigger"] == {
        "type": "manual",
        "resumes": first,
    }
    other = service.workflows.runs.start("one", {}, who="ann", role="viewer")
    assert other.outcome == "too_many"
    done(config, "cancel", second.output.strip())
    done(config, "run", "one")
    assert "`at_once` allows are under way" in str(done(config, "resume", second.output.strip()).exception)


def test_triggers_are_switched_off_and_on(service: Service, config: Path) -> None:
    for verb, expected in (("disable", False), ("enable", True)):
        assert done(config, verb, "one").exit_code == 0
        assert service.workflows.collection.get("one")["enabled"] is expected
