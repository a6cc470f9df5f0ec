from __future__ import annotations

from dataclasses import replace

import polars as pl
from tests.unit.incidents.report import example
from tests.unit.incidents.report.example import ONSET

from sre_copilot.domain.evidence import Check, Finding, Gap, Message, Query
from sre_copilot.domain.incident import Diagnosis, Incident, Observation, Outcome, Suspect
from sre_copilot.domain.signals import Change, Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.report import Report, build, render
from sre_copilot.incidents.report.build import EVIDENCE, PICTURES
from sre_copilot.incidents.report.model import Report as Model


def test_the_verdict_names_entity_fault_type_probability_and_path(report: Report) -> None:
    verdict = report.verdict
    assert verdict.sentence.key == "verdict.fault.certain"
    assert (verdict.entity, verdict.fault_type, verdict.probability) == ("payments", "resource/cpu", 0.93)
    assert verdict.path == ("payments", "checkout", "storefront")


def test_below_four_in_five_the_fault_is_only_probable() -> None:
    diagnosis = example.diagnosis(probability=0.6)
    assert build(diagnosis, example.observation(), {}).verdict.sentence.key == "verdict.fault.likely"


def test_a_fault_of_unknown_kind_is_said_to_be_of_unknown_kind() -> None:
    diagnosis = example.diagnosis(suspects=(Suspect(entity="cart", score=2.0),))
    assert build(diagnosis, example.observation(), {}).verdict.sentence.key == "verdict.fault.certain.unknown"


def test_no_fault_accuses_nobody(outcomes: dict[Outcome, Report]) -> None:
    verdict = outcomes[Outcome.NO_FAULT].verdict
    assert verdict.entity is verdict.fault_type is None
    assert verdict.path == ()


def test_inconclusive_says_where_to_look_first_and_lists_it_as_an_alternative(
    outcomes: dict[Outcome, Report],
) -> None:
    report = outcomes[Outcome.INCONCLUSIVE]
    assert report.verdict.entity == "payments"
    assert [each.rank for each in report.alternatives][:2] == [1, 2]
    assert report.alternatives[0].why_not[0].key == "why_not.too_uncertain"


def test_the_timeline_is_in_order_of_time_and_holds_onset_alert_changes_and_findings(report: Report) -> None:
    assert [entry.at for entry in report.timeline] == sorted(entry.at for entry in report.timeline)
    kinds = [entry.kind for entry in report.timeline]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "onset": 1,
        "alert": 3,
        "change": 2,
        "finding": 6,
    }
    assert report.timeline[0].at == ONSET - 1200


def test_a_change_of_the_day_before_is_left_out(report: Report) -> None:
    assert not any("ledger" in dict(entry.message.params).values() for entry in report.timeline)


def test_evidence_begins_with_the_culprits_strongest_and_shows_what_was_observed(report: Report) -> None:
    first = report.evidence[0]
    assert (first.entity, first.cited) == ("payments", True)
    assert [result.observed for result in first.checks] == [93.4, 4.28]
    weights = [row.weight for row in report.evidence if row.entity == "payments"]
    assert weights == sorted(weights, reverse=True)


def test_a_struck_out_finding_is_no_evidence_and_in_no_picture(report: Report) -> None:
    struck = {each.finding_id for each in report.struck}
    assert len(struck) == 2
    assert struck.isdisjoint(row.finding_id for row in report.evidence)
    assert struck.isdisjoint(picture.finding_id for picture in report.pictures)
    assert struck.isdisjoint(entry.finding_id for entry in report.timeline)


def test_a_check_that_was_not_observed_has_no_value() -> None:
    report = build(example.diagnosis(), example.observation(), {})
    assert {result.observed for row in report.evidence for result in row.checks} == {None}


def test_alternatives_say_why_not(report: Report) -> None:
    reasons = {each.entity: [message.key for message in each.why_not] for each in report.alternatives}
    assert reasons["checkout"] == ["why_not.on_path", "why_not.weaker"]
    assert reasons["搜索服务"][:2] == ["why_not.no_finding", "why_not.struck"]
    assert "ledger" not in reasons
    assert "payments" not in reasons


def test_a_suspect_that_depends_on_the_culprit_is_said_to() -> None:
    diagnosis = example.diagnosis()
    upstream = Suspect(entity="gateway", score=2.0, finding_ids=("F-1",))
    diagnosis = replace(diagnosis, suspects=(diagnosis.suspects[0], upstream))
    (other,) = build(diagnosis, example.observation(), {}).alternatives
    assert [message.key for message in other.why_not] == ["why_not.depends", "why_not.far_weaker"]


def test_gaps_join_what_was_told_with_what_nobody_recorded(report: Report) -> None:
    keys = [gap.message.key for gap in report.gaps]
    assert keys == ["example.unseen", "unseen.state"]


def test_a_gap_that_was_told_is_not_told_again() -> None:
    told = Gap(modality="metrics", message=Message(key="gap.metrics"))
    observation = Observation(incident=example.incident(), current=Telemetry(), gaps=(told,))
    report = build(example.diagnosis(gaps=(told,)), observation, {})
    assert [gap.message.key for gap in report.gaps if gap.modality == "metrics"] == ["gap.metrics"]
    assert {gap.modality for gap in report.gaps} == {"metrics", "logs", "traces", "state", "changes"}


def test_lines_that_decide_are_quoted_where_nothing_can_be_drawn(report: Report) -> None:
    (excerpt,) = report.excerpts
    assert excerpt.entity == "payments"
    assert excerpt.lines[1] == "payments-0   0/1    OOMKilled  3"
    assert "\x1b" not in "".join(excerpt.lines)


def many(count: int) -> tuple[Finding, ...]:
    return tuple(
        replace(example.hot("payments"), weight=number / 10, params=(("n", number),))
        for number in range(count)
    )


def test_everything_is_cut_to_size_and_says_what_was_left_out() -> None:
    found = (
        *many(60),
        *(
            replace(example.hot("cart"), checks=example.appeared("cart", f"{n}").checks, params=(("m", n),))
            for n in range(12)
        ),
        *(example.appeared("payments", text) for text in "0123456789"),
    )
    suspects = tuple(Suspect(entity=f"s{at}", score=20.0 - at) for at in range(15))
    report = build(example.diagnosis(findings=found, suspects=suspects), example.observation(), {})
    assert len(report.evidence) == EVIDENCE
    assert report.left_out.evidence == len(found) - EVIDENCE
    assert len(report.pictures) <= PICTURES
    assert report.left_out.alternatives == 9
    assert report.left_out.moments > 0


def test_a_picture_is_drawn_once_for_findings_about_one_signal() -> None:
    report = build(example.diagnosis(findings=many(5)), example.observation(), {})
    assert len(report.pictures) == 1


def test_an_incident_without_times_or_telemetry_is_reported() -> None:
    incident = replace(example.incident(), onset=None, window=None, complaint=example.Complaint())
    empty = Observation(incident=incident, current=Telemetry(metrics=pl.DataFrame()))
    report = build(example.diagnosis(incident=incident, findings=(), refuted=(), suspects=()), empty, {})
    assert isinstance(report, Model)
    assert report.timeline == report.pictures == report.evidence == ()
    assert report.day is None


def test_the_same_input_gives_the_same_report() -> None:
    first = example.diagnosis()
    turned = replace(first, findings=first.findings[::-1])
    observed = example.observed(first)
    assert build(first, example.observation(), observed) == build(turned, example.observation(), observed)


def test_without_a_recorded_topology_the_calls_of_the_spans_are_drawn() -> None:
    report = build(example.diagnosis(), example.observation(topology=Topology()), {})
    assert {(link.caller, link.callee) for link in report.topology.links} == {
        ("checkout", "payments"),
        ("storefront", "checkout"),  # from the causal path
    }


def test_what_a_suspect_merely_cites_comes_after_what_is_about_itself() -> None:
    strong, own = replace(example.failing(), weight=9.0), example.hot("payments")
    culprit = Suspect(entity="payments", score=9.0, finding_ids=(strong.id, own.id))
    report = build(example.diagnosis(findings=(strong, own), suspects=(culprit,)), example.observation(), {})
    assert [row.entity for row in report.evidence] == ["payments", "checkout"]


def test_pictures_of_one_kind_about_one_entity_leave_room_for_others() -> None:
    found = tuple(example.appeared("payments", text) for text in ("库", "单 1", "单 2", "单 3"))
    diagnosis = example.diagnosis(findings=(*found, example.hot("cart")), refuted=())
    report = build(diagnosis, example.observation(), {})
    assert [picture.entity for picture in report.pictures] == ["payments", "payments", "cart"]
    assert report.left_out.pictures == 2


def test_findings_that_say_the_same_are_one_row_with_the_checks_of_all() -> None:
    first = example.hot("payments")
    other = replace(first, checks=(*first.checks[:1], example.appeared("payments", "库存").checks[0]))
    report = build(example.diagnosis(findings=(first, other), refuted=()), example.observation(), {})
    (row,) = report.evidence
    (moment,) = (entry for entry in report.timeline if entry.kind == "finding")
    assert {row.finding_id, *row.also} == {moment.finding_id, *moment.also} == {first.id, other.id}
    assert len(row.checks) == 3
    for output in ("html", "md", "table"):
        text = render(report, output=output, lang="en")
        assert first.id in text
        assert other.id in text


def test_a_course_that_was_drawn_is_not_drawn_again() -> None:
    first = example.vanished("payments", "charged card of order")
    again = example.vanished("payments", "charged card of")  # the same lines by another text
    report = build(example.diagnosis(findings=(first, again)), example.observation(), {})
    assert len(report.pictures) == 1
    assert len(report.evidence) == 2


def test_that_a_modality_is_missing_is_said_once_with_what_follows_from_it() -> None:
    told = tuple(
        Gap(modality="logs", message=Message(key=key, params=(("modality", "logs"),)))
        for key in ("gap.reader.announced_absent", "gap.logs_absent")
    )
    report = build(example.diagnosis(gaps=told), example.observation(), {})
    assert [gap.message.key for gap in report.gaps if gap.modality == "logs"] == ["gap.logs_absent"]


def test_the_sentence_tells_the_number_that_was_verified_where_both_mean_the_same() -> None:
    level = replace(
        example.hot("payments"), checks=(replace(example.hot("payments").checks[0], aggregate="mean"),)
    )
    for observed, said in ((93.4, 93.4), (9340.0, 92.0), (None, 92.0)):
        report = build(example.diagnosis(findings=(level,)), example.observation(), {level.id: (observed,)})
        assert dict(report.evidence[0].message.params)["value"] == said
        assert report.evidence[0].finding_id == level.id


def test_a_change_stands_in_the_timeline_once() -> None:
    change = Change(ts=1_000.0, service="till", kind="deploy", text="till 2.0 rolled out")
    query = Query(source="changes", measure="rows", where=(("service", "till"),), window=Window(990, 1_010))
    finding = Finding(
        kind="change.before_onset",
        entity="till",
        modality="changes",
        weight=0.4,
        checks=(Check(query=query, aggregate="count", relation=">=", bound=1.0),),
        window=Window(990, 1_010),
    )
    incident = Incident(id="x", onset=1_010.0, window=Window(900, 1_100))
    diagnosis = Diagnosis(
        incident=incident,
        outcome=Outcome.INCONCLUSIVE,
        probability=0.3,
        suspects=(Suspect(entity="till", score=0.4, finding_ids=(finding.id,)),),
        findings=(finding,),
    )
    observation = Observation(incident=incident, current=Telemetry(changes=(change,)))
    report = build(diagnosis, observation, {finding.id: (1.0,)})
    assert [moment.kind for moment in report.timeline] == ["change", "onset"]
