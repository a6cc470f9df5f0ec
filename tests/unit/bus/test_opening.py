"""A transport is chosen by a setting; what is missing is said with what to install."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sre_copilot.bus.broker_access import said, tls_context
from sre_copilot.bus.kafka_offsets import parsed
from sre_copilot.bus.memory import MemoryBus
from sre_copilot.bus.opening import open_bus
from sre_copilot.bus.redis import before, merged, number
from sre_copilot.cli.main import app
from sre_copilot.errors import BusError, SettingsError
from sre_copilot.settings.bus import BusSettings


def test_without_a_configuration_the_bus_is_in_memory() -> None:
    bus = open_bus(BusSettings())
    assert isinstance(bus, MemoryBus)
    bus.close()


def test_an_unknown_transport_names_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no transport 'pigeon'. There are: kafka, memory, nats, redis"):
        open_bus(BusSettings(transport="pigeon"))


@pytest.mark.parametrize(
    ("transport", "library", "url"),
    [("kafka", "aiokafka", "h:9092"), ("nats", "faststream.nats", "nats://h"), ("redis", "redis.asyncio", "redis://h")],
)  # fmt: skip
def test_a_missing_library_names_the_extra(
    transport: str, library: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: Any, **more: Any) -> Any:
        if name == library or name.startswith(f"{library}."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, f"sre_copilot.bus.{transport}", raising=False)
    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(SettingsError, match=rf"Install sre-copilot\[{transport}\]"):
        open_bus(BusSettings(transport=transport, url=url))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"transport": "kafka"}, "needs one; name the broker"),
        ({"transport": "nats", "url": "http://h:4222"}, "must begin with nats:// or tls://"),
        ({"transport": "redis", "url": "redis://user:hunter22@h:6379"}, "use the keys username, password"),
        ({"topic_prefix": "a b"}, "may hold letters"),
    ],
)
def test_wrong_settings_say_the_way_out_and_no_secret(keys: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        BusSettings.model_validate(keys)
    assert "hunter22" not in str(caught.value)


def test_a_password_is_in_no_text() -> None:
    settings = BusSettings.model_validate({"username": "u", "password": "hunter22-secret"})
    assert "hunter22-secret" not in repr(settings)
    assert "hunter22-secret" not in said(OSError("denied for hunter22-secret"), settings)


def test_a_certificate_file_that_is_none_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match=r"bus\.ca_file"):
        tls_context(BusSettings(tls=True, ca_file=tmp_path / "ca.pem"))


def test_offsets_are_read_or_refused() -> None:
    assert parsed("0:12.1:7") == {0: 12, 1: 7}
    assert number("17-3") == (17, 3)
    assert before("17-3") == f"16-{2**64 - 1}"
    for read in (parsed, number):
        with pytest.raises(BusError, match="is no offset of this transport"):
            read("yesterday")


def test_streams_are_merged_only_as_far_as_all_of_them_are_known() -> None:
    one = [(f"{ms}-0".encode(), {}) for ms in (1, 4)]
    two = [(f"{ms}-0".encode(), {}) for ms in (2, 3, 9)]
    assert [each[1] for each in merged({"a": one, "b": two}, 2)] == ["1-0", "2-0", "3-0", "4-0"]
    assert [each[1] for each in merged({"a": one, "b": two}, 10)] == ["1-0", "2-0", "3-0", "4-0", "9-0"]


def test_the_command_line_prints_schemas_and_says_what_it_cannot_see(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("bus: {transport: memory}\n")
    runner = CliRunner()
    listed = runner.invoke(app, ["events", "schema"])
    assert "sre_copilot.plan.approved.v1" in listed.output
    one = runner.invoke(app, ["events", "schema", "sre_copilot.plan.approved.v1"])
    assert '"$id": "urn:sre-copilot:event-data:sre_copilot.plan.approved.v1"' in one.output
    for words in (["schema", "sre_copilot.plan.approved.v8"], ["tail", "--config", str(tmp_path / "c.yaml")]):
        failed = runner.invoke(app, ["events", *words])
        assert failed.exit_code != 0
        assert "version 8 is not known" in str(failed.exception) or "server's own process" in str(
            failed.exception
        )
