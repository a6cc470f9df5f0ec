from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from sre_copilot.cognition.ensemble.findings import anomalies, severity
from sre_copilot.cognition.ensemble.knowledge import Part
from sre_copilot.domain.anomaly import Anomaly
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Telemetry
from sre_copilot.evidence.evaluator import evaluate
from sre_copilot.incidents.report.words import LANGUAGES, say

AT, STEP = 1_700_000_000, 60


def told(
    value: float, *, score: float = 0.9, part: Part = Part.SEASONAL, centre: float = 10.0
) -> list[Anomaly]:
    def row(number: float) -> np.ndarray:
        return np.array([number], np.float32)

    return anomalies(
        [SeriesKey("cart", "latency", "cart-0")], row(value), row(centre), row(1.0), row(score),
        np.array([part], np.uint8), np.array([AT - 120.0]), AT, STEP,
    )  # fmt: skip


def seen(value: float) -> Observation:
    table = pl.DataFrame(
        {
            "ts": [AT - 60, AT],
            "service": ["cart"] * 2,
            "instance": ["cart-0"] * 2,
            "metric": ["latency"] * 2,
            "value": [10.0, value],
        }
    )
    return Observation(incident=Incident(id="live"), current=Telemetry(metrics=table))


@pytest.mark.parametrize("value", [30.0, -12.0])
def test_the_check_holds_on_what_was_seen_and_fails_on_a_normal_value(value: float) -> None:
    (found,) = told(value)
    for check in found.finding.checks:
        assert evaluate(check, seen(value)).holds
        assert not evaluate(check, seen(10.0)).holds
        assert not evaluate(check, seen(12.5)).holds


@pytest.mark.parametrize(
    ("value", "score", "centre"),
    [(30.0, 0.69, 10.0), (11.0, 0.99, 10.0), (30.0, np.nan, 10.0), (30.0, 0.9, np.nan)],
)
def test_what_is_not_sure_not_outside_or_not_known_is_not_told(
    value: float, score: float, centre: float
) -> None:
    assert told(value, score=score, centre=centre) == []


BEGAN = {"en": "2023-11-14 22:11:20 UTC", "zh": "2023年11月14日 22:11:20（UTC）"}


@pytest.mark.parametrize("part", list(Part))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_component_has_its_sentence(part: Part, language: str) -> None:
    (found,) = told(30.0, part=part)
    sentence = say(found.finding.message, language)
    assert "latency" in sentence
    assert "cart" in sentence
    assert "30" in sentence
    assert BEGAN[language] in sentence


def test_severity_needs_a_sure_score_and_a_far_value() -> None:
    assert severity(0.95, 12) == "critical"
    assert severity(0.95, 4) == "warning"
    assert severity(0.75, 40) == "warning"
    assert severity(0.85, -7) == "high"
