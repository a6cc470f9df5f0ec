"""The executor `systemd` against a program that answers like systemctl, here and by SSH."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.systemd import SystemdExecutor, SystemdExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call, settled
from sre_copilot.testing.servers import systemctl
from sre_copilot.testing.servers.ssh import USER, ssh_server

pytestmark = pytest.mark.integration  # each starts servers or processes of its own

PROGRAM = (sys.executable, "-S", systemctl.__file__)
RUNNING = {"active": "active", "sub": "running", "id": "first"}


def executor(file: Path, **more: Any) -> SystemdExecutor:
    usual: dict[str, Any] = {"units": ["shop-*.service", "ssh.service"], "steady_seconds": 0.2}
    return SystemdExecutor(SystemdExecutorSettings(command=(*PROGRAM, str(file)), **{**usual, **more}))


def action(verb: str, name: str = "shop-web.service", host: str = "") -> Action:
    return Action(
        name=f"systemd.{verb}", target=Target(executor="systemd", kind="unit", name=name, namespace=host)
    )


def web(file: Path) -> Any:
    return systemctl.read(file)["shop-web.service"]


def case(file: Path, verb: str, host: str = "", **settings: Any) -> Case:
    count = {"restart": "starts", "start": "starts", "stop": "stops"}[verb]
    first = web(file)[count]

    @contextmanager
    def slowly(word: str) -> Iterator[SystemdExecutor]:
        unit = web(file)
        systemctl.units(file, **{"shop-web__service": unit | {word: 30}})
        yield executor(file, **settings)
        systemctl.units(file, **{"shop-web__service": web(file) | {word: 0}})

    return Case(
        executor=partial(executor, file, **settings),
        action=action(verb, host=host),
        effects=lambda: web(file)[count] - first,
        state=lambda: web(file)["active"],
        absent=action(verb, "shop-none.service", host),
        refused=(
            (action(verb, "nginx.service", host), "target.name"),
            (action(verb, "ssh.service", host), "protected"),
            (action(verb, "shop-web", host), "suffix"),
            (action(verb, "--now.service", host), "target.name"),
            (action(verb, host="nowhere"), "target.namespace"),
        ),
        silent=None if host else (lambda: slowly("slow")),
        lost=lambda: slowly("late"),
    )


class TestRestart(ExecutorContract):
    @contextmanager
    def opened(self, folder: Path) -> Any:
        systemctl.units(folder / "units", **{"shop-web__service": RUNNING})
        yield case(folder / "units", "restart")


class TestStart(ExecutorContract):
    @contextmanager
    def opened(self, folder: Path) -> Any:
        systemctl.units(folder / "units", **{"shop-web__service": {}})
        yield case(folder / "units", "start")


class TestStopBySsh(ExecutorContract):
    @contextmanager
    def opened(self, folder: Path) -> Any:
        systemctl.units(folder / "units", **{"shop-web__service": RUNNING})
        with ssh_server(folder / "server", password=SECRET) as server:
            hosts = [{"name": "web-1", "address": "127.0.0.1", "port": server.port}]
            access = {"hosts": hosts, "known_hosts": server.known_hosts, "username": USER, "password": SECRET}
            yield case(folder / "units", "stop", "web-1", ssh=access)


def test_a_unit_that_does_not_come_up_is_done_and_not_verified(tmp_path: Path) -> None:
    systemctl.units(tmp_path / "units", **{"shop-web__service": RUNNING | {"broken": True}})
    found = executor(tmp_path / "units")
    with pytest.raises(ActionError, match="control process exited") as caught:
        found.execute(action("restart"), call())
    assert caught.value.effect == "done"
    verdict = settled(found, action("restart"))
    assert (verdict.ok, verdict.settled) == (False, True)


def test_a_reload_leaves_no_trace_and_is_never_autonomous(tmp_path: Path) -> None:
    systemctl.units(tmp_path / "units", **{"shop-web__service": RUNNING})
    found = executor(tmp_path / "units")
    spec = next(each for each in found.specs() if each.name == "systemd.reload")
    assert (spec.exactly_once, spec.reversible) == (False, False)
    assert found.execute(action("reload"), call()).changed
    assert web(tmp_path / "units")["reloads"] == 1
    assert found.done(action("reload"), call(), {}) is None


def test_a_machine_without_systemctl_is_said_to_have_none(tmp_path: Path) -> None:
    found = SystemdExecutor(SystemdExecutorSettings(units=("a.service",), command=("no-such-systemctl",)))
    with pytest.raises(ActionError, match="no-such-systemctl") as caught:
        found.look(action("restart", "a.service"))
    assert caught.value.effect == "none"
