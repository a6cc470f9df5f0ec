"""The executor `docker` against Podman."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.docker import DockerExecutor, DockerExecutorSettings
from sre_copilot.domain.plan import Action, Target
from sre_copilot.testing.executor_contract import Case, ExecutorContract, call, settled
from sre_copilot.testing.servers.podman import Podman, podman
from sre_copilot.testing.servers.real import CannotRunHereError, missing
from sre_copilot.testing.servers.relay import relay

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("podman")), reason=missing("podman")),
    pytest.mark.skipif(os.geteuid() != 0, reason="Podman is started as root here"),
]
pytest.importorskip("docker", reason="the extra `actions` is not installed")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    with ExitStack() as stack:
        try:
            running = stack.enter_context(podman(tmp_path_factory.mktemp("podman")))
        except CannotRunHereError as error:
            pytest.skip(str(error))
        yield running


def executor(engine: Podman, *, url: str = "") -> DockerExecutor:
    settings = DockerExecutorSettings(
        url=url or f"unix://{engine.socket}",
        steady_seconds=0.3,
        stop_seconds=1,
        timeout_seconds=5,
        protected=("db",),
    )
    return DockerExecutor(settings)


def action(verb: str, name: str = "web", **parameters: Any) -> Action:
    target = Target(executor="docker", kind="container", name=name)
    return Action(name=f"docker.{verb}", target=target, parameters=parameters)


class Contract(ExecutorContract):
    """On a container that is made anew for each test."""

    verb = "restart"

    @pytest.fixture
    def case(self, tmp_path: Path, engine: Podman) -> Iterator[Case]:
        engine.run("web")
        if self.verb == "start":
            engine.ask("stop", "-t", "0", "web")
        first = engine.shown("web", "{{.State.StartedAt}}")
        seen: list[str] = []

        def effects() -> int:
            if self.verb == "stop":
                return int(engine.shown("web", "{{.State.Status}}") == "exited")
            at = engine.shown("web", "{{.State.StartedAt}}")
            if at != first and at not in seen:
                seen.append(at)
            return len(seen)

        @contextmanager
        def through(manner: Any) -> Iterator[DockerExecutor]:
            with relay(engine.socket, tmp_path / "r.sock") as between:
                found = executor(engine, url=f"unix://{tmp_path}/r.sock")
                if manner == "silent":
                    between.manner = manner
                else:
                    manager = found._verbs["docker.start"].manager  # type: ignore[attr-defined]
                    change = manager._change
                    manager._change = lambda *each: (setattr(between, "manner", manner), change(*each))
                yield found

        try:
            yield Case(
                executor=partial(executor, engine),
                action=action(self.verb),
                effects=effects,
                state=lambda: engine.shown("web", "{{.State.Status}}"),
                absent=action(self.verb, "nobody"),
                refused=((action(self.verb, "db"), "protected"), (action("limits"), "parameters")),
                unreachable=lambda: executor(engine, url=f"unix://{tmp_path}/nothing.sock"),
                silent=lambda: through("silent"),
                lost=lambda: through("lost"),
            )
        finally:
            engine.ask("rm", "-f", "-t", "0", "web")


class TestRestart(Contract):
    def test_another_key_is_another_effect_unless_it_is_there_already(self, case: Case) -> None:
        found = case.executor()
        found.execute(case.action, call())
        assert case.effects() == 1
        assert found.execute(case.action, call(step="s2")).changed
        assert case.effects() == 2


class TestStop(Contract):
    verb = "stop"


class TestStart(Contract):
    verb = "start"


def test_limits_are_set_shown_and_taken_back(engine: Podman) -> None:
    engine.run("limited")
    try:
        found, limits = executor(engine), action("limits", "limited", memory_mb=64, cpus=0.5)
        before, backup = found.look(limits), found.backup(limits)
        assert found.preview(limits).difference == ("cpus: 0.0 -> 0.5", "memory_mb: 0 -> 64")
        try:
            found.execute(limits, call())
        except ActionError as error:
            pytest.skip(f"this engine changes no limits: {error}")
        assert settled(found, limits).ok
        assert found.done(limits, call(), backup)
        found.undo(limits, call("undo"), backup)
        assert found.look(limits).digest == before.digest
    finally:
        engine.ask("rm", "-f", "-t", "0", "limited")
