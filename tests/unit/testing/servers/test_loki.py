"""The stand-in for Loki, and the client's decoding, held to Loki's own recorded answers and verdicts."""

from __future__ import annotations

import base64
import gzip
import json
import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sre_copilot.perception.loki import entries
from sre_copilot.testing.servers.loki import LokiServer, loki_server
from sre_copilot.testing.servers.loki_store import LokiStore

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
needs_golden_files = pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")
T0 = 1_700_000_000 * 10**9


def golden(name: str) -> Any:
    return json.loads((Path(CONTRACTS) / "loki" / name).read_text())


@pytest.fixture
def loki() -> Iterator[LokiServer]:
    with loki_server(service_names=False) as server:
        yield server


def ask(server: LokiServer, path: str, **headers: str) -> httpx.Response:
    return httpx.get(server.url + path, headers=headers, trust_env=False)


def push(server: LokiServer, values: list[list[Any]], **labels: str) -> None:
    body = {"streams": [{"stream": labels, "values": values}]}
    assert httpx.post(server.url + "/loki/api/v1/push", json=body, trust_env=False).status_code == 204


@needs_golden_files
def test_every_push_gets_its_verdict_and_its_labels(loki: LokiServer) -> None:
    for case in golden("push_cases.json"):
        loki.store = LokiStore(service_names=case["service_name_discovery"])
        body, how = case["body"].encode(), case["body_compressed_with"]
        if how == "gzip":
            body = gzip.compress(body)
        elif how == "deflate":
            packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            body = packer.compress(body) + packer.flush()
        names = {"content-type": case["content_type"], "content-encoding": case["content_encoding"]}
        headers = {name: value for name, value in names.items() if value}
        response = httpx.post(loki.url + case["path"], content=body, headers=headers, trust_env=False)
        assert (response.status_code == 204) == case["accepted"], case
        assert loki.store.streams() == case["expected_stream_labels"], case


@needs_golden_files
def test_every_question_gets_its_verdict(loki: LokiServer) -> None:
    cases = golden("request_cases.json")
    assert len(cases) > 30
    for case in cases:
        status = ask(loki, case["endpoint"] + quote(case["query"], safe="?&=")).status_code
        assert (status == 400) == case["rejected"], case


@needs_golden_files
@pytest.mark.parametrize("name", ["query_response_streams.json", "query_response_streams_categorized.json"])
def test_streams_are_answered_as_loki_answers_them(loki: LokiServer, name: str) -> None:
    ts = "123456789012346"
    push(loki, [[ts, "super line"]], test="test")
    told = {"foo": "a", "bar": "b"}
    push(
        loki,
        [[ts, "super line with labels", told], [ts, "super line with labels msg=baz", told]],
        test="test",
    )
    flags = {"X-Loki-Response-Encoding-Flags": "categorize-labels"} if "categorized" in name else {}
    query = "/loki/api/v1/query_range?start=0&end=200000000000000&limit=10&direction=forward&step=3600&query="
    answer = ask(loki, query + quote('{test="test"} | logfmt'), **flags).json()
    expected = golden(name)
    answer["data"].pop("stats")
    expected["data"].pop("stats")
    assert answer == expected


@needs_golden_files
def test_every_answer_with_lines_is_decoded() -> None:
    decoded = {
        name: [(entry.ts_ns, entry.line, dict(entry.labels), dict(entry.metadata)) for entry in entries(golden(name))]
        for name in (
            "query_response_streams.json", "query_response_streams_categorized.json",
            "query_response_streams_warnings.json", "query_response_streams_categorized_warnings.json",
            "tail_message.json", "tail_message_categorized.json", "tail_message_minimal.json",
        )
    }  # fmt: skip
    told = {"foo": "a", "bar": "b"}
    assert decoded["query_response_streams_categorized.json"] == [
        (123456789012346, "super line", {"test": "test"}, {}),
        (123456789012346, "super line with labels", {"test": "test"}, told),
        (123456789012346, "super line with labels msg=baz", {"test": "test"}, {**told, "msg": "baz"}),
    ]
    assert decoded["query_response_streams.json"][1][2] == {"test": "test", **told}
    assert decoded["tail_message_categorized.json"][2][3] == {**told, "msg": "text"}
    assert decoded["tail_message_minimal.json"] == [(1, "foobar", {"app": "foo"}, {})]
    assert all(decoded.values())


@needs_golden_files
def test_the_old_answers_are_decoded_too() -> None:
    first, _, last = golden("legacy_api_prom_responses.json")
    for document in (first, last):
        found = list(entries(document))
        assert [each.line for each in found] == ["super line", "super line with labels"]
        assert found[0].ts_ns == 1568399542380001319
        assert found[0].labels == {"test": "test"}


@needs_golden_files
@pytest.mark.parametrize(
    "name", ["query_response_matrix_warnings.json", "query_response_vector_warnings.json"]
)
def test_answers_without_lines_are_no_lines(name: str) -> None:
    with pytest.raises(ValueError, match="its result is a"):
        list(entries(golden(name)))


@needs_golden_files
def test_entries_and_structured_metadata_come_back_as_they_were_pushed(loki: LokiServer) -> None:
    document = golden("push_structured_metadata_newlines.json")
    response = httpx.post(loki.url + "/loki/api/v1/push", json=document, trust_env=False)
    assert response.status_code == 204
    for number, value in enumerate(golden("entries.json")):
        push(loki, [value], number=str(number))
    flags = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
    path = "/loki/api/v1/query_range?start=0&end=1800000000000000000&step=999999&query="
    back = list(entries(ask(loki, path + quote('{service_name="test"}'), **flags).json()))
    assert back[0].metadata == {"message": "a\nb\nc"}
    found = list(entries(ask(loki, path + quote('{number=~".+"}'), **flags).json()))
    assert [dict(each.metadata) for each in found] == [[*v, {}][2] for v in golden("entries.json")]


@needs_golden_files
def test_labels_and_series_are_answered_as_loki_answers_them(loki: LokiServer) -> None:
    push(loki, [[str(T0), "x"]], a="1", b="2")
    push(loki, [[str(T0), "x"]], c="3", d="4")
    span = f"start={T0}&end={T0 + 1}"
    assert ask(loki, f"/loki/api/v1/series?{span}").json() == golden("series_response.json")
    shape = golden("labels_response.json")
    answer = ask(loki, f"/loki/api/v1/labels?{span}").json()
    assert answer == {**shape, "data": ["a", "b", "c", "d"]}


def test_counts_over_time_are_right(loki: LokiServer) -> None:
    push(loki, [[str(T0 + i * 10**9), f"line {i}"] for i in range(10)], app="a")
    path = f"/loki/api/v1/query?time={T0 + 9 * 10**9}&query="
    data = ask(loki, path + quote('count_over_time({app="a"} != "line 9"[5s])')).json()["data"]
    assert data["resultType"] == "vector"
    assert data["result"] == [{"metric": {"app": "a"}, "value": [1_700_000_009.0, "4"]}]


def test_a_query_that_it_does_not_know_is_refused(loki: LokiServer) -> None:
    for query in ("", "{", '{app="a"} | line_format "x"', '{app=~".*"}', '{app=~"("}'):
        response = ask(loki, "/loki/api/v1/query_range?query=" + quote(query))
        assert response.status_code == 400, query
        assert response.text


def test_new_lines_are_sent_to_whoever_tails(loki: LokiServer) -> None:
    host, port = loki.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        key = base64.b64encode(b"0123456789abcdef").decode()
        path = f"/loki/api/v1/tail?start={T0}&query=" + quote('{app="a"}')
        line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        stream = line.makefile("rb")
        assert b"101" in stream.readline()
        while stream.readline().strip():
            pass
        push(loki, [[str(T0), "hello"]], app="a")
        head = stream.read(2)
        assert head[0] == 0x81
        message = json.loads(stream.read(head[1]))
    assert [each.line for each in entries(message)] == ["hello"]
