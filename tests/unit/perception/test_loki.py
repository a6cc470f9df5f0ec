"""The source of Loki, on the stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceRefused
from sre_copilot.perception.lines.rows import Followed
from sre_copilot.perception.loki import LokiSettings, LokiSource, stream_selector
from sre_copilot.perception.source import Reading
from sre_copilot.testing.servers.loki import LokiServer, loki_server
from sre_copilot.testing.source_contract import NOW, SourceContract

PAGE = 20
SECOND = 10**9


class System:
    """Loki with short pages."""

    page = PAGE

    def __init__(self, server: LokiServer) -> None:
        self.server = server
        self.url = server.url

    def store(self, times: Sequence[int]) -> None:
        push(self.server, [(t * SECOND, f"line at {t}") for t in times])

    def source(self, **settings: Any) -> LokiSource:
        return LokiSource(LokiSettings(**{"url": self.url, "page_lines": PAGE, **settings}))

    def times(self, reading: Reading) -> list[int]:
        return [ts // SECOND for ts in messages(reading, "ts_ns")]


class TestContract(SourceContract):
    """What every source must keep to."""

    @contextmanager
    def system(self, folder: Path) -> Iterator[System]:
        with loki_server() as server:
            yield System(server)


def push(server: LokiServer, values: Sequence[tuple[Any, ...]], **labels: str) -> None:
    stream = {"stream": {"app": "shop", **labels}, "values": [[str(t), *rest] for t, *rest in values]}
    response = httpx.post(server.url + "/loki/api/v1/push", json={"streams": [stream]}, trust_env=False)
    assert response.status_code == 204, response.text


def messages(reading: Reading, column: str = "message") -> list[Any]:
    assert reading.telemetry.logs is not None
    return list(reading.telemetry.logs[column])


def keys(reading: Reading) -> list[str]:
    return [gap.message.key for gap in reading.gaps]


@pytest.fixture
def server() -> Iterator[LokiServer]:
    with loki_server() as running:
        yield running


def source(server: LokiServer, clock: Any = None, **settings: Any) -> LokiSource:
    made = LokiSettings(url=server.url, **settings)
    return LokiSource(made, clock=clock) if clock else LokiSource(made)


WINDOW = Window(NOW, NOW + 60)


def test_many_lines_at_one_nanosecond_come_whole_and_once(server: LokiServer) -> None:
    at = NOW * SECOND
    push(server, [(at, f"first {i}") for i in range(7)] + [(at + 1, f"second {i}") for i in range(7)])
    push(server, [(at, f"other {i}") for i in range(5)], app="other")
    found = messages(source(server, page_lines=8).read(WINDOW))
    assert len(found) == 19
    assert len(set(found)) == 19


def test_more_lines_at_one_nanosecond_than_can_be_asked_for_are_a_gap(server: LokiServer) -> None:
    server.max_entries = 10
    push(server, [(NOW * SECOND, f"line {i}") for i in range(50)] + [((NOW + 1) * SECOND, "later")])
    reading = source(server, page_lines=10).read(WINDOW)
    assert "gap.logs_crowded" in keys(reading)
    assert messages(reading)[-1] == "later"


def test_a_page_above_the_limit_of_the_server_says_which_setting_to_lower(server: LokiServer) -> None:
    server.max_entries = 10
    with pytest.raises(SourceRefused) as caught:
        source(server, page_lines=11).read(WINDOW)
    assert caught.value.remedy == "lower page_lines"


def test_labels_structured_metadata_and_fields_of_the_line_become_columns(server: LokiServer) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    push(
        server,
        [(NOW * SECOND, "paid", {"trace_id": trace, "span_id": "b7ad6b7169203331"})],
        pod="shop-1",
        level="warn",
    )
    push(server, [((NOW + 1) * SECOND, '{"level":"error","msg":"no money","traceId":"abc"}')])
    push(server, [((NOW + 2) * SECOND, "level=debug msg=hello")])
    push(server, [((NOW + 3) * SECOND, "2024-01-01 ERROR it broke")])
    rows = source(server).read(WINDOW).telemetry.logs.to_dicts()  # type: ignore[union-attr]
    assert [row["level"] for row in rows] == ["warn", "error", "debug", "ERROR"]
    assert rows[0] | {"ts_ns": 0} == {
        "ts_ns": 0, "service": "shop", "instance": "shop-1", "level": "warn", "trace_id": trace,
        "span_id": "b7ad6b7169203331", "message": "paid",
    }  # fmt: skip
    assert rows[1]["trace_id"] == "abc"


def test_what_the_selector_leaves_out_is_not_read(server: LokiServer) -> None:
    push(server, [(NOW * SECOND, "kept timeout"), (NOW * SECOND + 1, "left")])
    push(server, [(NOW * SECOND, "kept timeout too")], app="other")
    assert messages(source(server, selector='{app="shop"} |= "timeout"').read(WINDOW)) == ["kept timeout"]


def test_rules_keep_and_leave_out_lines(server: LokiServer) -> None:
    push(
        server, [(NOW * SECOND + i, text) for i, text in enumerate(["Error a", "error b", "fine", "error c"])]
    )
    assert messages(source(server, keywords=["ERROR"], exclude=["b$"]).read(WINDOW)) == ["Error a", "error c"]
    assert messages(source(server, include=["^f", "c$"]).read(WINDOW)) == ["fine", "error c"]


def test_a_wrong_expression_is_refused_with_its_reason() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        LokiSettings(url="http://127.0.0.1:1", include=["("])


def test_the_tenant_is_sent_and_never_shown(server: LokiServer) -> None:
    tenant = source(server, tenant="team-a")
    tenant.read(WINDOW)
    assert server.tenants == ["team-a"]


def test_fields_that_are_masked_are_seen_nowhere(server: LokiServer) -> None:
    push(
        server,
        [(NOW * SECOND, '{"msg":"paid","user":"ann"}'), (NOW * SECOND + 1, "user=ann paid=1")],
        pod="p-1",
    )
    reading = source(server, mask=["user", "instance"], mask_key="k").read(WINDOW)
    text = str(reading.telemetry.logs.to_dicts())  # type: ignore[union-attr]
    assert "ann" not in text
    assert "p-1" not in text
    first, second = messages(reading)
    assert first.split('"user":"')[1][:20] == second.split("user=")[1][:20]


def test_an_answer_that_is_too_long_is_cut_and_says_so(server: LokiServer) -> None:
    push(server, [(NOW * SECOND + i, f"line {i}") for i in range(30)])
    reading = source(server, max_lines=10).read(WINDOW)
    assert len(messages(reading)) == 10
    assert keys(reading) == ["gap.logs_cut"]


class Clock:
    """A clock that is turned by hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_each_line_is_polled_once_and_late_ones_too(server: LokiServer) -> None:
    clock = Clock(NOW)
    follower = source(server, clock, overlap_seconds=30)
    assert isinstance(follower, Followed)
    push(server, [((NOW - 1) * SECOND, "before")])
    assert messages(follower.poll()) == ["before"]
    clock.now += 10
    push(
        server,
        [
            ((NOW + 5) * SECOND, "on time"),
            ((NOW - 2) * SECOND, "late"),
            ((NOW + 11) * SECOND, "its clock is ahead"),
        ],
    )
    assert messages(follower.poll()) == ["late", "on time", "its clock is ahead"]
    clock.now += 10
    assert messages(follower.poll()) == []


def test_a_poll_that_failed_is_made_up_for(server: LokiServer) -> None:
    clock = Clock(NOW)
    follower = source(server, clock, overlap_seconds=5)
    follower.poll()
    push(server, [((NOW + 1) * SECOND, "meanwhile")])
    clock.now += 60
    server.max_entries = 1
    with pytest.raises(SourceRefused):
        follower.poll()
    server.max_entries = 5000
    clock.now += 60
    assert messages(follower.poll()) == ["meanwhile"]


def test_more_than_one_reading_holds_comes_with_the_next_polls(server: LokiServer) -> None:
    clock = Clock(NOW)
    follower = source(server, clock, max_lines=10, overlap_seconds=60)
    push(server, [(NOW * SECOND + i, f"line {i}") for i in range(25)])
    polls = [messages(follower.poll()) for _ in range(4)]
    assert [len(each) for each in polls] == [10, 10, 5, 0]
    assert len({line for each in polls for line in each}) == 25


def test_a_new_process_reads_on_where_the_last_one_stopped(server: LokiServer) -> None:
    clock = Clock(NOW)
    first = source(server, clock)
    push(server, [(NOW * SECOND - 1, "before")])
    first.poll()
    second = source(server, clock)
    second.resume(first.position())
    clock.now += 600
    push(server, [((NOW + 100) * SECOND, "while nobody looked")])
    assert messages(second.poll()) == ["while nobody looked"]


def test_labels_values_series_and_statistics_are_told(server: LokiServer) -> None:
    push(server, [(NOW * SECOND, "one"), (NOW * SECOND + 1, "two")], pod="p-1")
    loki = source(server, selector='{app="shop"} |= "}"')
    assert loki.labels(WINDOW) == ("app", "pod", "service_name")
    assert loki.label_values("pod", WINDOW) == ("p-1",)
    assert loki.series(WINDOW) == ({"app": "shop", "pod": "p-1", "service_name": "shop"},)
    assert loki.statistics(WINDOW).entries == 2


def test_a_selector_ends_at_its_brace() -> None:
    assert stream_selector('{a="}", b=`x}`} |= "y"') == '{a="}", b=`x}`}'


def test_twenty_thousand_lines_are_read(server: LokiServer) -> None:
    lines: list[tuple[int, str, Mapping[str, str]]] = [
        (NOW * SECOND + i * 1000, f"INFO request {i} done in {i % 97} ms", {}) for i in range(20_000)
    ]
    server.store.push({"service_name": "shop"}, lines)
    reading = source(server).read(WINDOW)
    assert len(messages(reading)) == 20_000
    assert reading.asked[0].rows == 20_000
