"""Two implementations that share nothing must observe the same, whatever is asked of whatever was recorded."""

import math

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.eval.rca import plain
from sre_copilot.evidence.evaluator import evaluate

SERVICES = st.sampled_from(["web", "cart", "store"])
TIMES = st.integers(0, 60)
NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, 0.0]), st.none())
SECOND = 1_000_000_000


def table(
    draw: st.DrawFn, schema: dict[str, st.SearchStrategy[object]], types: dict[str, type[pl.DataType]]
) -> pl.DataFrame:
    rows = draw(st.lists(st.fixed_dictionaries(schema), max_size=25))
    return pl.DataFrame(rows, schema=types)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    text = dict.fromkeys(("service", "instance"), pl.String)
    metrics = table(
        draw,
        {
            "ts": TIMES,
            "service": SERVICES,
            "instance": st.just("i"),
            "metric": st.sampled_from(["a", "b"]),
            "value": NUMBERS,
        },
        {"ts": pl.Int64, **text, "metric": pl.String, "value": pl.Float64},
    )
    logs = table(
        draw,
        {
            "ts_ns": TIMES.map(lambda n: n * SECOND),
            "service": SERVICES,
            "instance": st.just("i"),
            "message": st.text("ab.", max_size=4),
        },
        {"ts_ns": pl.Int64, **text, "message": pl.String},
    )
    spans = table(
        draw,
        {
            "trace_id": st.sampled_from(["t", "u"]),
            "span_id": st.sampled_from([str(n) for n in range(12)]),
            "parent_id": st.sampled_from(["", *(str(n) for n in range(12))]),
            "service": SERVICES,
            "instance": st.just("i"),
            "operation": st.sampled_from(["get", "put"]),
            "start_ns": TIMES.map(lambda n: n * SECOND),
            "duration_us": st.integers(0, 10**6),
        },
        {"trace_id": pl.String, "span_id": pl.String, "parent_id": pl.String, **text, "operation": pl.String}
        | {"start_ns": pl.Int64, "duration_us": pl.Int64},
    )  # fmt: skip
    spans = spans.unique(["trace_id", "span_id"], keep="first").filter(
        pl.col("span_id") != pl.col("parent_id")
    )
    return Observation(incident=Incident(id="x"), current=Telemetry(metrics=metrics, logs=logs, traces=spans))


@st.composite
def queries(draw: st.DrawFn) -> Query:
    start = draw(st.integers(-5, 60))
    window = draw(st.sampled_from([None, Window(start, start + 20)]))
    source, measure, columns = draw(
        st.sampled_from(
            [
                ("metrics", "value", ("service", "metric")),
                ("logs", "rows", ("service", "contains", "pattern")),
                ("traces", "rows", ("service", "operation")),
                ("traces", "duration_ms", ("operation",)),
                ("traces", "calls", ("caller", "callee")),
                ("traces", "gap_ms", ("callee", "caller_operation", "callee_operation")),
            ]
        )
    )
    words = {"metric": ["a", "z"], "contains": ["a", "."], "pattern": ["a.", "^b"]}
    words |= {end: ["web", "cart", "store"] for end in ("service", "caller", "callee")}
    words |= {name: ["get", "put"] for name in ("operation", "caller_operation", "callee_operation")}
    chosen = draw(st.lists(st.sampled_from(columns), unique=True))
    where = tuple((column, draw(st.sampled_from(words[column]))) for column in chosen)
    return Query(source=source, measure=measure, where=where, window=window)  # type: ignore[arg-type]


AGGREGATES = st.sampled_from(["count", "rate", "mean", "median", "p90", "min", "max", "sum"])


@settings(max_examples=120, deadline=None)
@given(observations(), queries(), AGGREGATES)
def test_the_evaluator_observes_what_plain_loops_compute(
    observation: Observation, asked: Query, aggregate: str
) -> None:
    if aggregate == "rate" and asked.window is None:
        aggregate = "count"
    check = Check(query=asked, aggregate=aggregate, relation=">=", bound=0.0)  # type: ignore[arg-type]
    seen, computed = evaluate(check, observation).value, plain.left_side(check, observation)
    assert (seen is None) == (computed is None)
    assert seen is None or computed is None or math.isclose(seen, computed, rel_tol=1e-9, abs_tol=1e-6)


@settings(max_examples=40, deadline=None)
@given(observations(), queries(), AGGREGATES, st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(
    observation: Observation, asked: Query, aggregate: str, seed: int
) -> None:
    def shuffled(frame: pl.DataFrame | None) -> pl.DataFrame | None:
        return None if frame is None else frame.sample(fraction=1.0, shuffle=True, seed=seed)

    current = observation.current
    other = Observation(
        incident=observation.incident,
        current=Telemetry(
            metrics=shuffled(current.metrics), logs=shuffled(current.logs), traces=shuffled(current.traces)
        ),
    )
    check = Check(query=asked, aggregate=aggregate, relation=">=", bound=0.0)  # type: ignore[arg-type]
    one, two = evaluate(check, observation).value, evaluate(check, other).value
    assert (one is None) == (two is None)
    assert one is None or two is None or math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-6)
