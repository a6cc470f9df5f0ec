"""What is sent to Elasticsearch and OpenSearch, and read from them, held to their own recorded stories."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceRefused
from sre_copilot.perception.elasticsearch import ElasticsearchSettings, ElasticsearchSource
from sre_copilot.perception.opensearch import OpenSearchSource
from sre_copilot.perception.search_api import Documents, clauses, missing
from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.loki import loki_server
from sre_copilot.testing.servers.unruly_proxy import unruly_proxy

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
needs_golden_files = pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")
URL = "http://127.0.0.1:9"


def golden(path: str) -> list[Any]:
    return list(yaml.safe_load_all((Path(CONTRACTS) / path).read_text()))


@needs_golden_files
def test_opensearch_points_in_time_are_opened_and_closed_as_its_stories_do() -> None:
    (story,) = golden("opensearch/stories/_core/search/point_in_time.yaml")
    opening = next(each for each in story["prologues"] if each.get("id") == "pit")
    (closing,) = story["chapters"]
    dialect = OpenSearchSource.dialect
    assert opening["path"] == f"/movies/{dialect.open_path}"
    assert opening["output"]["id"] == f"payload.{dialect.id_key}"
    assert (closing["method"], closing["path"]) == ("DELETE", dialect.close_path)
    assert closing["request"]["payload"] == dialect.closing("${pit.id}")


@needs_golden_files
def test_opensearch_closes_and_searches_as_its_own_tests_do() -> None:
    steps = golden("opensearch/core/pit/10_basic.yml")[0]["Create PIT, Search with PIT ID and Delete"]
    done = {name: call for step in steps for name, call in step.get("do", {}).items()}
    assert done["delete_pit"]["body"] == OpenSearchSource.dialect.closing("$pit_id")
    assert set(done["create_pit"]) >= {"index", "keep_alive"}


@needs_golden_files
def test_elasticsearch_points_in_time_are_used_as_its_clients_are_tested() -> None:
    parts = golden("elasticsearch/clients_tests/point_in_time/10_basic.yml")
    steps = next(part["point_in_time"] for part in parts if "point_in_time" in part)
    calls = {name: call for step in steps for name, call in step.get("do", {}).items()}
    saved = next(step["set"] for step in steps if "set" in step)
    dialect = ElasticsearchSource.dialect
    assert list(saved) == [dialect.id_key]
    assert calls["close_point_in_time"]["body"] == dialect.closing("$id")
    assert set(calls["search"]["body"]["pit"]) == {"id", "keep_alive"}


@needs_golden_files
def test_sort_values_go_back_as_they_came() -> None:
    steps = golden("elasticsearch/compat_scenarios/search_after/0001-search_after_edge_case.yaml")
    hits = [step["expected"]["hits"]["hits"] for step in steps if step]
    values = [value for each in hits if isinstance(each, list) for hit in each for value in hit["sort"]]
    assert 2**63 - 1 in values
    assert 18_000_000_000_000_000_000 in values
    for value in values:
        assert orjson.loads(orjson.dumps(value)) == value
        assert type(orjson.loads(orjson.dumps(value))) is type(value)


@needs_golden_files
def test_what_is_read_of_an_answer_is_in_its_schema() -> None:
    (schema,) = golden("opensearch/schemas/_core.search.yaml")
    text = yaml.safe_dump(schema)
    for word in ("_shards", "timed_out", "hits", "pit_id"):
        assert f"{word}:" in text, word


def test_shards_that_failed_and_time_that_ran_out_are_gaps() -> None:
    answer = {
        "timed_out": True,
        "_shards": {
            "total": 5, "successful": 3, "failed": 2,
            "failures": [{"shard": 0, "reason": {"type": "x", "reason": "no such field"}}] * 2,
        },
    }  # fmt: skip
    shards, late = missing(answer, "es")
    assert dict(shards.message.params) == {"source": "es", "failed": 2, "total": 5, "said": "no such field"}
    assert late.message.key == "gap.logs_timed_out"
    assert missing({"_shards": {"total": 5, "failed": 0}, "timed_out": False}, "es") == []


def test_the_window_is_asked_for_with_whole_milliseconds_around_it() -> None:
    settings = ElasticsearchSettings(url=URL, query="a:b", filter={"term": {"c": 1}})
    found = clauses(settings, Window(1709633472.0004, 1709633473.0006))
    bounds = found[0]["range"]["@timestamp"]
    assert (bounds["gte"], bounds["lt"]) == ("2024-03-05T10:11:12.000Z", "2024-03-05T10:11:13.001Z")
    assert found[1:] == [{"query_string": {"query": "a:b"}}, {"term": {"c": 1}}]


def test_times_of_documents_are_read_in_all_their_forms() -> None:
    documents = Documents(ElasticsearchSettings(url=URL))
    second = 1709633472 * 10**9
    forms = ["2024-03-05T10:11:12.123456789Z", "2024-03-05T18:11:12+08:00", 1709633472000]
    hits = [documents.hit({"_source": {"@timestamp": form}, "sort": [0]}) for form in forms]
    assert [hit and hit.ts_ns for hit in hits] == [second + 123456789, second, second]
    by_the_server = documents.hit({"_source": {}, "sort": [1709633472000, 3]})
    assert by_the_server is not None
    assert by_the_server.ts_ns == second
    assert documents.hit({"_source": {"@timestamp": "soon"}, "sort": [None]}) is None


def test_a_document_without_a_message_is_kept_whole() -> None:
    deep: dict[str, object] = {"code": 7}
    for _ in range(600):
        deep = {"a": deep}
    for document, line in (({"code": 7}, '{"code":7}'), (deep, str(deep))):
        hit = Documents(ElasticsearchSettings(url=URL)).hit({"_source": document, "sort": [1709633472000]})
        assert hit is not None
        assert hit.line == line


def test_an_index_is_one_part_of_the_path() -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        return Response({"fields": {}, "indices": []})

    with serving(answer) as url:
        source = ElasticsearchSource(ElasticsearchSettings(url=url, index="a/../_all?x,<logs-{now/d}>"))
        source.read(Window(0, 1))
    assert len(asked) == 1
    assert asked[0].count("/") == 2
    assert "?" not in asked[0]


def test_a_key_is_no_second_credential_and_does_not_travel_in_clear() -> None:
    with pytest.raises(ValueError, match="give one of"):
        ElasticsearchSettings(url=URL, api_key="k3y-secret", bearer_token="t")  # noqa: S106
    with pytest.raises(ValueError, match="in clear"):
        ElasticsearchSettings(url="http://es.example:9200", api_key="k3y-secret")
    source = ElasticsearchSource(ElasticsearchSettings(url=URL, api_key="k3y-secret", attempts=1))
    health = source.health()
    assert not health.ok
    assert "k3y-secret" not in f"{source!r} {vars(source)!r} {health}"


def test_a_key_that_a_server_quotes_is_not_repeated() -> None:
    with loki_server() as server, unruly_proxy(server.url) as proxy:
        settings = ElasticsearchSettings(url=proxy.url, api_key="k3y-secret", attempts=1)
        proxy.misbehave("unauthorised", times=5)
        with pytest.raises(SourceRefused) as caught:
            ElasticsearchSource(settings).read(Window(0, 1))
    assert "k3y-secret" not in str(caught.value)
