"""Whatever JSON a system answers, a source reads it or says in words that it cannot."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError
from sre_copilot.perception.registry import open_source
from sre_copilot.testing.servers.json_server import Request, Response, serving

MAPPING = {"entities": {"path": "/a", "items": "$[*]"}, "relations": {"path": "/b"}}
SOURCES: dict[str, dict[str, Any]] = {
    "prometheus": {"core_metrics": ["up"]},
    "promql_transactions": {"volume": "sum(up)"},
    "zabbix": {},
    "loki": {},
    "elasticsearch": {},
    "opensearch": {},
    "jaeger": {},
    "zipkin": {},
    "tempo": {},
    "kubernetes": {"watch": False},
    "servicenow": {},
    "topology_http": MAPPING,
}
INNER: tuple[Any, ...] = (None, 1, "x", [], {}, [None], ["x"], [[]], [{}], [[None]], [{"a": 1}], {"a": None}, {"hits": None}, {"hits": [None]},
    {"hits": [{"_source": 1, "sort": "x"}]}, {"groups": 1}, {"result": [None]}, {"resultType": "matrix", "result": [1]},
    {"resultType": "matrix", "result": [{"metric": {"service": "a"}, "values": [[None, "x"]]}]}, {"resultType": "streams", "result": [{"stream": 1, "values": [[]]}]},
    {"resultType": "streams", "result": [{"stream": {}, "values": [["x", "y"]]}]}, [{"traceID": 1, "spans": 1}], [{"traceID": "a", "spans": [None]}],
    [[{"traceId": 1}]], [{"hosts": [], "key_": "a"}], [{"metadata": 1}], [{"metadata": {"name": 1}}], [{"scopeSpans": 1}], [{"scopeSpans": [{"spans": [{"traceId": 1}]}]}])  # fmt: skip
KEYS = ("data", "hits", "result", "version", "fields", "services", "traces", "items", "metadata", "status", "trace", "resourceSpans", "pit_id", "id", "warnings", "errors")  # fmt: skip


def documents() -> list[Any]:
    """Answers of every form, and some forms wherever a system may have its answer."""
    places = [(key, inner) for key in KEYS for inner in (1, [None], {"a": None})] + [
        ("data", inner) for inner in INNER
    ]
    places += [("hits", {"hits": inner}) for inner in ([None], [{"_source": 1, "sort": "x"}])]
    whole = {"status": "success", "id": "p", "fields": {"@timestamp": {"date": {}}}, "indices": ["a"]}
    return [*INNER, *({**whole, key: inner} for key, inner in places)]


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_an_answer_of_any_form_is_read_or_refused_in_words(kind: str) -> None:
    now: list[Any] = [None]

    def answer(request: Request) -> Response:
        return Response(now[0])

    with serving(answer) as url:
        settings = {"type": kind, "url": url, "attempts": 1, "requests_per_second": 1e6, **SOURCES[kind]}
        source = open_source(settings)
        for document in documents():
            now[0] = document
            with suppress(SourceError):
                source.read(Window(1_700_000_000.0, 1_700_000_060.0))
            source.health()
        source.close()
