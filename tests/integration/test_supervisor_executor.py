"""The executor `supervisor` against a real supervisor."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.supervisor import SupervisorExecutor, SupervisorExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call, settled
from sre_copilot.testing.servers.relay import relay
from sre_copilot.testing.servers.supervisor import USER, RunningSupervisor, supervisor

pytestmark = pytest.mark.integration
STEADY = "startsecs=0"


def program(folder: Path) -> str:
    """A program that leaves a mark each time it is started."""
    code = f"import time; open('{folder}/runs', 'a').write('x'); time.sleep(1000)"
    return f'{sys.executable} -S -c "{code}"'


def runs(folder: Path) -> int:
    """How often it was started."""
    marks = folder / "runs"
    return len(marks.read_text()) if marks.exists() else 0


def executor(at: RunningSupervisor, *, url: str = "", **more: Any) -> SupervisorExecutor:
    usual: dict[str, Any] = {
        "username": USER,
        "password": SECRET,
        "steady_seconds": 0.5,
        "timeout_seconds": 2,
    }
    return SupervisorExecutor(
        SupervisorExecutorSettings(url=url or f"unix://{at.socket}", **{**usual, **more})
    )


def action(verb: str, name: str = "web", kind: str = "process", **parameters: Any) -> Action:
    target = Target(executor="supervisor", kind=kind, name=name)
    return Action(name=f"supervisor.{verb}", target=target, parameters=parameters)


def phases(at: RunningSupervisor) -> dict[str, str]:
    return {each["name"]: each["statename"] for each in at.rpc.getAllProcessInfo()}


def await_runs(folder: Path, number: int) -> int:
    """The number of starts, once it is no longer below what is expected."""
    until = time.monotonic() + 5
    while runs(folder) < number and time.monotonic() < until:
        time.sleep(0.05)
    return runs(folder)


@contextmanager
def opened(folder: Path, verb: str, *, by_port: bool = False, autostart: bool = True) -> Iterator[Case]:
    programs = {"web": program(folder), "other": "sleep 1000"}
    with supervisor(folder / "s", programs, options=STEADY, password=SECRET, autostart=autostart) as at:
        first = await_runs(folder, 1) if autostart else 0
        url = f"http://127.0.0.1:{at.port}" if by_port else ""

        @contextmanager
        def through(manner: Any) -> Iterator[SupervisorExecutor]:
            with relay(at.socket, folder / "relay.sock") as between:
                found = executor(at, url=f"unix://{folder}/relay.sock")
                if manner == "silent":
                    between.manner = manner
                else:
                    _lose_changes(found, lambda: setattr(between, "manner", manner))
                yield found

        def effects() -> int:
            if verb == "stop":
                return int(phases(at)["web"] == "STOPPED")
            before = runs(folder)
            time.sleep(0.3)  # a program that was started just now leaves its mark a moment later
            return max(before, runs(folder)) - first

        yield Case(
            executor=partial(executor, at, url=url),
            action=action(verb),
            effects=effects,
            state=lambda: phases(at),
            absent=action(verb, "nobody"),
            refused=(
                (action(verb, kind="unit"), "target.kind"),
                (action(verb, "two words"), "target.name"),
                (action("reboot"), "reboot"),
                (action("signal"), "signal"),
                (action("signal", signal="KILL"), "parameters.signal"),
            ),
            unreachable=lambda: executor(at, url=f"unix://{folder}/nothing.sock"),
            silent=lambda: through("silent"),
            lost=lambda: through("lost"),
        )


def _lose_changes(found: SupervisorExecutor, lose: Any) -> None:
    """From the first change on answers are lost; what is only read before still arrives."""
    client = found._verbs["supervisor.start"].manager._client  # type: ignore[attr-defined]
    change = client.change

    def losing(*arguments: Any, **more: Any) -> Any:
        lose()
        return change(*arguments, **more)

    client.change = losing


class TestRestartBySocket(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        return opened(folder, "restart")


class TestStopByPort(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        return opened(folder, "stop", by_port=True)


class TestStart(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        return opened(folder, "start", autostart=False)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningSupervisor]:
    programs = {
        "web": program(tmp_path),
        "g:one": "sleep 1000",
        "g:two": "sleep 1000",
        "bad": f"{tmp_path}/not-there",
        "brief": f'{sys.executable} -S -c "import sys; sys.exit(3)"',
    }
    with supervisor(tmp_path / "s", programs, options="startsecs=1\nstartretries=1", password=SECRET) as at:
        until = time.monotonic() + 10
        while (phases(at)["web"], phases(at)["one"]) != ("RUNNING", "RUNNING") and time.monotonic() < until:
            time.sleep(0.05)
        yield at


def test_a_group_is_restarted_as_a_whole(shop: RunningSupervisor) -> None:
    found, restart = executor(shop), action("restart", "g", "group")
    before = {name: shop.rpc.getProcessInfo(f"g:{name}")["pid"] for name in ("one", "two")}
    preview, backup = found.preview(restart), found.backup(restart)
    assert [each.key for each in preview.objections] == ["process.objection.all_at_once"]
    assert preview.difference == ("g:one: RUNNING -> restarted", "g:two: RUNNING -> restarted")
    found.execute(restart, call())
    assert settled(found, restart).ok
    after = {name: shop.rpc.getProcessInfo(f"g:{name}")["pid"] for name in ("one", "two")}
    assert all(before[name] != after[name] for name in before)
    assert found.done(restart, call(), backup)


def test_half_a_group_restarted_is_not_done_and_is_finished(shop: RunningSupervisor) -> None:
    found, restart = executor(shop), action("restart", "g", "group")
    backup = found.backup(restart)
    shop.rpc.stopProcess("g:one")
    shop.rpc.startProcess("g:one")
    shop.rpc.stopProcess("g:two")  # and here somebody was killed
    assert found.done(restart, call(), backup) is False
    found.execute(restart, call())
    assert settled(found, restart).ok
    assert found.done(restart, call(), backup)


def test_what_cannot_be_started_is_said_with_supervisors_reason(shop: RunningSupervisor) -> None:
    with pytest.raises(ActionError, match="fault 20") as caught:
        executor(shop).execute(action("start", "bad"), call())
    assert (caught.value.effect, caught.value.retry) == ("none", False)


def test_a_process_that_ends_at_once_is_never_verified(shop: RunningSupervisor) -> None:
    found, start = executor(shop), action("start", "brief")
    found.execute(start, call())
    verdict = settled(found, start)
    assert (verdict.ok, verdict.settled) == (False, True)
    assert verdict.reason.key == "process.verify.not_running"


def test_a_process_that_hangs_is_killed_and_restarted(shop: RunningSupervisor) -> None:
    found, restart = executor(shop), action("restart", "web")
    pid = shop.rpc.getProcessInfo("web")["pid"]
    os.kill(pid, 19)
    with pytest.raises(ActionError, match="is still stopping") as caught:
        found.execute(restart, call(seconds=1))
    assert (caught.value.effect, caught.value.retry) == ("unknown", True)
    found.execute(restart, call())
    assert settled(found, restart).ok
    assert shop.rpc.getProcessInfo("web")["pid"] != pid


def test_a_process_that_came_back_by_itself_counts_as_restarted(shop: RunningSupervisor) -> None:
    found, restart = executor(shop), action("restart", "web")
    looked, backup = found.look(restart), found.backup(restart)
    pid = shop.rpc.getProcessInfo("web")["pid"]
    os.kill(pid, 9)
    until = time.monotonic() + 5
    while not found.done(restart, call(), backup) and time.monotonic() < until:
        time.sleep(0.05)
    assert found.done(restart, call(), backup)
    assert settled(found, restart).ok
    assert found.look(restart).digest == looked.digest


def test_a_signal_arrives_and_nobody_pretends_to_know(shop: RunningSupervisor) -> None:
    found, hup = executor(shop), action("signal", "web", signal="HUP")
    pid, backup = shop.rpc.getProcessInfo("web")["pid"], found.backup(hup)
    spec = next(each for each in found.specs() if each.name == "supervisor.signal")
    assert (spec.exactly_once, spec.reversible) == (False, False)
    assert found.preview(hup).difference == ("web: signal HUP",)
    assert found.execute(hup, call()).changed
    until = time.monotonic() + 5
    while shop.rpc.getProcessInfo("web")["pid"] == pid and time.monotonic() < until:
        time.sleep(0.05)
    assert (
        shop.rpc.getProcessInfo("web")["pid"] != pid
    )  # it ends such a program, and supervisor starts it again
    assert found.done(hup, call(), backup) is None
    with pytest.raises(ActionError, match="cannot be undone"):
        found.undo(hup, call("undo"), backup)


def test_only_what_the_settings_allow_is_touched(shop: RunningSupervisor) -> None:
    found = executor(shop, processes=("g:*", "web"), protected=("g:two",))
    assert found.check(action("restart", "g:one"))
    for name in ("g:two", "bad", "g"):
        with pytest.raises(ActionError, match=r"target\.name"):
            found.execute(action("restart", name), call())


def test_a_wrong_password_is_refused_and_not_repeated(shop: RunningSupervisor) -> None:
    with pytest.raises(ActionError, match="username and password") as caught:
        executor(shop, password="wrong-" + SECRET).execute(action("restart"), call())
    assert caught.value.effect == "none"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"url": "supervisor.sock"}, "url"),
        ({"url": "http://10.0.0.1:9001", "username": "a", "password": SECRET}, "in clear"),
        ({"url": f"http://a:{SECRET}@127.0.0.1:9001"}, "username and password"),
        ({"url": "unix:///s", "username": "a"}, "both"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word) as caught:
        SupervisorExecutorSettings(**settings)
    assert SECRET not in str(caught.value)
