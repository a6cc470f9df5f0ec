"""The executor `systemd` against a real systemd."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.systemd import SystemdExecutor, SystemdExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.executor_contract import Case, ExecutorContract, call, settled
from sre_copilot.testing.servers.real import CannotRunHereError, missing
from sre_copilot.testing.servers.systemd import Machine, systemd

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(
        bool(missing("systemd-nspawn", "nsenter")), reason=missing("systemd-nspawn", "nsenter")
    ),
]
WEB = "shop-web.service"
UNITS = {
    WEB: "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'echo >> /counted/starts; exec sleep infinity'\n"
    "ExecStopPost=/bin/sh -c 'echo >> /counted/stops'\nExecReload=/bin/sh -c 'echo >> /counted/reloads'\n",
    "shop-bad.service": "[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep infinity\n",
    "shop-short.service": "[Service]\nExecStart=/bin/false\n",
}
LATER = 'case " $* " in *" show "*) exec "$@";; esac; {before} "$@"; code=$?; {after} exit $code'


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with ExitStack() as opened:
        try:
            running = opened.enter_context(systemd(tmp_path_factory.mktemp("systemd"), UNITS))
        except CannotRunHereError as error:
            pytest.skip(str(error))
        (running.root / "counted").mkdir()
        yield running


def executor(machine: Machine, **more: Any) -> SystemdExecutor:
    usual: dict[str, Any] = {
        "units": ["shop-*.service"],
        "steady_seconds": 0.3,
        "command": machine.systemctl,
    }
    return SystemdExecutor(SystemdExecutorSettings(**{**usual, **more}))


def action(verb: str, name: str = WEB) -> Action:
    return Action(name=f"systemd.{verb}", target=Target(executor="systemd", kind="unit", name=name))


def counted(machine: Machine, what: str) -> int:
    file = machine.root / "counted" / what
    return len(file.read_text().splitlines()) if file.exists() else 0


def state(machine: Machine, name: str = WEB) -> str:
    return machine.ask("show", "--property=ActiveState", "--value", "--", name).stdout.strip()


class OnSystemd(ExecutorContract):
    verb: ClassVar[str]
    counts: ClassVar[str]
    before: ClassVar[str] = "start"
    machine: Machine

    @pytest.fixture(autouse=True)
    def _fresh(self, machine: Machine) -> None:
        self.machine = machine
        machine.ask(self.before, WEB)

    @contextmanager
    def opened(self, folder: Path) -> Iterator[Case]:
        first = counted(self.machine, self.counts)

        @contextmanager
        def later(**given: str) -> Iterator[SystemdExecutor]:
            script = LATER.format(**{"before": "", "after": "", **given})
            yield executor(self.machine, command=("sh", "-c", script, "later", *self.machine.systemctl))

        yield Case(
            executor=partial(executor, self.machine),
            action=action(self.verb),
            effects=lambda: counted(self.machine, self.counts) - first,
            state=partial(state, self.machine),
            absent=action(self.verb, "shop-none.service"),
            refused=((action(self.verb, "nginx.service"), "target.name"),),
            silent=partial(later, before="sleep 30;"),
            lost=partial(later, after="sleep 30;"),
        )


class TestRestart(OnSystemd):
    verb, counts = "restart", "starts"


class TestStart(OnSystemd):
    verb, counts, before = "start", "starts", "stop"


class TestStop(OnSystemd):
    verb, counts = "stop", "stops"


@pytest.mark.parametrize(("name", "raises"), [("shop-bad.service", True), ("shop-short.service", False)])
def test_a_unit_that_does_not_come_up_is_done_and_not_verified(
    machine: Machine, name: str, raises: bool
) -> None:
    found = executor(machine)
    if raises:
        with pytest.raises(ActionError, match="control process exited") as caught:
            found.execute(action("restart", name), call())
        assert caught.value.effect == "done"
    else:
        assert found.execute(action("restart", name), call()).changed
    verdict = settled(found, action("restart", name))
    assert (verdict.ok, verdict.settled) == (False, True)
    assert state(machine, name) == "failed"


def test_a_reload_reaches_the_process_and_leaves_no_trace(machine: Machine) -> None:
    machine.ask("start", WEB)
    found, before = executor(machine), counted(machine, "reloads")
    assert found.execute(action("reload"), call()).changed
    assert counted(machine, "reloads") == before + 1
    assert found.done(action("reload"), call(), {}) is None
