from __future__ import annotations

import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.perception.columns import TRACES
from sre_copilot.perception.spans.table import COLUMNS, Span, between_services, canonical, hex_id, span_table

BASE = 1_700_000_000_000_000_000


def span(span_id: str, parent_id: str = "", service: str = "a", **given: object) -> Span:
    facts = {
        "trace_id": "t",
        "instance": "",
        "operation": "work",
        "start_ns": BASE,
        "duration_us": 1000,
        "kind": "",
        "status": "",
    }
    return Span(span_id=span_id, parent_id=parent_id, service=service, **{**facts, **given})  # type: ignore[arg-type]


def links(table: pl.DataFrame) -> dict[str, str]:
    return dict(table.select("span_id", "parent_id").iter_rows())


def test_the_columns_are_those_of_a_recorded_case() -> None:
    assert set(COLUMNS) == {column.name for column in TRACES.columns}
    assert canonical(span_table([span("1")])).columns == list(COLUMNS)


def test_no_span_is_an_empty_table_with_all_columns() -> None:
    table = canonical(span_table([]))
    assert (table.height, table.columns) == (0, list(COLUMNS))


def test_a_span_that_came_twice_stands_once() -> None:
    assert span_table([span("1"), span("1")]).height == 1


def test_both_sides_of_a_shared_id_become_parent_and_child() -> None:
    shared = [
        span("1"),
        span("2", "1", kind="client", duration_us=90),
        span("2", "1", service="b", kind="server", duration_us=80),
        span("3", "2", service="b"),
        span("4", "2", service="a"),
    ]
    assert links(span_table(shared)) == {"1": "", "2:client": "1", "2": "2:client", "3": "2", "4": "2:client"}


def test_a_service_that_calls_itself_keeps_its_work_on_the_called_side() -> None:
    shared = [span("2", kind="client"), span("2", kind="server"), span("3", "2")]
    assert links(span_table(shared)) == {"2:client": "", "2": "2:client", "3": "2"}


def test_a_parent_that_is_absent_stays_named_and_is_no_root() -> None:
    assert links(span_table([span("2", "gone")])) == {"2": "gone"}


def test_links_in_a_circle_are_cut() -> None:
    assert links(span_table([span("1", "2"), span("2", "1"), span("3", "3"), span("4")])) == {
        "1": "",
        "2": "",
        "3": "",
        "4": "",
    }


def test_between_services_keeps_the_borders_and_hangs_them_together() -> None:
    inner = [
        span("root", kind="server"),
        span("in1", "root", kind="internal"),
        span("in2", "in1", kind="internal"),
        span("out", "in2", kind="client"),
        span("far", "out", service="b"),
        span("leaf", "far", service="b", kind="internal"),
        span("lost", "gone", kind="internal"),
    ]
    assert links(between_services(span_table(inner))) == {
        "root": "",
        "out": "root",
        "far": "out",
        "lost": "gone",
    }


def test_ids_are_lower_case_and_zeros_are_none() -> None:
    assert hex_id("ABCDEF0123456789") == "abcdef0123456789"
    assert hex_id("abc") == "0000000000000abc"
    assert hex_id("0" * 16) == hex_id("") == hex_id("0") == ""


IDS = st.sampled_from(["1", "2", "3", "4", "5", "6"])
SPANS = st.lists(
    st.builds(
        span,
        IDS,
        st.just("") | IDS,
        st.sampled_from(["a", "b"]),
        kind=st.sampled_from(["", "client", "server", "internal"]),
        trace_id=st.sampled_from(["t", "u"]),
        start_ns=st.integers(BASE, BASE + 5),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=50)
@given(SPANS, st.randoms(use_true_random=False))
def test_the_order_of_spans_does_not_matter(spans: list[Span], chance: random.Random) -> None:
    shuffled = chance.sample(spans, len(spans))
    assert span_table(spans).equals(span_table(shuffled))


@settings(deadline=None, max_examples=50)
@given(SPANS)
def test_every_chain_of_parents_ends(spans: list[Span]) -> None:
    for table in (span_table(spans), between_services(span_table(spans))):
        parents: dict[tuple[str, str], str] = {}
        for trace, name, parent in table.select("trace_id", "span_id", "parent_id").iter_rows():
            parents.setdefault((trace, name), parent)
        for trace, name in parents:
            here, steps = name, 0
            while (trace, here) in parents:
                here, steps = parents[trace, here], steps + 1
                assert steps <= table.height


@settings(deadline=None, max_examples=50)
@given(SPANS)
def test_no_service_loses_its_border(spans: list[Span]) -> None:
    whole = span_table(spans)
    kept = between_services(whole)
    assert set(whole.filter(pl.col("kind").is_in(["client", "server"]))["span_id"]) <= set(kept["span_id"])
