"""The detector of business transactions on an invented shop."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.cognition.detectors.transactions import detect
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.incidents.report.words import LANGUAGES, say

ONSET = 3_600
SCHEMA = {
    "ts": pl.Int64,
    "service": pl.String,
    "channel": pl.String,
    "count": pl.Int64,
    "success": pl.Int64,
    "amount": pl.Float64,
    "latency_ms": pl.Float64,
}


def orders(
    *,
    start: int = 0,
    end: int = 3_780,
    orders_a_row: float = 30.0,
    channel: str = "web",
    seed: int = 1,
    **fault: float,
) -> pl.DataFrame:
    """Orders every 15 s; from the onset on `success`, `volume`, `slow` and `basket` are factors of the normal."""
    random = np.random.default_rng(seed)
    times = np.arange(start, end, 15)
    after = times >= ONSET

    def factor(name: str) -> Any:
        return np.where(after, fault.get(name, 1.0), 1.0)

    count = random.poisson(orders_a_row * factor("volume"))
    success = random.binomial(count, np.clip(0.99 * factor("success"), 0, 1))
    amount = success * 40.0 * factor("basket") * random.lognormal(0, 0.1, len(times))
    latency = 80.0 * factor("slow") * random.lognormal(0, 0.15, len(times))
    table = pl.DataFrame(
        {
            "ts": times,
            "service": "desk",
            "channel": channel,
            "count": count,
            "success": success,
            "amount": amount,
            "latency_ms": np.where(count > 0, latency, np.nan),
        }
    )
    return table.cast(SCHEMA)  # type: ignore[arg-type]


def observed(
    *tables: pl.DataFrame, reference: pl.DataFrame | None = None, onset: float = float(ONSET)
) -> Observation:
    known = None if reference is None else Telemetry(transactions=reference)
    current = Telemetry(transactions=pl.concat(tables) if tables else None)
    return Observation(incident=Incident(id="invented", onset=onset), current=current, reference=known)


def kinds(found: tuple[Finding, ...]) -> list[str]:
    return sorted(finding.kind for finding in found)


def parameter(finding: Finding, name: str) -> Any:
    return dict(finding.params)[name]


@pytest.mark.parametrize(
    ("fault", "kind", "fault_type", "severity"),
    [
        ({"success": 0.2}, "transaction.success_low", "degradation/availability", "critical"),
        ({"success": 0.8}, "transaction.success_low", "degradation/availability", "high"),
        ({"success": 0.93}, "transaction.success_low", "degradation/availability", "low"),
        ({"volume": 0.05}, "transaction.volume_low", None, "critical"),
        ({"volume": 0.45}, "transaction.volume_low", None, "high"),
        ({"volume": 3.0}, "transaction.volume_high", None, "low"),
        ({"slow": 8.0}, "transaction.latency_high", "degradation/latency", "low"),
        ({"basket": 0.1}, "transaction.amount_changed", None, "low"),
        ({"basket": 6.0}, "transaction.amount_changed", None, "low"),
    ],
)
@pytest.mark.parametrize("shift", [-60.0, 0.0, 60.0])
def test_what_users_notice_is_found_though_the_onset_is_off_by_a_minute_and_all_checks_hold(
    fault: dict[str, Any], kind: str, fault_type: str | None, severity: str, shift: float
) -> None:
    observation = observed(orders(**fault), onset=ONSET + shift)
    found = detect(observation).findings
    assert kinds(found) == [kind]
    assert (found[0].entity, found[0].fault_type, found[0].modality) == ("desk", fault_type, "transactions")
    assert parameter(found[0], "severity") == severity
    assert found[0].window is not None
    assert abs(found[0].window.start - ONSET) <= 45
    evaluator = Evaluator(observation)
    assert len(found[0].checks) == 2
    assert all(evaluator.evaluate(check).holds for check in found[0].checks)


@pytest.mark.parametrize("seed", range(20))
def test_a_normal_hour_is_silent_whatever_its_volume(seed: int) -> None:
    for volume in (0.3, 2.0, 200.0):
        assert detect(observed(orders(seed=seed, orders_a_row=volume))).findings == ()


def test_a_daily_shape_and_a_small_drop_of_volume_are_nothing() -> None:
    times = np.arange(0, 4 * 86_400, 300)
    level = 200 * (1 + 0.8 * np.sin(2 * np.pi * times / 86_400))
    count = np.random.default_rng(5).poisson(level)
    table = pl.DataFrame(
        {
            "ts": times,
            "service": "desk",
            "channel": "web",
            "count": count,
            "success": count,
            "amount": 40.0 * count,
            "latency_ms": 80.0,
        }
    ).cast(SCHEMA)  # type: ignore[arg-type]
    for onset in range(3 * 86_400, 4 * 86_400, 10_800):
        assert detect(observed(table.filter(pl.col("ts") < onset + 1_200), onset=float(onset))).findings == ()
    assert detect(observed(orders(volume=0.85))).findings == ()


def test_a_short_past_is_replaced_by_the_reference_and_checks_say_so() -> None:
    current, reference = orders(start=ONSET - 105, success=0.1), orders(end=2_000, seed=4)
    observation = observed(current, reference=reference)
    (finding,) = detect(observation).findings
    assert finding.kind == "transaction.success_low"
    against = finding.checks[1].against
    assert against is not None
    assert against.origin == "reference"
    evaluator = Evaluator(observation)
    assert all(evaluator.evaluate(check).holds for check in finding.checks)


def test_another_load_than_that_of_the_reference_is_no_change_of_volume() -> None:
    current, reference = orders(start=ONSET - 105, orders_a_row=5.0), orders(end=2_000, orders_a_row=50.0)
    assert detect(observed(current, reference=reference)).findings == ()


def test_too_little_to_compare_with_is_a_gap_and_nothing_recorded_is_none() -> None:
    short = detect(observed(orders(start=ONSET - 105, success=0.1)))
    assert short.findings == ()
    assert [gap.message.key for gap in short.gaps] == ["gap.transactions_few"]
    assert dict(short.gaps[0].message.params) == {"channels": 1, "total": 1}
    empty = detect(observed(orders().clear()))
    assert [gap.message.key for gap in empty.gaps] == ["gap.transactions_none"]
    assert detect(observed()).gaps == ()


def test_transactions_weigh_little_however_many_channels_suffer() -> None:
    channels = [
        orders(channel=name, seed=n, success=0.0, slow=9.0, volume=0.3)
        for n, name in enumerate(("app", "shop", "web"))
    ]
    found = detect(observed(*channels)).findings
    assert {parameter(finding, "channel") for finding in found} == {"app", "shop", "web"}
    assert sum(finding.weight for finding in found) <= 0.8


def test_only_the_channel_that_fails_is_named() -> None:
    found = detect(observed(orders(success=0.1), orders(channel="app", seed=9))).findings
    assert [parameter(finding, "channel") for finding in found] == ["web"]


def test_checks_are_false_of_another_channel_and_of_a_normal_recording() -> None:
    (finding,) = detect(observed(orders(success=0.1))).findings
    for other in (orders(success=0.1, channel="app"), orders(seed=3)):
        evaluator = Evaluator(observed(other))
        assert not any(evaluator.evaluate(check).holds for check in finding.checks)


def test_sentences_give_the_numbers_in_every_language() -> None:
    faults: list[dict[str, Any]] = [
        {"success": 0.2},
        {"volume": 0.05},
        {"volume": 3.0},
        {"slow": 8.0},
        {"basket": 6.0},
    ]
    for fault in faults:
        for finding in detect(observed(orders(**fault))).findings:
            for language in LANGUAGES:
                said = say(finding.message, language)
                assert "desk" in said
                assert "web" in said
                assert finding.kind not in said


counts = st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1), st.floats(0, 1e6)), min_size=2, max_size=40)


@settings(max_examples=60, deadline=None)
@given(rows=counts, seed=st.integers(0, 9))
def test_any_counts_give_finite_findings_that_hold_and_do_not_depend_on_the_order_of_rows(
    rows: list[tuple[int, float, float]], seed: int
) -> None:
    now = pl.DataFrame(
        {
            "ts": [ONSET - 60 + 10 * place for place in range(len(rows))],
            "service": "desk",
            "channel": "web",
            "count": [count for count, _, _ in rows],
            "success": [int(count * share) for count, share, _ in rows],
            "amount": [value for _, _, value in rows],
            "latency_ms": [value if count else None for count, _, value in rows],
        }
    ).cast(SCHEMA)  # type: ignore[arg-type]
    table = pl.concat([orders(end=ONSET - 120), now])
    observation = observed(table)
    detection = detect(observation)
    evaluator = Evaluator(observation)
    for finding in detection.findings:
        assert np.isfinite(finding.weight)
        assert 0 <= finding.weight <= 0.8
        assert all(evaluator.evaluate(check).holds for check in finding.checks)
    assert detect(observed(table.sample(fraction=1.0, shuffle=True, seed=seed))) == detection
