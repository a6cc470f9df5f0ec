"""The query of an alert itself is evidence of an incident: told with checks that re-run, and moving no suspect."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.incidents.casework.bench import shop
from tests.unit.incidents.casework.test_alert_processor import ALERT, AT, Metrics

from sre_copilot.app import investigate
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Window
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.incidents.casework.alert_processor import AlertProcessor
from sre_copilot.incidents.casework.own_query import Concluded, own_alerts, with_own_queries
from sre_copilot.incidents.casework.picture import Picture, SeenAlert
from sre_copilot.incidents.report import build


@pytest.fixture(scope="module")
def concluded() -> Concluded:
    source = shop("exception", "order")
    window = Window(AT - 900.0, AT + 300.0)
    incident = Incident(id="x", complaint=Complaint(text="ErrorsHigh", entity="order", at=AT), window=window)
    observation = Observation(incident=incident, current=source.read(window).telemetry)
    found = investigate(observation, reflecting=False)
    return Concluded(diagnosis=found.diagnosis, observation=found.observation, observed=found.observed)


def test_what_the_alert_measures_is_told_with_checks_that_hold_and_no_suspect_moves(
    concluded: Concluded,
) -> None:
    metrics = Metrics()
    found = with_own_queries(concluded, [ALERT], AlertProcessor(lambda: [metrics]).process)
    assert metrics.asked[0][0] == "error_ratio", "what is measured is asked, not the condition"
    (own,) = [each for each in found.diagnosis.findings if each not in concluded.diagnosis.findings]
    assert own.kind == "alert.metric.limit"
    evaluator = Evaluator(found.observation)
    assert all(evaluator.evaluate(check).holds for check in own.checks)
    assert found.diagnosis.suspects == concluded.diagnosis.suspects
    assert (found.diagnosis.outcome, found.diagnosis.probability) == (
        concluded.diagnosis.outcome,
        concluded.diagnosis.probability,
    )
    report = build(found.diagnosis, found.observation, found.observed)
    assert own.id in {each.finding_id for each in report.evidence}


@pytest.mark.parametrize("alert", [replace(ALERT, metric_query="", name="Unknown"), ALERT])
def test_where_no_source_answers_the_query_nothing_is_added(concluded: Concluded, alert: object) -> None:
    down = Metrics(down=alert is ALERT)
    assert with_own_queries(concluded, [alert], AlertProcessor(lambda: [down]).process) == concluded  # type: ignore[list-item]


def test_of_alerts_of_one_kind_at_one_service_the_first_is_asked_and_no_more_than_three() -> None:
    def seen(name: str, number: int) -> SeenAlert:
        return SeenAlert(
            fingerprint=f"{name}{number}", name=name, service="order", severity="high", firing=True,
            starts_at=AT + number, told_at=AT, generator_url=f"http://x/graph?g0.expr=q{number}",
        )  # fmt: skip

    alerts = tuple(seen(name, number) for number, name in enumerate("AABCDE"))
    found = own_alerts(Picture(incident_id="INC-1", opened_at=AT, alerts=alerts))
    assert [(each.name, each.metric_query) for each in found] == [("A", "q0"), ("B", "q2"), ("C", "q3")]
