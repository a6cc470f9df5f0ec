"""The ticket that goes along with a plan: opened once before the first step, told the outcome, and never in the way of the repair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.unit.incidents.remediation.bench import NOW, WELL, Make, carried_out, durable_of, two_steps

from sre_copilot.action.executors.tickets import TicketsExecutor, TicketsExecutorSettings
from sre_copilot.domain.plan import Mode, Plan, Target, Ticket
from sre_copilot.incidents.report.words import LANGUAGES, told
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.outcomes import Outcomes
from sre_copilot.testing.acting import Acting, GivenSignals
from sre_copilot.testing.servers.jira import JiraServer, jira
from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.relay import relay

QUEUE = Target(executor="tickets", kind="queue", name="OPS")
GONE = "http://127.0.0.1:9"  # the port of nobody


@pytest.fixture
def system() -> Iterator[JiraServer]:
    """A ticket system of its own."""
    with jira() as running:
        yield running


def tickets(url: str, **more: Any) -> TicketsExecutor:
    """What speaks to it."""
    usual: dict[str, Any] = {
        "system": "jira",
        "url": url,
        "queue": "OPS",
        "states": ("Done",),
        "timeout_seconds": 1.0,
    }
    return TicketsExecutor(TicketsExecutorSettings(**{**usual, **more}))


def with_ticket(**more: Any) -> Plan:
    """Two steps, and a ticket."""
    asked = {name: more.pop(name) for name in ("required", "closed") if name in more}
    return two_steps(ticket=Ticket(queue=QUEUE, **asked), **more)


def timeline(acting: Acting) -> list[str]:
    """Its sentences, each of which can be said in full in every language."""
    rows = AlertRecords(acting.database).timeline("INC-1")
    for row in rows:
        assert all(row["key"] not in told(row["key"], row["params"], lang) for lang in LANGUAGES), row
    return [told(row["key"], row["params"], "en") for row in rows]


def steps(acting: Acting, plan: Plan) -> list[tuple[str, str]]:
    """How its steps stand."""
    return [(row["step_id"], row["state"]) for row in acting.rows.steps(plan.id)]


def test_a_plan_begins_with_its_ticket_and_the_ticket_is_told_the_end_and_closed(
    make: Make, system: JiraServer
) -> None:
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(system.url)])
    kept = carried_out(acting, with_ticket(closed="Done"))
    assert acting.status(kept.id) == "succeeded"
    assert steps(acting, kept) == [("ticket", "done"), ("s1", "done"), ("s2", "done")]
    assert list(system.issues) == ["OPS-1"]
    issue = system.issues["OPS-1"]
    assert issue["summary"].startswith(kept.id)
    assert "Incident: INC-1" in issue["description"]
    assert "Step 2: counted.add" in issue["description"]
    assert issue["status"] == "Done"
    assert [comment.splitlines()[0] for comment in issue["comments"]] == [
        f"{kept.id} has helped: it took 25 s until the signals were well again"
    ]
    said = timeline(acting)
    link = f"{system.url}/browse/OPS-1"
    assert said.index(f"The ticket OPS-1 goes along with {kept.id}: {link}") == 2, said
    assert acting.rows.steps(kept.id)[0]["seen"] == {"ticket": "OPS-1", "link": link}


@pytest.mark.parametrize("at", ["ticket 0", "do s1 0", "succeed", "ticket outcome 0"])
def test_a_crash_opens_and_tells_no_second_ticket(make: Make, system: JiraServer, at: str) -> None:
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(system.url)])
    durable_of(acting).crash_in(at)
    carried_out(acting, with_ticket(closed="Done"))
    assert [len(issue["comments"]) for issue in system.issues.values()] == [1]
    assert sum("goes along" in each for each in timeline(acting)) == 1


def test_a_ticket_whose_answer_was_lost_is_found_by_its_mark_and_told(make: Make, system: JiraServer) -> None:
    port = int(system.url.rpartition(":")[2])
    with relay(("127.0.0.1", port)) as between:
        executor = tickets(f"http://127.0.0.1:{between.address[1]}")  # type: ignore[index]
        talks = executor._verbs["tickets.create"]._system  # type: ignore[attr-defined]
        create = talks.create

        def lost(*arguments: Any) -> str:
            between.manner = "lost"
            talks._wire._client.close()
            talks._wire = type(talks._wire)("tickets", timeout_s=1.0)
            try:
                return str(create(*arguments))
            finally:
                between.manner = "pass"

        talks.create = lost
        acting = make(signals=GivenSignals(**WELL), executors=[executor])
        kept = carried_out(acting, with_ticket())
    assert acting.status(kept.id) == "succeeded"
    assert [len(issue["comments"]) for issue in system.issues.values()] == [1]
    said = timeline(acting)
    assert any(each.startswith("No ticket could be opened") for each in said)
    assert any(each.startswith("The ticket OPS-1 goes along") for each in said)


def test_a_plan_that_did_not_help_says_so_in_its_ticket_and_leaves_it_open(
    make: Make, system: JiraServer
) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2), executors=[tickets(system.url)])
    kept = carried_out(acting, with_ticket(closed="Done"))
    assert acting.status(kept.id) == "rolled_back"
    (issue,) = system.issues.values()
    assert issue["status"] == "To Do"
    assert "was taken back in full: A signal that showed the fault is still bad" in issue["comments"][0]
    assert steps(acting, kept) == [("ticket", "done"), ("s1", "undone"), ("s2", "undone")]


def test_a_ticket_system_that_is_away_keeps_no_repair_from_happening(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(GONE)])
    kept = carried_out(acting, with_ticket())
    assert acting.status(kept.id) == "succeeded"
    assert steps(acting, kept) == [("ticket", "failed"), ("s1", "done"), ("s2", "done")]
    assert acting.target.counts() == {f"{kept.id}/s1/do": 1, f"{kept.id}/s2/do": 1}
    said = [each for each in timeline(acting) if "icket" in each]
    assert len(said) == 1
    assert said[0].startswith(f"No ticket could be opened for {kept.id}; the repair does not depend on it: ")


def test_a_required_ticket_that_cannot_be_opened_keeps_the_plan_from_doing_anything(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(GONE)])
    kept = carried_out(acting, with_ticket(required=True))
    assert acting.status(kept.id) == "failed"
    assert acting.target.counts() == {}
    assert acting.rows.get(kept.id)["reason"]["key"] == "remediation.ticket_required"  # type: ignore[index]
    assert [each["plan_id"] for each in acting.handed_over] == [kept.id]
    assert durable_of(acting).calls[kept.id, "ticket 2"] == 1, "it was tried as often as a step"


def test_a_plan_that_was_called_off_before_its_ticket_opens_none(make: Make, system: JiraServer) -> None:
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(system.url)])
    kept = acting.approved(with_ticket(required=True))
    assert acting.remedies.start(kept.id).begun
    acting.switch.throw(who="ann", reason="drill")
    durable_of(acting).run_until_idle()
    assert acting.status(kept.id) == "failed"
    assert acting.rows.get(kept.id)["reason"]["key"] == "remediation.switch"  # type: ignore[index]
    assert system.issues == {}


def test_a_person_who_calls_a_plan_off_before_its_required_ticket_is_not_told_of_the_ticket(
    make: Make,
) -> None:
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(GONE)])
    kept = acting.approved(with_ticket(required=True))
    assert acting.remedies.start(kept.id).begun
    acting.wish(kept.id, "cancel", who="bob")
    durable_of(acting).run_until_idle()
    assert acting.status(kept.id) == "cancelled"


def test_tickets_count_in_no_limit_and_in_no_statistics_of_actions(make: Make, system: JiraServer) -> None:
    limits = ActionLimits(per_hour=2, per_target_per_hour=2, at_once=1)
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(system.url)], limits=limits)
    kept = carried_out(acting, with_ticket(closed="Done"))
    assert acting.status(kept.id) == "succeeded", "two effects are allowed, and the ticket is none"
    assert {key[0] for key in Outcomes(acting.database).records()} == {"counted.add"}
    assert {each["step_id"] for each in acting.effects.of_plan(kept.id)} == {"s1", "s2"}


def test_no_go_ahead_is_asked_for_the_ticket_of_a_plan_of_high_risk(make: Make, system: JiraServer) -> None:
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(system.url)])
    risk = replace(two_steps().risk, mode=Mode.MANUAL)
    kept = acting.approved(with_ticket(risk=risk))
    assert acting.remedies.start(kept.id).begun
    durable_of(acting).run_until(NOW + 1)
    assert steps(acting, kept) == [("ticket", "done"), ("s1", "waiting"), ("s2", "waiting")]
    assert acting.status(kept.id) == "paused"
    assert len(system.issues) == 1


def test_a_webhook_that_names_no_ticket_is_told_the_outcome_under_the_mark_that_it_was_given(
    make: Make,
) -> None:
    asked: list[dict[str, Any]] = []

    def answer(request: Request) -> Response:
        asked.append(orjson.loads(request.body))
        return Response({})

    with serving(answer) as url:
        executor = tickets(url, system="webhook", states=("closed",))
        acting = make(signals=GivenSignals(**WELL), executors=[executor], enabled=True)
        kept = carried_out(acting, with_ticket(closed="closed"))
    assert acting.status(kept.id) == "succeeded"
    assert [each["action"] for each in asked] == ["create", "comment", "transition"]
    assert {each["ticket"] for each in asked[1:]} == {asked[0]["mark"]}
    assert asked[0]["key"] == f"{kept.id}/ticket/open/do"


def test_the_ticket_is_part_of_what_is_approved_and_its_absence_changes_no_fingerprint() -> None:
    plain, asked = two_steps(), with_ticket()
    assert plain.fingerprint != asked.fingerprint
    assert asked.fingerprint != with_ticket(required=True).fingerprint
    assert plain.fingerprint == replace(asked, ticket=None).fingerprint
    assert plain.risk == asked.risk


def test_no_attempt_is_made_to_open_a_ticket_that_nobody_asked_for(make: Make, system: JiraServer) -> None:
    acting = make(signals=GivenSignals(**WELL), executors=[tickets(system.url)], settings=Remediation())
    kept = carried_out(acting, two_steps())
    assert acting.status(kept.id) == "succeeded"
    assert system.issues == {}
    assert steps(acting, kept) == [("s1", "done"), ("s2", "done")]
