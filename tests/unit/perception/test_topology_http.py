from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceAnswerError
from sre_copilot.perception.source import Reading
from sre_copilot.perception.topology_http import TopologyHttpSettings, TopologyHttpSource
from sre_copilot.testing.servers.json_server import Request, Response, serving

SERVICES = [
    {"id": "web", "meta": {"team": "front"}, "uses": ["cart", "pay"]},
    {"id": "cart", "meta": {"team": "shop", "labels": ["a", "b"]}, "uses": []},
    {"id": "pay", "meta": {}, "uses": ["cart"]},
]
MAPPING: dict[str, Any] = {
    "requests_per_second": 1000,
    "entities": {
        "path": "/services",
        "items": "data.rows[*]",
        "name": "id",
        "attributes": {"owner": "meta.team", "labels": "meta.labels"},
    },
    "relations": {"path": "/services", "items": "data.rows[*]", "caller": "id", "callee": "uses"},
}


def read(url: str, **settings: Any) -> Reading:
    source = TopologyHttpSource(TopologyHttpSettings(url=url, **{**MAPPING, **settings}))
    try:
        return source.read(Window(0, 1))
    finally:
        source.close()


def by_offset(request: Request) -> Response:
    start, size = int(request.query.get("offset", 0)), int(request.query.get("limit", 100))
    return Response({"data": {"rows": SERVICES[start : start + size]}})


def by_link(request: Request) -> Response:
    page = int(request.query.get("page", 0))
    more = {"Link": f'</services?page={page + 1}>; rel="next"'} if page < 2 else {}
    return Response({"data": {"rows": [SERVICES[page]]}}, headers=more)


def by_mark(request: Request) -> Response:
    page = int(request.query.get("cursor", 0))
    return Response({"data": {"rows": [SERVICES[page]]}, "next": {"mark": page + 1 if page < 2 else None}})


def by_address(request: Request) -> Response:
    page = int(request.query.get("page", 0))
    return Response(
        {"data": {"rows": [SERVICES[page]]}, "next": f"/services?page={page + 1}" if page < 2 else ""}
    )


@pytest.mark.parametrize(
    ("server", "settings"),
    [
        (by_offset, {}),
        (by_offset, {"paging": "offset", "page_size": 2}),
        (by_offset, {"paging": "offset", "page_size": 1}),
        (by_link, {"paging": "link"}),
        (by_address, {"paging": "next"}),
        (by_mark, {"paging": "next", "next": "next.mark", "next_parameter": "cursor"}),
    ],
)
def test_every_way_of_paging_gives_the_whole_estate(server: Any, settings: dict[str, Any]) -> None:
    with serving(server) as url:
        reading = read(url, **settings)
    assert reading.topology is not None
    assert reading.topology.edges == (("pay", "cart"), ("web", "cart"), ("web", "pay"))
    assert reading.inventory is not None
    assert reading.inventory.by_name["cart"].attributes == {"owner": "shop", "labels": "a, b"}
    assert reading.inventory.by_name["pay"].kind == "service"
    assert reading.gaps == ()


def test_a_query_in_the_path_goes_with_every_page() -> None:
    asked = []

    def answer(request: Request) -> Response:
        asked.append(request.query)
        return by_offset(request)

    with serving(answer) as url:
        read(
            url,
            paging="offset",
            page_size=2,
            entities=None,
            relations={**MAPPING["relations"], "path": "/e?env=live"},
        )
    assert [query["env"] for query in asked] == ["live"] * 3
    assert [query["offset"] for query in asked] == ["0", "2", "3"]


def test_a_next_page_on_another_server_is_refused_for_the_credentials_sake() -> None:
    def elsewhere(request: Request) -> Response:
        return Response({"data": {"rows": []}, "next": "http://other.example/steal"})

    with serving(elsewhere) as url, pytest.raises(SourceAnswerError, match="another server"):
        read(url, paging="next")


def test_a_next_page_that_leads_back_is_an_error_and_no_endless_loop() -> None:
    def round_and_round(request: Request) -> Response:
        return Response({"data": {"rows": SERVICES}, "next": "/services?page=1"})

    with serving(round_and_round) as url, pytest.raises(SourceAnswerError, match="without end"):
        read(url, paging="next")


def test_a_server_that_sends_the_same_page_each_time_is_an_error() -> None:
    def deaf(request: Request) -> Response:
        return Response({"data": {"rows": SERVICES}})

    with serving(deaf) as url, pytest.raises(SourceAnswerError, match="without end"):
        read(url, paging="offset")


def test_words_of_the_system_become_ours() -> None:
    def typed(request: Request) -> Response:
        return Response([{"from": "web", "to": "host-1", "how": "deployedOn"}, {"from": "web", "to": "cart"}])

    relations = {
        "path": "/e",
        "caller": "from",
        "callee": "to",
        "kind": "how",
        "kinds": {"deployedOn": "runs_on"},
    }
    with serving(typed) as url:
        reading = read(url, entities=None, relations=relations)
    assert reading.inventory is not None
    assert [(each.callee, each.kind) for each in reading.inventory.relations] == [
        ("cart", "calls"),
        ("host-1", "runs_on"),
    ]


def test_rows_without_a_name_are_told() -> None:
    def nameless(request: Request) -> Response:
        return Response({"data": {"rows": [{"meta": {}}, SERVICES[1]]}})

    with serving(nameless) as url:
        (gap,) = read(url, relations=None).gaps
    assert dict(gap.message.params) == {"what": "/services", "rows": 1, "total": 2}


def test_a_path_that_is_none_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ValidationError, match="is no path"):
        TopologyHttpSettings(
            url="http://localhost", **json.loads('{"entities": {"path": "/", "name": "a..b"}}')
        )


def test_without_a_mapping_health_says_what_to_set() -> None:
    source = TopologyHttpSource(TopologyHttpSettings(url="http://localhost:9"))
    assert (source.health().ok, source.health().remedy) == (False, "set entities or relations")
