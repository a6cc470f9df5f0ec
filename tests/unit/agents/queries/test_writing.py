"""Words become queries that parse, say what was asked, and admit what they leave out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from sre_copilot.agents.queries.judging import accept
from sre_copilot.agents.queries.schema import Schema, schema_of
from sre_copilot.agents.queries.writing import write
from sre_copilot.agents.queries.written import Language, QueryProblem
from sre_copilot.errors import UsageError
from sre_copilot.llm.speaking import Question, Reply, Silent

METRICS = schema_of(
    {
        "metrics": {
            "shop_requests_total": {"type": "counter", "labels": ["service", "route", "code"]},
            "shop_request_duration_seconds_bucket": {
                "type": "histogram",
                "labels": ["service", "route", "le"],
            },
            "shop_queue_length": {"type": "gauge", "labels": ["service", "queue"]},
        },
        "values": {"service": ["orders-api", "billing"]},
    }
)
LOGS = schema_of(
    {
        "labels": {"app": ["orders", "billing"], "level": ["error", "info"]},
        "format": "json",
        "fields": {"status": "number", "took_ms": "number", "path": "string"},
    }
)
INDEX = schema_of(
    {
        "index": "sales-*",
        "fields": {
            "@timestamp": "date",
            "channel": "keyword",
            "result": "keyword",
            "amount": "double",
            "message": "text",
        },
        "values": {"result": ["success", "fail"]},
    }
)
TABLES = schema_of(
    {
        "dialect": "postgres",
        "tables": {
            "orders": {
                "id": "bigint",
                "customer_id": "bigint",
                "state": "text",
                "amount": "numeric",
                "created_at": "timestamptz",
            },
            "customers": {"id": "bigint", "name": "text", "city": "text"},
        },
        "values": {"orders.state": ["paid", "failed"]},
    }
)


@pytest.mark.parametrize(
    ("words", "schema", "query"),
    [
        ("requests per second of orders-api by route over 10 minutes", METRICS, 'sum by (route) (rate(shop_requests_total{service="orders-api"}[10m]))'),
        ("orders-api 的 P95 延迟,按接口", METRICS, 'histogram_quantile(0.95, sum by (le, route) (rate(shop_request_duration_seconds_bucket{service="orders-api"}[5m])))'),
        ("top 3 queues by length", METRICS, "topk(3, shop_queue_length)"),
        ("billing 的请求速率和昨天同一时间相比", METRICS, 'sum(rate(shop_requests_total{service="billing"}[5m])) / sum(rate(shop_requests_total{service="billing"}[5m] offset 1d))'),
        ("no data for the queue length of billing", METRICS, 'absent(shop_queue_length{service="billing"})'),
        ("orders error logs containing timeout but not retry", LOGS, '{app="orders", level="error"} |= "timeout" != "retry"'),
        ("每个应用最近5分钟的错误数", LOGS, 'sum by (app) (count_over_time({level="error"} [5m]))'),
        ("95th percentile of took_ms of billing over 15m", LOGS, 'quantile_over_time(0.95, {app="billing"} | json | unwrap took_ms [15m])'),
        ("number of failed orders per customer city", TABLES, "SELECT customers.city, COUNT(*) AS value FROM orders JOIN customers ON customers.id = orders.customer_id WHERE orders.state = 'failed' GROUP BY customers.city LIMIT 1000"),
        ("金额最大的五笔订单", TABLES, "SELECT * FROM orders ORDER BY amount DESC NULLS LAST LIMIT 5"),
    ],
)  # fmt: skip
def test_words_become_the_query_that_a_person_would_write(words: str, schema: Schema, query: str) -> None:
    written = write(words, schema, now=0.0)
    assert written.query == query
    assert written.explanation
    assert written.by == "rules"


def test_a_search_is_written_with_its_filters_and_groups() -> None:
    written = write("total amount of failed sales by channel in the last 30 minutes", INDEX)
    body = json.loads(written.query)
    assert {"term": {"result": "fail"}} in body["query"]["bool"]["filter"]
    assert {"range": {"@timestamp": {"gte": "now-30m"}}} in body["query"]["bool"]["filter"]
    assert body["aggs"]["by"]["terms"]["field"] == "channel"
    assert body["aggs"]["by"]["aggs"]["value"] == {"sum": {"field": "amount"}}


def test_where_nothing_that_is_known_is_named_no_query_is_written() -> None:
    written = write("how tall is the moon", METRICS, "promql")
    assert written.query == ""
    assert "shop_requests_total" in written.problems[0]


def test_words_that_are_in_no_part_of_the_query_are_said() -> None:
    written = write("queue length of the purple elephants", METRICS, "promql")
    assert not written.sure
    assert {"purple", "elephants"} <= set(written.unused)


def test_a_value_cannot_leave_its_quotes() -> None:
    written = write('orders logs containing "x\\" } or {app=~\\".*"', LOGS, "logql")
    assert accept(written.query, "logql", LOGS).query == written.query
    name = write('orders of customer name "x\'; DROP TABLE orders; --"', TABLES, "sql")
    assert "DROP TABLE" not in name.query or "''" in name.query
    accept(name.query, "sql", TABLES)


@pytest.mark.parametrize(
    ("query", "language", "schema", "said"),
    [
        ("rate(unknown_total[5m])", "promql", METRICS, "no metric"),
        ('shop_queue_length{color="red"}', "promql", METRICS, "no label"),
        ("rate(shop_requests_total[90d])", "promql", METRICS, "90 days"),
        ('{__name__=~".+"}', "promql", METRICS, "without a metric name"),
        ('{app=~".*"}', "logql", LOGS, "must not match the empty"),
        ('{app="orders"} | took_ms > 5', "logql", LOGS, "no field"),
        ('sum_over_time({app="orders"}[5m])', "logql", LOGS, "needs"),
        ('{"query":{"script":{"script":"1"}}}', "elasticsearch", INDEX, "not allowed"),
        ('{"aggs":{"a":{"avg":{"field":"channel"}}}}', "elasticsearch", INDEX, "no number"),
        ('{"size":100000}', "elasticsearch", INDEX, "size"),
        ("SELECT * FROM secrets", "sql", TABLES, "may not be read"),
        ("SELECT nothing FROM orders", "sql", TABLES, "no column"),
        ('{"service":"a","host":"b"}', "topology", METRICS, "JSON object"),
    ],
)
def test_a_validator_says_what_is_wrong_and_what_there_is(
    query: str, language: Language, schema: Schema, said: str
) -> None:
    with pytest.raises(QueryProblem, match=said) as caught:
        accept(query, language, schema)
    assert caught.value.said("zh") != caught.value.said("en")


class Proposing:
    """A model that proposes one query after another."""

    available = True

    def __init__(self, *queries: str) -> None:
        self.queries = list(queries)
        self.asked: list[Question[Any]] = []

    def ledger(self) -> Any:
        return Silent().ledger()

    def ask(self, question: Question[Any], *, ledger: Any, call: Any = None) -> Reply[Any]:
        self.asked.append(question)
        result: type[BaseModel] = question.result
        return Reply(value=result(query=self.queries.pop(0)))


def test_where_the_rules_are_not_sure_a_model_proposes_and_the_validator_decides() -> None:
    model = Proposing("DELETE FROM orders", "SELECT pg_sleep(9) FROM orders", "SELECT count(*) FROM orders")
    written = write("how peculiar are the zebras among orders", TABLES, "sql", speaker=model)
    assert written.query == "SELECT COUNT(*) FROM orders LIMIT 1000"
    assert written.by == "model"
    assert any("pg_sleep" in each.text for each in model.asked[-1].material)


def test_a_model_that_errs_three_times_is_not_believed() -> None:
    written = write(
        "how peculiar are the zebras among orders",
        TABLES,
        "sql",
        speaker=Proposing(*["DROP TABLE orders"] * 3),
    )
    assert written.by == "rules"


def test_where_the_rules_are_sure_no_model_is_asked() -> None:
    model = Proposing()
    assert write("top 3 queues by length", METRICS, speaker=model).query
    assert model.asked == []


def test_a_topology_question_is_written_for_the_tool() -> None:
    written = write(
        "what does orders depend on, 2 levels", Schema(services=("orders", "billing")), "topology"
    )
    assert json.loads(written.query) == {"service": "orders", "steps": 2}


def test_a_schema_that_names_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="metrics"):
        schema_of({"things": {}})
