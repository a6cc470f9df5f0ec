"""An incident that opens is investigated; again when the evidence changes; no longer when it is over; and a restart goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.incidents.casework.bench import FIRED, OPENED, RESOLVED, UPDATED, Bench, alert

from sre_copilot.agents.answer import Listener
from sre_copilot.agents.tool import Investigated
from sre_copilot.domain.incident import Incident
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceUnreachable
from sre_copilot.incidents.casework.looking import incident_of
from sre_copilot.incidents.casework.picture import reading
from sre_copilot.incidents.casework.rounds import key_of
from sre_copilot.incidents.casework.voice import room_of
from sre_copilot.testing.cases import ONSET

SETTLED = FIRED + 5 + 60


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def opened(bench: Bench, *more: dict[str, Any]) -> Bench:
    bench.kept.put(alert("SlowOrders", "entry"), *more)
    bench.tell(OPENED)
    return bench


class Unreachable:
    """Looking fails so many times."""

    def __init__(self, times: int, otherwise: Any = None) -> None:
        self.left = times
        self.otherwise = otherwise

    def __call__(self, incident: Incident, listen: Listener) -> Investigated:
        if self.left:
            self.left -= 1
            raise SourceUnreachable("shop", "no connection", remedy="start it")
        found: Investigated = self.otherwise(incident, listen)
        return found


def test_an_incident_that_opens_is_investigated_once_there_are_samples_enough(bench: Bench) -> None:
    opened(bench).until(SETTLED - 1)
    assert bench.looked == []
    bench.until(SETTLED + 10)
    ((verb, told),) = bench.posted
    assert verb == "incident.diagnosis"
    assert (told["incident_id"], told["outcome"], told["cause"]) == ("INC-1", "fault", "billing")
    assert told["fault_type"] == "resource/cpu"
    assert 0.5 < told["confidence"] <= 1
    assert told["rows"] > 1000
    assert "billing" in told["headline"]["en"]
    assert "billing" in told["headline"]["zh"]
    assert {"en", "zh"} == set(told["evidence"][0])
    row = bench.investigations.get(told["investigation_id"])
    assert row is not None
    assert (row["cause"], row["outcome"]) == ("billing", "fault")
    assert row["report"]["document"]


def test_the_room_of_the_incident_hears_what_is_found(bench: Bench) -> None:
    opened(bench).until(SETTLED + 10)
    room = bench.rooms.get(room_of("INC-1"))
    assert room is not None
    assert [each["room_id"] for each in bench.opened_rooms] == [room["id"]]
    assert room["investigation_id"] == bench.posted[0][1]["investigation_id"]
    said = bench.said()
    assert said[0].startswith("The room of this incident is open")
    assert said[1] == "Investigation 1 has begun."
    assert said[-1].startswith("Cause: billing, CPU exhausted")
    found = [row for row in bench.rooms.messages(room_of("INC-1")).rows if row["author"] == "monitor"]
    assert found
    assert all(row["kind"] == "event" for row in found)


def test_what_the_investigation_looks_at_is_the_leading_alert_and_the_time_around_it(bench: Bench) -> None:
    earlier = alert("Errors", "order", starts_at=FIRED - 200, severity="high")
    opened(bench, earlier).until(SETTLED + 10)
    (incident,) = bench.looked
    assert incident.complaint.entity == "order"
    assert incident.onset == FIRED - 200
    assert incident.window is not None
    assert incident.window.start == FIRED - 200 - 900


def test_what_another_incident_did_shortly_before_is_not_looked_at_as_normal(bench: Bench) -> None:
    over = alert("Errors", "stock", status="resolved", ends_at=FIRED - 200)
    bench.kept.put(over, key="INC-0", status="resolved")
    picture = reading(bench.kept)("INC-0")
    assert picture is not None
    assert picture.calm_since is None
    opened(bench)
    picture = reading(bench.kept)("INC-1")
    assert picture is not None
    assert incident_of(picture, now=FIRED + 60).window == Window(FIRED - 200, FIRED + 60)
    bench.kept.put({**over, "ends_at": FIRED - 10}, key="INC-0")
    picture = reading(bench.kept)("INC-1")
    assert picture is not None
    window = incident_of(picture, now=FIRED + 60).window
    assert window == Window(FIRED - 900, FIRED + 60), "ten seconds do not say what is normal"


def test_what_began_long_ago_waits_for_nothing(bench: Bench) -> None:
    bench.kept.put(alert("SlowOrders", "entry", starts_at=FIRED - 300))
    bench.tell(OPENED)
    bench.until(FIRED + 30)
    assert len(bench.posted) == 1


def test_what_may_have_begun_just_now_waits_for_samples(bench: Bench) -> None:
    bench.kept.put(alert("SlowOrders", "entry", starts_at=FIRED - 120))
    bench.tell(OPENED)
    bench.until(FIRED + 30)
    assert bench.posted == []


def test_the_same_event_twice_changes_nothing(bench: Bench) -> None:
    opened(bench)
    bench.tell(OPENED)
    bench.until(SETTLED + 10)
    bench.tell(OPENED)
    bench.until(SETTLED + 600)
    assert len(bench.posted) == 1
    assert len(bench.said()) == len(set(bench.said()))


def test_a_new_service_is_a_reason_to_investigate_again_after_a_pause(bench: Bench) -> None:
    opened(bench).until(SETTLED + 10)
    bench.kept.put(alert("SlowOrders", "stock", starts_at=SETTLED + 20))
    bench.tell(UPDATED)
    bench.until(bench.case()["begun_at"] + 290)
    assert len(bench.posted) == 1
    assert (bench.case()["round"], bench.case()["state"]) == (2, "waiting")
    assert any("it has reached stock" in text for text in bench.said())
    bench.until(bench.case()["begun_at"] + 330)
    assert [told["round"] for _, told in bench.posted] == [1, 2]
    assert len({told["investigation_id"] for _, told in bench.posted}) == 2


def test_an_answer_that_is_not_sure_is_sought_once_more_when_there_is_more_telemetry(tmp_path: Path) -> None:
    bench = opened(Bench(tmp_path, sure=1.0))
    bench.until(SETTLED + 10)
    assert [told["round"] for _, told in bench.posted] == [1]
    assert bench.posted[0][1]["confidence"] < 1.0
    assert any("% certain, and there is more telemetry now" in text for text in bench.said())
    bench.until(SETTLED + 2000)
    assert [told["round"] for _, told in bench.posted] == [1, 2]


class NoWay:
    """Knows nothing that helps, for one reason."""

    def __init__(self, reason: str) -> None:
        self._none = {
            "key": f"planning.none.{reason}",
            "params": {"service": "billing", "fault_type": "code/slow"},
        }

    def draft(self, incident_id: str, investigation_id: str, found: Investigated) -> dict[str, Any]:
        return {"none": self._none, "details": ()}

    def propose(self, text: str, *, key: str) -> dict[str, Any]:
        raise AssertionError("there is nothing to propose")


@pytest.mark.parametrize(("reason", "rounds"), [("no_way", [1, 2]), ("no_catalogue", [1])])
def test_a_fault_that_nothing_is_known_to_help_against_is_looked_at_once_more(
    tmp_path: Path, reason: str, rounds: list[int]
) -> None:
    bench = opened(Bench(tmp_path, sure=0.01, planner=NoWay(reason)))
    bench.until(SETTLED + 2000)
    assert [told["round"] for _, told in bench.posted] == rounds
    assert all("helpless" not in told for _, told in bench.posted)


def test_more_of_the_same_is_no_reason(bench: Bench) -> None:
    opened(bench).until(SETTLED + 10)
    bench.kept.put(alert("SlowOrders", "entry", fingerprint="another", starts_at=SETTLED + 20))
    for _ in range(20):
        bench.tell(UPDATED)
        bench.until(bench.clock.now() + 30)
    assert len(bench.posted) == 1
    assert bench.case()["state"] == "done"


def test_evidence_that_keeps_changing_is_investigated_a_bounded_number_of_times(tmp_path: Path) -> None:
    bench = opened(Bench(tmp_path, most_rounds=2, pause_seconds=10, settle_seconds=5))
    for number in range(6):
        bench.until(bench.clock.now() + 40)
        bench.kept.put(alert("SlowOrders", f"service-{number}", starts_at=bench.clock.now()))
        bench.tell(UPDATED)
    bench.until(bench.clock.now() + 60)
    assert len(bench.posted) == 2
    assert sum("only when somebody asks" in text for text in bench.said()) == 1
    assert bench.casework.ask("INC-1", who="wang")["round"] == 3
    bench.until(bench.clock.now() + 10)
    assert [told["round"] for _, told in bench.posted] == [1, 2, 3]


def test_an_incident_that_is_over_before_anything_began_is_not_investigated(bench: Bench) -> None:
    opened(bench).until(SETTLED - 30)
    bench.kept.put(status="resolved", resolved_at=bench.clock.now())
    bench.tell(RESOLVED)
    bench.until(SETTLED + 300)
    assert bench.posted == []
    assert bench.looked == []
    assert bench.case()["state"] == "over"
    assert "nothing was looked into" in bench.said()[-1]


def test_a_round_under_way_is_ended_when_a_person_resolves_the_incident(bench: Bench) -> None:
    opened(bench)
    key = begin_and_stop(bench)
    bench.kept.put(status="resolved", resolved_at=bench.clock.now())
    bench.tell(RESOLVED, who="wang")
    state = bench.durable.state(key)
    assert state is not None
    assert state.status == "cancelled"
    bench.until(SETTLED + 300)
    assert bench.posted == []
    assert "ended without an answer" in bench.said()[-1]


def test_a_short_round_under_way_is_finished_when_the_incident_ends_by_itself(bench: Bench) -> None:
    opened(bench)
    begin_and_stop(bench)
    bench.kept.put(status="resolved", resolved_at=bench.clock.now())
    bench.tell(RESOLVED)
    bench.until(SETTLED + 300)
    assert [told["outcome"] for _, told in bench.posted] == ["fault"]
    assert bench.case()["state"] == "over"


def test_a_long_round_under_way_is_ended_when_the_incident_ends_by_itself(bench: Bench) -> None:
    opened(bench)
    key = begin_and_stop(bench)
    bench.kept.put(status="resolved", resolved_at=bench.clock.now())
    bench.tell(RESOLVED)
    bench.clock._now += 121
    bench.casework.turn()
    state = bench.durable.state(key)
    assert state is not None
    assert state.status == "cancelled"
    assert bench.posted == []


def begin_and_stop(bench: Bench) -> str:
    """Let the first round begin, and its process die while it looks; return its key."""
    bench.durable.crash_in("investigate")
    bench.until(SETTLED - 1)
    bench.clock._now = SETTLED
    bench.casework.turn()
    bench.durable._advance(bench.durable._records[key_of("INC-1", 1)])
    assert bench.case()["state"] == "running"
    return key_of("INC-1", 1)


@pytest.mark.parametrize("step", ["begin", "first look", "investigate", "conclude"])
def test_a_restart_in_the_middle_goes_on_and_tells_everything_once(bench: Bench, step: str) -> None:
    opened(bench)
    bench.durable.crash_in(step)
    bench.until(SETTLED + 20)
    told = [arguments for _, arguments in bench.posted]
    assert {each["investigation_id"] for each in told} == {told[0]["investigation_id"]}
    assert {each["key"] for each in told} == {key_of("INC-1", 1)}
    assert len(told) == (2 if step == "conclude" else 1)
    assert len(bench.investigations.page().rows) == 1
    assert len(bench.said()) == len(set(bench.said()))
    assert bench.case()["state"] == "done"


def test_a_case_that_waits_outlives_the_process(bench: Bench) -> None:
    opened(bench)
    bench.durable.close()
    bench.casework = bench.make()
    bench.until(SETTLED + 10)
    assert len(bench.posted) == 1


def test_a_failure_is_told_with_its_reason_and_tried_again_with_new_evidence(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look = Unreachable(1, bench._look)
    bench.durable.close()
    bench.casework = bench.make()
    opened(bench).until(SETTLED + 10)
    (told,) = [arguments for _, arguments in bench.posted]
    assert (told["outcome"], told["investigation_id"], told["evidence"]) == ("failed", "", [])
    assert "no connection" in told["problem"]
    assert "could not be made" in bench.said()[-1]
    bench.tell(UPDATED)
    bench.until(SETTLED + 400)
    assert [arguments["outcome"] for _, arguments in bench.posted] == ["failed", "fault"]


def test_a_fault_that_nobody_foresaw_is_told_as_a_failure(tmp_path: Path) -> None:
    def look(incident: Incident, listen: Listener) -> Investigated:
        raise ZeroDivisionError("nothing to divide by")

    bench = opened(Bench(tmp_path, look=look))
    bench.until(SETTLED + 10)
    assert [told["outcome"] for _, told in bench.posted] == ["failed"]
    assert "ZeroDivisionError" in bench.posted[0][1]["problem"]


def test_a_calm_shop_gives_no_cause(tmp_path: Path) -> None:
    bench = opened(Bench(tmp_path, fault="none"))
    bench.until(SETTLED + 10)
    ((_, told),) = bench.posted
    assert told["outcome"] in ("no_fault", "inconclusive")
    assert told["cause"] == ""
    assert "Cause:" not in bench.said()[-1]


def test_an_incident_that_comes_back_is_investigated_anew(bench: Bench) -> None:
    opened(bench).until(SETTLED + 10)
    bench.kept.put(status="resolved", resolved_at=bench.clock.now())
    bench.tell(RESOLVED)
    assert bench.case()["state"] == "over"
    bench.kept.put(status="firing", resolved_at=None)
    bench.tell(UPDATED, change="reopened")
    bench.until(SETTLED + 400)
    assert [told["round"] for _, told in bench.posted] == [1, 2]


def test_somebody_may_ask_for_an_investigation_also_of_what_is_over(bench: Bench) -> None:
    bench.kept.put(alert("SlowOrders", "entry"), status="resolved", resolved_at=ONSET + 150)
    bench.clock._now = ONSET + 300
    asked = bench.casework.ask("INC-1", who="wang")
    assert (asked["round"], asked["state"]) == (1, "waiting")
    bench.until(ONSET + 310)
    assert [told["cause"] for _, told in bench.posted] == ["billing"]
    assert bench.looked[0].window is not None
    assert bench.looked[0].window.end == ONSET + 210
    with pytest.raises(KeyError):
        bench.casework.ask("INC-2", who="wang")


def test_asking_while_one_waits_makes_it_begin_at_once(bench: Bench) -> None:
    opened(bench)
    bench.casework.ask("INC-1", who="wang")
    bench.until(bench.clock.now() + 1)
    assert [told["round"] for _, told in bench.posted] == [1]


def test_what_is_only_foretold_is_not_investigated_until_something_fires(bench: Bench) -> None:
    bench.kept.put(alert("PredictedBreach", "entry"))
    bench.tell(OPENED)
    bench.until(SETTLED + 10)
    assert bench.cases.get("INC-1") is None
    bench.kept.put(
        alert("SlowOrders", "entry", starts_at=bench.clock.now(), first_received_at=bench.clock.now())
    )
    bench.tell(UPDATED)
    bench.until(SETTLED + 120)
    assert len(bench.posted) == 1


def test_an_alert_that_fires_again_is_as_new_as_its_present_firing(bench: Bench) -> None:
    again = alert("SlowOrders", "entry", first_received_at=FIRED - 86_400, changed_at=FIRED + 5)
    bench.kept.put(again)
    bench.tell(OPENED)
    bench.until(SETTLED - 1)
    assert not bench.posted, "it waits until there are samples of this time"
    bench.until(SETTLED + 60)
    assert [told["round"] for _, told in bench.posted] == [1]


def test_a_run_that_ends_without_a_word_is_told_as_a_failure(bench: Bench) -> None:
    opened(bench)
    key = begin_and_stop(bench)
    bench.durable.cancel(key)
    bench.clock._now += 31
    bench.casework.turn()
    assert [told["outcome"] for _, told in bench.posted] == ["failed"]
    assert bench.case()["state"] == "done"
