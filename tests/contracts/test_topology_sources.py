"""Sources of the estate keep to what every source keeps to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sre_copilot.perception.servicenow import ServiceNowSettings, ServiceNowSource
from sre_copilot.perception.source import Reading, Source
from sre_copilot.perception.topology_file import TopologyFileSettings, TopologyFileSource
from sre_copilot.perception.topology_http import TopologyHttpSettings, TopologyHttpSource
from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.servicenow import servicenow
from sre_copilot.testing.source_contract import SourceContract


class Estate:
    """What has no times: an item is a call from `web` to the service of that number."""

    page = 0

    def __init__(self, url: str, keep: Callable[[list[str]], None], make: Callable[..., Source]) -> None:
        self.url = url
        self._keep = keep
        self._make = make

    def store(self, times: Sequence[int]) -> None:
        self._keep([f"service-{time}" for time in times])

    def source(self, **settings: Any) -> Source:
        return self._make(**settings)

    def times(self, reading: Reading) -> list[int]:
        assert reading.topology is not None
        return [int(callee.removeprefix("service-")) for _, callee in reading.topology.edges]


class TestTopologyFile(SourceContract):
    timed = False

    @contextmanager
    def system(self, folder: Path) -> Iterator[Estate]:
        file = folder / "estate.csv"
        file.write_text("caller,callee\n", encoding="utf-8")

        def keep(names: list[str]) -> None:
            rows = "".join(f"web,{name}\n" for name in names)
            file.write_text("caller,callee\n" + rows, encoding="utf-8")

        yield Estate(
            "", keep, lambda **given: TopologyFileSource(TopologyFileSettings(files=(file,), **given))
        )


class TestTopologyHttp(SourceContract):
    timed = False

    @contextmanager
    def system(self, folder: Path) -> Iterator[Estate]:
        rows: list[dict[str, str]] = []

        def answer(request: Request) -> Response:
            return Response(rows)

        def keep(names: list[str]) -> None:
            rows.extend({"caller": "web", "callee": name} for name in names)

        with serving(answer) as url:

            def make(**given: Any) -> Source:
                settings = {"url": url, "relations": {"path": "/edges"}, **given}
                return TopologyHttpSource(TopologyHttpSettings.model_validate(settings))

            yield Estate(url, keep, make)


class TestServiceNow(SourceContract):
    timed = False

    @contextmanager
    def system(self, folder: Path) -> Iterator[Estate]:
        with servicenow() as server:

            def keep(names: list[str]) -> None:
                for name in names:
                    link = {"sys_id": name, "parent": "web", "child": name, "type": "Depends on::Used by"}
                    server.tables["cmdb_rel_ci"].append(link)

            def make(**given: Any) -> Source:
                settings = {"url": server.url, "requests_per_second": 1000, **given}
                return ServiceNowSource(ServiceNowSettings.model_validate(settings))

            yield Estate(server.url, keep, make)
