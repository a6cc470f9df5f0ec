"""Transactions out of answers of a Prometheus-compatible system."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceAnswerError
from sre_copilot.perception.promql_transactions import PromqlTransactionsSettings, PromqlTransactionsSource
from sre_copilot.testing.servers.json_server import Request, Response, serving

NOW = 1_767_225_600
WEB = {"service": "shop", "channel": "web"}


def matrix(*series: tuple[dict[str, str], list[tuple[int, str]]], **more: Any) -> dict[str, Any]:
    result = [{"metric": labels, "values": [list(each) for each in values]} for labels, values in series]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}} | more


@contextmanager
def source(
    answers: dict[str, dict[str, Any]], asked: list[Request] | None = None, **settings: Any
) -> Iterator[PromqlTransactionsSource]:
    def answer(request: Request) -> Response:
        if asked is not None:
            asked.append(request)
        return Response(answers.get(request.query.get("query", ""), matrix()))

    with serving(answer) as url:
        given = {"url": url, "volume": "volume", "requests_per_second": 1000.0, "attempts": 1}
        found = PromqlTransactionsSource(PromqlTransactionsSettings.model_validate(given | settings))
        yield found
        found.close()


def rows(of: PromqlTransactionsSource, window: Window) -> list[tuple[Any, ...]]:
    table = of.read(window).telemetry.transactions
    assert table is not None
    return table.rows()


def test_a_value_counts_for_the_interval_before_it_and_a_failure_without_value_for_none() -> None:
    answers = {"volume": matrix((WEB, [(NOW + 60, "10.4"), (NOW + 120, "NaN"), (NOW + 180, "8")])),
               "failed": matrix((WEB, [(NOW + 60, "3")]))}  # fmt: skip
    with source(answers, failures="failed") as found:
        assert rows(found, Window(NOW, NOW + 180)) == [
            (NOW, "shop", "web", 10, 7, None, None),
            (NOW + 120, "shop", "web", 8, 8, None, None),
        ]


def test_extrapolation_makes_no_more_successes_than_transactions() -> None:
    answers = {"volume": matrix((WEB, [(NOW + 60, "9.6")])), "good": matrix((WEB, [(NOW + 60, "10.2")]))}
    with source(answers, success="good") as found:
        assert rows(found, Window(NOW, NOW + 60))[0][3:5] == (10, 10)


def test_the_interval_the_tenant_and_the_window_are_asked_for() -> None:
    asked: list[Request] = []
    with source({}, asked, volume="increase(orders[$step])", tenant="blue", step_seconds=30) as found:
        reading = found.read(Window(NOW + 10, NOW + 60))
    assert asked[0].query == {
        "query": "increase(orders[30s])",
        "start": str(NOW + 30),
        "end": str(NOW + 60),
        "step": "30",
    }
    assert asked[0].headers["x-scope-orgid"] == "blue"
    assert reading.asked[0].text == "increase(orders[30s])"


def test_no_piece_has_more_points_than_a_server_answers() -> None:
    asked: list[Request] = []
    with source({}, asked) as found:
        found.read(Window(NOW, NOW + 25_000 * 60))
    points = [(int(each.query["end"]) - int(each.query["start"])) // 60 + 1 for each in asked]
    assert (max(points), sum(points)) == (11_000, 25_000)


def test_a_warning_of_the_server_is_a_gap() -> None:
    with source({"volume": matrix(warnings=["some stores did not answer"])}) as found:
        (gap,) = found.read(Window(NOW, NOW + 60)).gaps
    assert dict(gap.message.params)["said"] == "some stores did not answer"


def test_what_is_no_matrix_is_an_error() -> None:
    with (
        source({"volume": {"status": "success", "data": {"resultType": "vector", "result": []}}}) as found,
        pytest.raises(SourceAnswerError, match="no matrix"),
    ):
        found.read(Window(NOW, NOW + 60))


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"volume": "sum("}, "volume: is no PromQL"), ({"success": "a", "failures": "b"}, "give one of them")],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PromqlTransactionsSettings.model_validate({"url": "http://127.0.0.1:9", "volume": "a"} | settings)
