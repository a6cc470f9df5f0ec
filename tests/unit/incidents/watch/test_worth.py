"""Which moves are worth telling at all."""

import pytest

from sre_copilot.cognition.detectors.least_move import least_move
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.watch.worth import worth_telling


def moved(metric: str, *, current: float | None, expected: float | None) -> Anomaly:
    window = Window(0.0, 60.0)
    finding = Finding(
        kind="live.step", entity="cart", modality="metrics", weight=1.0, checks=(), window=window
    )
    return Anomaly(
        finding=finding, metric=metric, instance="", since=0.0, at=0.0, current=current, expected=expected,
        low=None, high=None, deviation=None, score=0.9, severity="warning", method="ensemble/step",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "expected", "least"),
    [
        ("file_descriptors_percent", 0.06, 1.0),
        ("disk_usage_percent", 98.0, 1.0),
        ('disk_usage_percent{mountpoint="/"}', 50.0, 1.0),
        ("request_error_ratio", 0.0, 0.01),
        ("request_latency_p95_seconds", 0.001, 0.02),
        ("request_latency_p95_seconds", 2.0, 0.1),
        ("requests_per_second", 200.0, 10.0),
        ("memory_usage_bytes", 1e9, 5e7),
        ("up", 1.0, 0.05),
        ("queue_length", 0.0, 0.0),
    ],
)
def test_the_least_move_is_in_the_unit_of_the_metric(metric: str, expected: float, least: float) -> None:
    assert least_move(metric, expected) == pytest.approx(least)


def test_from_nothing_any_move_without_a_known_unit_counts() -> None:
    assert least_move("locks_waiting", 0.0) == 0.0


@pytest.mark.parametrize(
    ("metric", "current", "expected", "worth"),
    [
        ("request_latency_p95_seconds", 0.2, 0.05, True),
        ("request_latency_p95_seconds", 0.05, 0.2, False),
        ("request_error_ratio", 0.0, 0.1, False),
        ("requests_per_second", 0.0, 4.0, True),
        ("cpu_usage_cores", 0.0, 0.5, True),
        ("file_descriptors_percent", 0.065, 0.06, False),
        ("up", 0.0, 1.0, True),
        ("orders", None, 3.0, True),
    ],
)
def test_a_move_for_the_better_or_too_small_to_matter_is_not_worth_telling(
    metric: str, current: float | None, expected: float | None, worth: bool
) -> None:
    assert worth_telling(moved(metric, current=current, expected=expected)) is worth
