"""Names of targets: what is protected stays so by whichever name it is called, and none leads to another place of an API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.executor import ActionError, Executor
from sre_copilot.action.executors.http import HttpExecutor, HttpExecutorSettings
from sre_copilot.action.executors.kubernetes import KubernetesExecutor, KubernetesExecutorSettings
from sre_copilot.action.executors.supervisor import SupervisorExecutor, SupervisorExecutorSettings
from sre_copilot.action.executors.supervisor.executor import Supervisor
from sre_copilot.action.executors.tickets import TicketsExecutor, TicketsExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.executor_contract import call


def action(name: str, target: str, kind: str, namespace: str = "", **parameters: Any) -> Action:
    it = Target(executor=name.partition(".")[0], kind=kind, name=target, namespace=namespace)
    return Action(name=name, target=it, parameters=parameters)


def refused(executor: Executor, asked: Action, word: str) -> None:
    with pytest.raises(ActionError, match=word) as caught:
        executor.check(asked)
    assert caught.value.effect == "none"


# -- supervisor -------------------------------------------------------------------------------------------------------


class GivenProcesses:
    """What supervisor shows of `redis` and of the group `shop`; it is never asked to change anything here."""

    def __init__(self) -> None:
        self.changes: list[Any] = []

    def read(self, method: str, *arguments: str, call: Any) -> Any:
        known = [("redis", "redis"), ("shop", "web"), ("shop", "ledger")]
        rows = [
            {"group": group, "name": name, "statename": "RUNNING", "pid": 7, "start": 1, "stop": 0, "now": 9}
            for group, name in known
        ]
        if method == "getAllProcessInfo":
            return rows
        group, _, name = arguments[0].partition(":")
        return next(each for each in rows if (each["group"], each["name"]) == (group, name or group))

    def change(self, *arguments: Any, **more: Any) -> None:
        self.changes.append(arguments)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("process", "redis"), ("process", "redis:redis"), ("group", "redis"), ("process", "shop:ledger"), ("group", "shop")],
)  # fmt: skip
def test_a_protected_process_is_not_touched_by_another_spelling_nor_with_its_group(
    monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    client = GivenProcesses()
    made = Supervisor.__init__

    def with_client(self: Supervisor, settings: SupervisorExecutorSettings) -> None:
        made(self, settings)
        self._client = client  # type: ignore[assignment]

    monkeypatch.setattr(Supervisor, "__init__", with_client)
    settings = SupervisorExecutorSettings(url="unix:///s", protected=("shop:ledger", "redis"))
    found = SupervisorExecutor(settings)
    for verb, more in (("stop", {}), ("restart", {}), ("signal", {"signal": "HUP"})):
        with pytest.raises(ActionError, match="protected") as caught:
            found.execute(action(f"supervisor.{verb}", name, kind, **more), call())
        assert caught.value.effect == "none"
    assert client.changes == []
    assert found.look(action("supervisor.stop", "shop:web", "process")).exists


def test_a_group_is_touched_only_where_each_of_its_processes_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SupervisorExecutorSettings(url="unix:///s", processes=("shop", "shop:web"))
    manager = Supervisor(settings)
    monkeypatch.setattr(manager, "_client", GivenProcesses())
    group = Target(executor="supervisor", kind="group", name="shop")
    assert len(manager.lives(group, None)) == 2
    with pytest.raises(ActionError, match="redis:redis is not among"):
        manager.lives(Target(executor="supervisor", kind="process", name="redis"), None)


# -- docker -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """An executor `docker` whose engine answers every id and name with the container `ledger`."""
    pytest.importorskip("docker", reason="the extra `actions` is not installed")
    from sre_copilot.action.executors.docker import DockerExecutor, DockerExecutorSettings
    from sre_copilot.action.executors.docker.engine import Engine

    asked: list[str] = []

    class Client:
        def __getattr__(self, name: str) -> Any:
            def answer(*arguments: Any, **more: Any) -> Any:
                asked.append(name)
                return {
                    "Id": "3f2a9b1c0d4e",
                    "Name": "/ledger",
                    "State": {"Status": "running"},
                    "HostConfig": {},
                }

            return None if name == "close" and asked.append("") else answer  # type: ignore[func-returns-value]

    monkeypatch.setattr(Engine, "_client", lambda self, library, seconds: Client())
    return lambda **more: (DockerExecutor(DockerExecutorSettings(**more)), asked)


def test_a_container_is_touched_by_its_name_alone(docker: Callable[..., Any]) -> None:
    found, asked = docker(protected=("ledger",))
    with pytest.raises(ActionError, match="is the container ledger; write its name") as caught:
        found.execute(action("docker.stop", "3f2a9b1c0d4e", "container"), call())
    assert caught.value.effect == "none"
    assert "stop" not in asked
    free, asked = docker()
    assert free.execute(action("docker.stop", "ledger", "container"), call()).changed
    assert "stop" in asked


@pytest.mark.parametrize("name", ["../images/nginx", "/ledger", "a/b", "..", "a?b", "a%2Fb", "ledger\n"])
def test_what_would_lead_to_another_place_of_the_engine_is_no_name(
    docker: Callable[..., Any], name: str
) -> None:
    found, asked = docker()
    refused(found, action("docker.stop", name, "container"), "is no name of a container")
    assert [each for each in asked if each] == []


# -- paths of other systems -------------------------------------------------------------------------------------------


def kubernetes() -> Executor:
    return KubernetesExecutor(KubernetesExecutorSettings(url="https://127.0.0.1:1"))


@pytest.mark.parametrize(("name", "namespace"), [("..", "shop"), ("web\n", "shop"), ("a/b", "shop"), ("web", "kube-system\n")])  # fmt: skip
def test_an_object_of_kubernetes_is_named_as_kubernetes_names_it(name: str, namespace: str) -> None:
    refused(kubernetes(), action("kubernetes.rollout_restart", name, "Deployment", namespace), r"target\.")


@pytest.mark.parametrize("name", ["..", ".", "OPS-1/..", "OPS-1\\x", "OPS-1?a", "OPS-1#a", "%2e%2e"])
def test_a_ticket_leads_to_no_other_place(name: str) -> None:
    settings = TicketsExecutorSettings(system="jira", url="https://127.0.0.1:1", queue="OPS")
    refused(TicketsExecutor(settings), action("tickets.comment", name, "ticket", text="a"), "is no ticket")


def http() -> Executor:
    request = {"method": "POST", "path": "/flags/{target}", "headers": {"x-tag": "{tag}"}}
    entry = {"name": "tag", "base": "b", "targets": ["*"], "request": request, "parameters": {"tag": {"pattern": ".+"}}}  # fmt: skip
    return HttpExecutor(HttpExecutorSettings(bases={"b": {"url": "http://127.0.0.1:1"}}, requests=[entry]))


@pytest.mark.parametrize("tag", ["grün", "标签", "a\x7fb"])
def test_a_header_that_cannot_be_written_is_refused_before_anything_is_asked(tag: str) -> None:
    refused(http(), action("http.tag", "web", "resource", tag=tag), "header x-tag")
    assert http().check(action("http.tag", "web", "resource", tag="plain"))


def test_what_a_request_cannot_hold_has_no_effect(tmp_path: Path) -> None:
    from sre_copilot.action.executors.wire import Ask, Wire

    wire = Wire("http", timeout_s=1.0)
    for ask in (
        Ask(method="POST", url="http://127.0.0.1:1", headers={"a": "ü"}, changes=True),
        Ask(method="POST", url="http://127.0.0.1:x", json=json.loads("{}"), changes=True),
    ):
        with pytest.raises(ActionError, match="cannot be written") as caught:
            wire.send(ask, call())
        assert caught.value.effect == "none"
