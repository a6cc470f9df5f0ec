"""The bus over real brokers fulfils the contract of all transports."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sre_copilot.bus.opening import open_bus
from sre_copilot.bus.port import Bus
from sre_copilot.cli.main import app
from sre_copilot.settings.bus import BusSettings
from sre_copilot.testing.bus_contract import BrokerContract, BusContract, closing, event
from sre_copilot.testing.servers.brokers import BrokerProcess, broker_process, missing_broker

pytestmark = pytest.mark.integration
NUMBERS = itertools.count()
SAVED_S = 2.0  # the server that speaks Kafka's protocol writes to disk a moment after it has answered


class Broker:
    """The ground of a test on a broker."""

    def __init__(self, process: BrokerProcess) -> None:
        self.process = process
        self.holds_all = process.kind != "redis"
        self.opened: list[Bus] = []
        self.consumers: list[subprocess.Popen[str]] = []
        self._prefix = f"t{next(NUMBERS)}"

    def settings(self, **changed: Any) -> BusSettings:
        kind, url = self.process.kind, self.process.url
        return BusSettings.model_validate(
            {
                "transport": kind,
                "url": url,
                "topic_prefix": self._prefix,
                "sasl_mechanism": "PLAIN",
                **changed,
            }
        )

    def open(self, settings: BusSettings) -> Bus:
        bus = open_bus(settings)
        self.opened.append(bus)
        return bus

    def dying(self, settings: BusSettings, group: str, event_id: str) -> Callable[[], bool]:
        command = [sys.executable, "-m", "sre_copilot.testing.bus_consumer", settings.model_dump_json()]
        consumer = subprocess.Popen(
            [*command, group, "earliest", "die", event_id], stdout=subprocess.PIPE, text=True
        )
        self.consumers.append(consumer)
        assert consumer.stdout is not None
        assert consumer.stdout.readline() == "ready\n"

        def dead() -> bool:
            if consumer.poll() != -signal.SIGKILL:
                return False
            if self.process.kind == "kafka":
                asyncio.run(forget_members(self.process.url, f"{settings.topic_prefix}.{group}"))
            return True

        return dead

    def kill(self) -> None:
        if self.process.kind == "kafka":
            time.sleep(SAVED_S)
        self.process.kill()

    def start(self) -> None:
        self.process.start()

    def close(self) -> None:
        for consumer in self.consumers:
            consumer.kill()
            consumer.wait()


async def forget_members(url: str, group: str) -> None:
    """Do what Kafka's coordinator does by itself when a member has not been heard of for the session's time; this server never does."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.protocol.group import LeaveGroupRequest

    admin = AIOKafkaAdminClient(bootstrap_servers=url)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([group])
        for member in answer.to_object()["groups"][0]["members"]:
            await admin._send_request(LeaveGroupRequest(group, member["member_id"]))
    finally:
        await admin.close()


@pytest.fixture(scope="module", params=["kafka", "nats", "redis"])
def process(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerProcess]:
    if reason := missing_broker(request.param):
        pytest.skip(reason)
    folder: Path = tmp_path_factory.mktemp(request.param)
    with broker_process(request.param, folder) as broker:
        yield broker


@pytest.fixture
def ground(process: BrokerProcess) -> Iterator[Broker]:
    if process.process is None:
        process.start()
    broker = Broker(process)
    with closing(broker.opened):
        yield broker
    broker.close()


class TestBrokers(BusContract, BrokerContract):
    """Everything that the contracts say, on each broker."""


def test_the_command_line_replays_what_lies_on_the_topic(ground: Broker, tmp_path: Path) -> None:
    settings = ground.settings()
    bus = ground.open(settings)
    bus.publish(*(event(number, f"k{number}") for number in range(5)))
    keys = {"transport": settings.transport, "url": settings.url, "topic_prefix": settings.topic_prefix}
    (tmp_path / "c.yaml").write_text(json.dumps({"bus": keys, "store": {"folder": str(tmp_path)}}))
    command = ["events", "replay", "--config", str(tmp_path / "c.yaml"), "--from"]
    lines = [json.loads(line) for line in CliRunner().invoke(app, [*command, "earliest"]).stdout.splitlines()]
    assert {line["id"] for line in lines} == {f"e{number}" for number in range(5)}
    again = CliRunner().invoke(app, [*command, lines[3]["offset"]]).stdout.splitlines()
    assert {json.loads(line)["id"] for line in again} >= {line["id"] for line in lines[3:]}
