"""What `doctor` says of each source, and what `serve` believes of whom."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from sre_copilot.cli.check import _row, check_config, doctor, well
from sre_copilot.cli.serve import options
from sre_copilot.errors import SettingsError
from sre_copilot.perception.source import Health
from sre_copilot.settings.document import Server, Settings
from sre_copilot.settings.loading import parse


def test_a_source_that_is_well_has_nothing_to_do() -> None:
    health = Health(source="eu", ok=True, version="2.42", clock_skew_seconds=0.4, permissions=("+query",))
    assert _row(health) == ("eu", "ok", "2.42", "+0.4 s", "+query", "")
    assert well(health)


def test_a_source_that_is_down_says_what_to_do() -> None:
    health = Health(source="eu", ok=False, problem="connection refused", remedy="check that it runs")
    assert _row(health)[1:] == ("down", "", "", "", "connection refused; check that it runs")
    assert not well(health)


@pytest.mark.parametrize("skew", [-6.0, 6.0])
def test_a_clock_that_differs_is_to_be_looked_at(skew: float) -> None:
    health = Health(source="eu", ok=True, clock_skew_seconds=skew)
    row = _row(health)
    assert (row[1], "time server" in row[5]) == ("look", True)
    assert not well(health)


def test_doctor_ends_with_one_when_a_source_is_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"store: {{folder: {tmp_path}}}\nprometheus: {{url: 'http://127.0.0.1:9', attempts: 1}}\n"
    )
    with pytest.raises(Exception) as ended:  # noqa: PT011 - typer's own
        doctor(path)
    assert getattr(ended.value, "exit_code", None) == 1
    assert "down" in capsys.readouterr().out


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"prometheus: {{url: 'http://127.0.0.1:9'}}\n"
        f"server: {{certificate_file: {tmp_path}/none.pem, key_file: {tmp_path}/none.key}}\n"
    )
    with pytest.raises(SettingsError, match=r"server\.certificate_file"):
        check_config(path)


@pytest.mark.parametrize("proxy", ["*", "0.0.0.0/0", "::/0", "proxy.example"])
def test_a_proxy_is_named_by_its_address_and_not_everybody(proxy: str) -> None:
    with pytest.raises(SettingsError, match="trusted_proxy"):
        parse(Settings, {"server": {"trusted_proxy": proxy}}, place="x")


@pytest.mark.parametrize(("peer", "scheme"), [("10.0.0.5", "https"), ("10.0.0.6", "http")])
def test_what_is_forwarded_is_believed_of_the_declared_proxy_alone(peer: str, scheme: str) -> None:
    chosen = options(Server(trusted_proxy="10.0.0.5"))
    assert (chosen["proxy_headers"], options(Server())["proxy_headers"]) == (True, False)
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 1),
        "headers": [(b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"1.2.3.4")],
    }
    middleware = ProxyHeadersMiddleware(app, trusted_hosts=chosen["forwarded_allow_ips"])
    asyncio.run(middleware(scope, None, None))  # type: ignore[arg-type]
    assert seen["scheme"] == scheme
    assert seen["client"][0] == ("1.2.3.4" if scheme == "https" else peer)


def test_a_configuration_without_a_source_is_one_that_serve_runs_and_the_rest_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"store: {{folder: {tmp_path}}}\nactions: {{targets: [{{service: cart, executor: kubernets, kind: Deployment, name: cart}}]}}\n"
    )
    for command in (check_config, doctor):
        command(path)
        said = " ".join(capsys.readouterr().out.split())
        assert "ONLY ALERTS" in said
        assert "actions.targets[0].executor: 'kubernets' is none of actions.executors" in said
    assert "store: can be used" in said


def test_an_executor_that_cannot_be_made_is_named_without_a_source_too(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"store: {{folder: {tmp_path}}}\nactions: {{executors: [{{type: kubernets}}]}}\n")
    for command in (check_config, doctor):
        with pytest.raises(SettingsError, match=r"actions\.executors\[0\]\.type"):
            command(path)
