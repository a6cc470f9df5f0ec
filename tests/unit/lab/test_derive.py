"""Rates, ratios and quantiles follow from two scrapes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("prometheus_client", reason="the `lab` extra is not installed")

from lab.derive import increases, parse, quantile, service_rows, transaction_rows
from lab.scrape import Scrape


def _text(*, requests: int, failed: int = 0, start: float = 50.0, cpu: float = 0.0) -> str:
    return "\n".join(
        [
            "# HELP http_requests_total Requests",
            f"process_start_time_seconds {start}",
            f"process_cpu_seconds_total {cpu}",
            "http_in_flight 0",
            f'http_requests_total{{route="a",status="200"}} {requests - failed}',
            f'http_requests_total{{route="a",status="500"}} {failed}',
            f'http_request_seconds_bucket{{le="0.1",route="a"}} {requests / 2}',
            f'http_request_seconds_bucket{{le="0.2",route="a"}} {requests}',
            f'http_request_seconds_bucket{{le="+Inf",route="a"}} {requests}',
            f'log_lines_total{{level="ERROR"}} {failed}',
        ]
    )


def _values(*scrapes: Scrape) -> dict[str, float]:
    last = scrapes[-1].ts
    return {row["metric"]: row["value"] for row in service_rows("cart", scrapes) if row["ts"] == last}


def test_rates_and_ratios_compare_with_the_scrape_ten_seconds_before() -> None:
    values = _values(
        Scrape(100, _text(requests=10, cpu=1.0)), Scrape(110, _text(requests=30, failed=5, cpu=3.0))
    )
    assert values["http_requests_per_second"] == pytest.approx(2.0)
    assert values["http_error_ratio"] == pytest.approx(0.25)
    assert values["process_cpu_ratio"] == pytest.approx(0.2)
    assert values["log_errors_per_second"] == pytest.approx(0.5)
    assert values["process_restarts"] == 0
    assert values["http_latency_p50_seconds"] == pytest.approx(0.1)
    assert values["http_latency_p95_seconds"] == pytest.approx(0.19)


def test_a_restarted_process_counts_from_zero_and_never_backwards() -> None:
    values = _values(Scrape(100, _text(requests=50)), Scrape(110, _text(requests=8, start=105.0)))
    assert values["http_requests_per_second"] == pytest.approx(0.8)
    assert values["process_restarts"] == 1


def test_a_process_that_does_not_answer_is_down_and_has_no_other_value() -> None:
    assert _values(Scrape(100, _text(requests=1)), Scrape(110, None)) == {"up": 0.0}


def test_without_requests_there_is_no_ratio_and_no_latency() -> None:
    values = _values(Scrape(100, _text(requests=5)), Scrape(110, _text(requests=5)))
    assert values["http_requests_per_second"] == 0
    assert not {"http_error_ratio", "http_latency_p50_seconds", "http_latency_p95_seconds"} & set(values)


def test_a_quantile_without_observations_is_no_number() -> None:
    assert quantile(0.5, [(0.1, 0.0), (math.inf, 0.0)]) is None


def test_a_quantile_above_the_last_bound_is_the_last_bound() -> None:
    assert quantile(0.95, [(0.1, 1.0), (0.5, 2.0), (math.inf, 100.0)]) == 0.5


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.floats(0.01, 0.99), st.randoms())
def test_quantiles_are_finite_ordered_and_indifferent_to_the_order_of_buckets(counts, share, shuffle) -> None:
    bounds = [*(0.1 * (index + 1) for index in range(len(counts) - 1)), math.inf]
    buckets = [(bound, float(sum(counts[: index + 1]))) for index, bound in enumerate(bounds)]
    low, high = quantile(share / 2, buckets), quantile(share, buckets)
    shuffle.shuffle(buckets)
    assert quantile(share, buckets) == high
    if sum(counts):
        assert low is not None
        assert high is not None
        assert 0 <= low <= high <= bounds[-2]


def test_only_series_of_exactly_that_name_are_counted() -> None:
    now = parse('a_total{x="1"} 3\na_total_more{x="1"} 9')
    assert increases("a_total", now, {}) == {'a_total{x="1"}': 3.0}


def test_orders_become_a_row_per_channel_and_ten_seconds() -> None:
    def text(completed: int, failed: int) -> str:
        return (
            f'shop_orders_total{{channel="web",outcome="completed"}} {completed}\n'
            f'shop_orders_total{{channel="web",outcome="failed"}} {failed}\n'
            f'shop_order_amount_total{{channel="web"}} {completed * 20.0}\n'
            f'shop_order_seconds_total{{channel="web"}} {(completed + failed) * 0.5}'
        )

    rows = list(transaction_rows("gateway", [Scrape(100, text(4, 0)), Scrape(110, text(7, 1))]))
    assert rows == [
        {
            "ts": 100,
            "service": "gateway",
            "channel": "web",
            "count": 4,
            "success": 3,
            "amount": 60.0,
            "latency_ms": 500.0,
        }
    ]


def test_a_bucket_that_was_not_scraped_has_no_row() -> None:
    assert list(transaction_rows("gateway", [Scrape(100, "a 1"), Scrape(110, None)])) == []
