"""The executor `http` against a server that counts, compares, delays and drops."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.http import HttpExecutor, HttpExecutorSettings
from sre_copilot.domain.plan import Action, RiskLevel, Target
from sre_copilot.testing.executor_contract import SECRET, Case, ExecutorContract, call
from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.relay import relay

pytestmark = pytest.mark.integration  # each starts servers or processes of its own

REPLICAS = {"type": "integer", "minimum": 0, "maximum": 9}
WORD = {"pattern": "[^ ]*", "default": "plain"}


@dataclass
class Pools:
    """Pools with a size and a version; jobs are done each time that they are asked for, and their keys are kept."""

    sizes: dict[str, int] = field(default_factory=lambda: {"web": 2})
    version: int = 1
    changes: int = 0
    keys: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    status: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.asked.append(request)
            return self._answer(request)

    def _answer(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            return Response({}, 401)
        if self.status and request.method == "POST":
            return Response({}, self.status, headers={"location": "/v1/elsewhere"})
        if request.path.startswith("/v1/jobs"):
            return self._jobs(request)
        if name not in self.sizes:
            return Response({}, 404)
        if request.method == "POST":
            if request.headers.get("if-match", f'"{self.version}"') != f'"{self.version}"':
                return Response({}, 412)
            self.sizes[name], self.version = json.loads(request.body)["size"], self.version + 1
            self.changes += 1
        return Response({"spec": {"size": self.sizes[name]}}, headers={"etag": f'"{self.version}"'})

    def _jobs(self, request: Request) -> Response:
        if request.method == "GET":
            return Response({}, 200 if request.query["key"] in self.keys else 404)
        self.changes += 1
        self.keys.append(request.headers["idempotency-key"])
        return Response({}, 202)


SCALE = {
    "name": "scale",
    "base": "shop",
    "kind": "pool",
    "targets": ["web*"],
    "request": {"method": "POST", "path": "/pools/{target}", "body": {"size": "{size}"}},
    "parameters": {"size": REPLICAS},
    "level": "reversible",
    "look": {"path": "/pools/{target}"},
    "state": "/spec/size",
    "wanted": "{size}",
    "undo": {"method": "POST", "path": "/pools/{target}", "body": {"size": "{before}"}},
    "compare": True,
}
RUN = {
    "name": "run_job",
    "base": "shop",
    "kind": "pool",
    "targets": ["web*"],
    "request": {"method": "POST", "path": "/jobs", "body": {"pool": "{target}"}},
    "look": {"path": "/pools/{target}"},
    "find": {"path": "/jobs", "query": {"key": "{key}"}},
}
PLAIN = {
    "name": "plain",
    "base": "shop",
    "targets": ["*"],
    "request": {
        "method": "POST",
        "path": "/jobs/{word}",
        "query": {"q": "{word}"},
        "headers": {"x-word": "{word}"},
    },
    "parameters": {"word": WORD},
}


def executor(url: str, **more: Any) -> HttpExecutor:
    bases = {"shop": {"url": f"{url}/v1", "headers": {"Authorization": f"Bearer {SECRET}"}}}
    return HttpExecutor(HttpExecutorSettings(**{"bases": bases, "requests": [SCALE, RUN, PLAIN], **more}))


def action(verb: str = "scale", name: str = "web", kind: str = "pool", **parameters: Any) -> Action:
    return Action(
        name=f"http.{verb}", target=Target(executor="http", kind=kind, name=name), parameters=parameters
    )


@contextmanager
def opened(asked: Action, **more: Any) -> Iterator[Case]:
    pools = Pools()
    with serving(pools.answer) as url:
        port = int(url.rpartition(":")[2])

        @contextmanager
        def behind(manner: Any) -> Iterator[HttpExecutor]:
            with relay(("127.0.0.1", port)) as between:
                found = executor(f"http://127.0.0.1:{between.address[1]}")  # type: ignore[index]
                verb = found._verbs[asked.name]
                send = verb._wire.send  # type: ignore[attr-defined]

                def sent(ask: Any, of: Any) -> Any:
                    if ask.changes:
                        between.manner = manner
                        verb._wire._client.close()  # type: ignore[attr-defined]
                        verb._wire = type(verb._wire)("http", timeout_s=10.0)  # type: ignore[attr-defined]
                        return verb._wire.send(ask, of)  # type: ignore[attr-defined]
                    return send(ask, of)

                verb._wire.send = sent  # type: ignore[attr-defined]
                yield found

        with relay(("127.0.0.1", port)) as gone:
            closed = f"http://127.0.0.1:{gone.address[1]}"  # type: ignore[index]
        yield Case(
            executor=lambda: executor(url),
            action=asked,
            effects=lambda: pools.changes,
            state=lambda: dict(pools.sizes),
            absent=action(asked.name.partition(".")[2], "web-gone", **asked.parameters),
            unreachable=lambda: executor(closed),
            silent=lambda: behind("silent"),
            lost=lambda: behind("lost"),
            **more,
        )


class TestARequestThatSetsAState(ExecutorContract):
    def opened(self, folder: Path) -> Any:
        refused = (
            (action(name="db", size=3), "web*"),
            (action(size=10), "parameters.size"),
            (action(size="3"), "parameters.size"),
            (action("plain", "x", "resource", word=".."), "another path"),
            (action("plain", "x", "resource", word="a\nb"), "parameters.word"),
            (action("delete", size=1), "http.delete"),
        )
        return opened(action(size=5), refused=refused)


class TestARequestThatIsFoundByItsKey(ExecutorContract):
    undo_restores = False

    def opened(self, folder: Path) -> Any:
        return opened(action("run_job"))


@pytest.fixture
def pools() -> Iterator[tuple[Pools, HttpExecutor]]:
    found = Pools()
    with serving(found.answer) as url:
        yield found, executor(url)


def test_a_parameter_stays_in_its_place(pools: tuple[Pools, HttpExecutor]) -> None:
    found, executor = pools
    executor.execute(action("plain", "x", "resource", word="a/../b?c=d&e#f"), call())
    asked = found.asked[-1]
    assert (asked.path, asked.query["q"]) == ("/v1/jobs/a%2F..%2Fb%3Fc%3Dd%26e%23f", "a/../b?c=d&e#f")
    assert (asked.headers["x-word"], asked.headers["idempotency-key"]) == ("a/../b?c=d&e#f", call().key)


def test_a_request_without_a_trace_is_at_least_once_and_counts_as_irreversible(
    pools: tuple[Pools, HttpExecutor],
) -> None:
    plain = action("plain", "x", "resource")
    spec = next(each for each in pools[1].specs() if each.name == "http.plain")
    assert (spec.exactly_once, spec.reversible, spec.level) == (False, False, RiskLevel.HIGH)
    assert pools[1].done(plain, call(), {}) is None
    assert [each.key for each in pools[1].preview(plain).objections] == ["http.objection.no_trace"]


@pytest.mark.parametrize(
    ("status", "effect", "retry"),
    [
        (400, "none", False),
        (429, "none", True),
        (302, "unknown", False),
        (500, "unknown", True),
        (408, "unknown", True),
    ],
)
def test_what_a_status_says_of_the_effect(
    pools: tuple[Pools, HttpExecutor], status: int, effect: str, retry: bool
) -> None:
    pools[0].status = status
    with pytest.raises(ActionError, match=str(status)) as caught:
        pools[1].execute(action(size=5), call())
    assert (caught.value.effect, caught.value.retry) == (effect, retry)
    assert all(each.path != "/v1/elsewhere" for each in pools[0].asked)


def test_what_rests_on_an_outdated_state_is_refused_by_the_server(pools: tuple[Pools, HttpExecutor]) -> None:
    version = pools[1].look(action(size=5)).version
    pools[0].version += 1
    with pytest.raises(ActionError, match="412") as caught:
        pools[1].execute(action(size=5), call(version=version))
    assert caught.value.effect == "none"
    assert pools[0].changes == 0


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"bases": {"shop": {"url": "http://example.org"}}}, "in clear"),
        ({"bases": {"shop": {"url": "https://a:b@example.org"}}}, "headers"),
        ({"bases": {"shop": {"url": "file:///etc"}}}, "no address"),
        ({"requests": [SCALE | {"base": "other"}]}, "none of bases"),
        ({"requests": [SCALE, SCALE]}, "twice"),
        ({"requests": [SCALE | {"look": None}]}, "look: is missing"),
        ({"requests": [RUN | {"level": "reversible"}]}, "needs undo"),
        ({"requests": [RUN | {"find": {"path": "/jobs"}}]}, "must use"),
        ({"requests": [RUN | {"look": {"method": "POST", "path": "/a"}}]}, "must be GET"),
        ({"requests": [SCALE | {"parameters": {}}]}, "size cannot stand there"),
        ({"requests": [PLAIN | {"parameters": {"word": {}}}]}, "pattern or choices"),
        ({"requests": [PLAIN | {"request": {"path": "https://elsewhere/"}}]}, "path"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(more: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        executor("https://example.org", **more)
