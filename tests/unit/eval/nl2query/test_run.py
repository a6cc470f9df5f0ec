"""The measure finds what is wrong, and the rules keep to what must hold."""

from __future__ import annotations

from sre_copilot.eval.nl2query.properties import facts, has
from sre_copilot.eval.nl2query.questions import QueryQuestion
from sre_copilot.eval.nl2query.run import evaluate, halves, judge

SCHEMA = {"metrics": {"queue_length": {"type": "gauge", "labels": ["queue"]}}}


def test_every_query_that_is_written_parses_and_unsafe_sql_is_refused() -> None:
    for half in halves(None):
        found = evaluate(half).as_dict()
        assert found["parsed"] == found["emitted"]
        assert found["unsafe_refused"] == found["unsafe"]
        assert found["harmless_passed"] == found["harmless"]


def test_a_wrong_query_is_told_apart_from_a_right_one() -> None:
    question = QueryQuestion(
        "a",
        "en",
        "queue length above 5",
        "promql",
        0.0,
        SCHEMA,
        ({"comparison": {"op": ">", "value": 6}},),
        "",
    )
    assert judge(question).missing == ("comparison={'op': '>', 'value': 6}",)
    assert not judge(question).matched


def test_properties_are_read_from_the_parse_tree() -> None:
    found = facts('sum by (a) (rate(b{c="d"}[300s])) > 10', "promql", "")
    assert has(found, "range", "5m")
    assert has(found, "by", ["a"])
    assert not has(found, "by", ["a", "c"])
    assert has(found, "matcher", {"name": "c", "op": "=", "value": "d"})
    sql = facts(
        "SELECT a, count(*) AS n FROM t WHERE b = 1 GROUP BY a ORDER BY n DESC LIMIT 3", "sql", "postgres"
    )
    assert has(sql, "order_by", {"name": "count", "direction": "desc"})
    assert has(sql, "where", {"name": "b", "op": "=", "value": "1"})
    assert has(sql, "limit", 3)
