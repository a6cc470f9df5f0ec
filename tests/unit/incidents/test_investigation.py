from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest

from sre_copilot.cognition.detector import Detection
from sre_copilot.cognition.rca.localiser import Localisation
from sre_copilot.domain.evidence import Check, Finding, Gap, Message, Query
from sre_copilot.domain.incident import Incident, Observation, Outcome, Suspect
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.errors import MethodError
from sre_copilot.incidents.investigation import Methods, investigate, without

METRICS = pl.DataFrame(
    {
        "ts": [0, 10, 20, 0, 10, 20],
        "service": ["cart"] * 3 + ["web"] * 3,
        "instance": ["cart-1"] * 3 + ["web-1"] * 3,
        "metric": ["cpu"] * 6,
        "value": [10.0, 90.0, 95.0, 11.0, 12.0, 10.0],
    }
)
OBSERVATION = Observation(
    incident=Incident(id="x", window=Window(0, 30)),
    current=Telemetry(metrics=METRICS),
    gaps=(Gap(modality="logs", message=Message(key="gap.logs_absent")),),
)


def hot(service: str, weight: float) -> Finding:
    """CPU of a service above 80 from second 10: true of cart, false of web."""
    where = (("service", service), ("metric", "cpu"))
    query = Query(source="metrics", measure="value", where=where, window=Window(10, 30))
    check = Check(query=query, aggregate="median", relation=">=", bound=80.0)
    return Finding(
        kind="metric.saturation", entity=service, modality="metrics", weight=weight, checks=(check,)
    )


def claiming(*findings: Finding) -> Methods:
    """A detector that reports `findings`, and a localiser that adds up their weights."""

    def localise(observation: Observation, left: Sequence[Finding]) -> Localisation:
        scored = [
            Suspect(
                entity=name,
                score=sum(finding.weight for finding in left if finding.entity == name),
                finding_ids=tuple(finding.id for finding in left if finding.entity == name),
            )
            for name in ("cart", "web")
        ]
        return Localisation("sum", tuple(sorted(scored, key=lambda suspect: -suspect.score)))

    return Methods(
        detectors={"claims": lambda observation: Detection(findings)}, localisers={"sum": localise}
    )


def test_a_false_finding_is_struck_out_and_the_conclusion_formed_again_without_it() -> None:
    investigation = investigate(OBSERVATION, claiming(hot("web", 9.0), hot("cart", 5.0)))
    diagnosis = investigation.diagnosis
    assert [refutation.finding.entity for refutation in diagnosis.refuted] == ["web"]
    assert diagnosis.refuted[0].observed == 11.0
    assert [suspect.entity for suspect in diagnosis.suspects] == ["cart", "web"]
    assert [finding.entity for finding in diagnosis.findings] == ["cart"]
    assert investigation.features.top == 5.0


def test_when_every_finding_is_false_nothing_is_accused() -> None:
    diagnosis = investigate(OBSERVATION, claiming(hot("web", 9.0))).diagnosis
    assert diagnosis.outcome is Outcome.NO_FAULT
    assert diagnosis.findings == ()
    assert diagnosis.culprit is None


def test_without_any_telemetry_the_answer_is_inconclusive() -> None:
    blind = without(OBSERVATION, ["metrics"])
    assert investigate(blind, claiming()).diagnosis.outcome is Outcome.INCONCLUSIVE


def test_gaps_of_the_source_and_of_detectors_reach_the_diagnosis_once() -> None:
    gap = Gap(modality="traces", message=Message(key="gap.traces_absent"))
    methods = Methods(
        detectors={"a": lambda _: Detection(gaps=(gap,)), "b": lambda _: Detection(gaps=(gap,))},
        localisers=claiming().localisers,
    )
    assert investigate(OBSERVATION, methods).diagnosis.gaps == (*OBSERVATION.gaps, gap)


def test_a_failing_detector_is_an_error_and_never_an_answer() -> None:
    def broken(_: Observation) -> Detection:
        raise MethodError("metrics: the spectrum is empty")

    with pytest.raises(MethodError, match="spectrum"):
        investigate(OBSERVATION, Methods(detectors={"broken": broken}, localisers={}))


def test_an_exception_in_a_plugin_is_an_error_that_names_it() -> None:
    methods = Methods(detectors={"queue": lambda _: Detection(findings=(1 / 0,))}, localisers={})  # type: ignore[arg-type]
    with pytest.raises(MethodError, match="detector 'queue' failed: ZeroDivisionError"):
        investigate(OBSERVATION, methods)


def test_a_detector_that_returns_nothing_is_an_error_that_names_it() -> None:
    with pytest.raises(MethodError, match="'queue' returned NoneType"):
        investigate(OBSERVATION, Methods(detectors={"queue": lambda _: None}, localisers={}))  # type: ignore[dict-item]


def test_where_no_localiser_applies_the_answer_is_inconclusive_and_a_gap_says_so() -> None:
    methods = Methods(detectors={"claims": lambda _: Detection((hot("cart", 5.0),))}, localisers={})
    diagnosis = investigate(OBSERVATION, methods).diagnosis
    assert diagnosis.outcome is Outcome.INCONCLUSIVE
    assert "gap.no_method" in {gap.message.key for gap in diagnosis.gaps}


def test_every_outcome_says_why_and_what_to_do_next() -> None:
    for methods in (claiming(hot("cart", 5.0)), claiming(hot("web", 9.0)), claiming(hot("cart", 1.2))):
        diagnosis = investigate(OBSERVATION, methods).diagnosis
        assert diagnosis.reasons
        assert diagnosis.next_steps


@pytest.mark.parametrize(
    "telemetry",
    [
        Telemetry(metrics=METRICS.clear()),
        Telemetry(metrics=METRICS.with_columns(value=pl.lit(None, dtype=pl.Float64))),
        Telemetry(metrics=METRICS.head(1)),
        Telemetry(metrics=METRICS.filter(pl.col("ts") == 20)),
        Telemetry(
            transactions=pl.DataFrame(
                {"ts": [0, 20], "service": ["web"] * 2, "count": [5, 5], "success": [5, 5]}
            )
        ),
    ],
    ids=["no rows", "no values", "one row", "no normal time", "what no detector reads"],
)
def test_where_nothing_can_be_compared_nothing_is_called_normal(telemetry: Telemetry) -> None:
    blind = replace(OBSERVATION, current=telemetry)
    diagnosis = investigate(blind, claiming()).diagnosis
    assert diagnosis.outcome is Outcome.INCONCLUSIVE
    assert [reason.key for reason in diagnosis.reasons] == ["reason.nothing_recorded"]


def test_fault_free_telemetry_is_a_normal_time() -> None:
    late = Telemetry(metrics=METRICS.filter(pl.col("ts") == 20))
    compared = replace(OBSERVATION, current=late, reference=Telemetry(metrics=METRICS))
    assert investigate(compared, claiming()).diagnosis.outcome is Outcome.NO_FAULT


def test_kubernetes_state_is_compared_with_itself() -> None:
    state = replace(OBSERVATION, current=Telemetry(state={"kubectl get pods": "NAME  READY\nweb-1  1/1"}))
    assert investigate(state, claiming()).diagnosis.outcome is Outcome.NO_FAULT


def test_a_recording_without_a_past_or_reference_is_never_no_fault() -> None:
    late = Observation(incident=Incident(id="x", onset=-60.0), current=Telemetry(metrics=METRICS))
    quiet = Methods(detectors={}, localisers=claiming().localisers)
    assert investigate(late, quiet).diagnosis.outcome is Outcome.INCONCLUSIVE
    early = Observation(
        incident=Incident(id="x", onset=10.0), current=Telemetry(metrics=METRICS), reference=late.current
    )
    assert investigate(early, quiet).diagnosis.outcome is Outcome.NO_FAULT
