"""Whom a page calls, from the configuration to the person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.alerts.oncall.making import local, override

from sre_copilot.alerts.escalation import Policy, Target, advance, begin
from sre_copilot.alerts.oncall.configured import roster
from sre_copilot.alerts.oncall.people import Person
from sre_copilot.alerts.oncall.roster import Call, Roster, page_message
from sre_copilot.errors import SettingsError, UsageError
from sre_copilot.incidents.report.words import LANGUAGES, catalogue, has, say
from sre_copilot.settings.alerting.people import People
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import parse

CONFIGURATION: dict[str, Any] = {
    "persons": {
        "ann": {"name": "Ann Lee", "email": "ann@example.org", "phone": "+4915112345678"},
        "bob": {"email": "bob@example.org"},
        "zhang": {"name": "张三", "language": "zh", "time_zone": "Asia/Shanghai", "feishu": "ou_1"},
    },
    "teams": {"payments": {"members": ["ann", "bob"], "policy": "payments"}},
    "schedules": {
        "payments": {
            "time_zone": "Europe/Berlin",
            "layers": [{"start": "2026-01-05", "order": ["ann", "bob"], "until": "2026-12-28"}],
        }
    },
    "policies": {
        "payments": {
            "steps": [
                {"after_seconds": 0, "call": [{"schedule": "payments"}]},
                {"after_seconds": 300, "call": [{"team": "payments"}, {"person": "zhang"}]},
                {"after_seconds": 300, "call": [{"receiver": "ops"}, {"schedule": "payments"}]},
            ],
        }
    },
    "last_resort": [{"person": "zhang"}],
}


@pytest.fixture
def everybody() -> Roster:
    return roster(People.model_validate(CONFIGURATION))


def calls(found: Roster, policy: Policy, start: float) -> list[Call]:
    state, made = begin(policy, start, subject="I-1"), []
    for second in range(0, 700, 100):
        state, pages = advance(policy, state, start + second)
        made += [found.call(page, policy, start + second) for page in pages]
    return made


def test_each_step_calls_those_behind_its_targets_at_its_time(everybody: Roster) -> None:
    made = calls(everybody, everybody.policies["payments"], local(2026, 1, 12, 8, 58))
    assert [[each.id for each in call.people] for call in made] == [["ann"], ["ann", "bob", "zhang"], ["bob"]]
    assert [call.receivers for call in made] == [(), (), ("ops",)]
    assert not any(call.last_resort or call.messages for call in made)
    assert say(page_message(made[1]), "en") == "Called Ann Lee, bob, 张三 (step 2 of 3, round 1 of 3)"


def test_a_step_that_finds_nobody_calls_the_last_resort_and_says_so(everybody: Roster) -> None:
    first, _, third = calls(everybody, everybody.policies["payments"], local(2027, 3, 1))
    assert ([each.id for each in first.people], first.last_resort) == (["zhang"], True)
    assert [message.key for message in first.messages] == ["people.nobody_on_call", "people.last_resort"]
    assert (third.receivers, third.last_resort) == (("ops",), False)
    assert [message.key for message in third.messages] == ["people.nobody_on_call"]


def test_where_there_is_no_last_resort_it_is_said_that_nobody_is_called(everybody: Roster) -> None:
    changed = {**CONFIGURATION, "last_resort": []}
    alone = roster(People.model_validate(changed))
    first = calls(alone, alone.policies["payments"], local(2027, 3, 1))[0]
    assert first.nobody
    assert first.messages[-1].key == "people.nobody_at_all"
    assert page_message(first).key == "people.page.nobody"


def test_a_late_page_says_by_how_much(everybody: Roster) -> None:
    policy = everybody.policies["payments"]
    _, (page,) = advance(policy, begin(policy, local(2026, 2, 2)), local(2026, 2, 2) + 7200)
    call = everybody.call(page, policy, page.at)
    assert say(call.messages[0], "en") == "This call comes 7200 s late: the escalation clock stood still"


def test_a_policy_that_was_removed_while_under_way_calls_the_last_resort(everybody: Roster) -> None:
    gone = everybody.policy("gone")
    _, (page,) = advance(gone, begin(gone, 0.0), 0.0)
    assert [each.id for each in everybody.call(page, gone, 0.0).people] == ["zhang"]


def test_targets_that_are_no_longer_there_are_named(everybody: Roster) -> None:
    gone = tuple(Target(kind=kind, name="x") for kind in ("schedule", "team", "person"))
    people, receivers, said = everybody.found(gone, 0.0)
    assert (people, receivers) == ((), ())
    assert [each.key for each in said] == [
        "people.unknown_schedule",
        "people.unknown_team",
        "people.unknown_person",
    ]


def test_an_override_is_called_instead(everybody: Roster) -> None:
    at = local(2026, 2, 3)
    changed = everybody.with_overrides([override("zhang", at - 60, at + 60, schedule="payments")])
    people, _, _ = changed.found((Target(kind="schedule", name="payments"),), at)
    assert [(each.id, each.told()["addresses"]) for each in people] == [("zhang", {"feishu": "ou_1"})]


def test_no_representation_of_a_person_shows_an_address(everybody: Roster) -> None:
    assert "ann@" not in repr(everybody)
    assert "+49" not in repr(Person(id="x", name="X", addresses={"phone": "+4915112345678"}))


def test_a_calendar_plans_a_schedule_and_its_errors_name_the_key() -> None:
    changed = {
        **CONFIGURATION,
        "schedules": {"nights": {"calendar_file": "rota.ics"}},
        "policies": {},
        "teams": {},
    }
    event = b"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTART:20260302T090000Z\nDURATION:P1D\nSUMMARY:%b\nEND:VEVENT\nEND:VCALENDAR\n"
    read = roster(People.model_validate(changed), calendars={"nights": event % b"bob"})
    assert [each.person for each in read.schedules["nights"].on_call(local(2026, 3, 2, 12))] == ["bob"]
    with pytest.raises(
        UsageError, match=r"^alerting\.people\.schedules\.nights\.calendar_file \(rota\.ics\): event 'Dora'"
    ):
        roster(People.model_validate(changed), calendars={"nights": event % b"Dora"})


def changed(path: str, value: Any) -> dict[str, Any]:
    """The configuration with one place changed."""
    document: Any = People.model_validate(CONFIGURATION).model_dump(mode="json", exclude={"deadman"})
    *steps, last = path.split(".")
    place = document
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = value
    return {"alerting": {"people": document}}


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (
            "teams.payments.members",
            ["anna"],
            r"teams\.payments\.members\.0: 'anna' is no person; did you mean ann\?",
        ),
        ("teams.payments.members", [], r"teams\.payments\.members: List should have at least 1 item"),
        ("teams.payments.policy", "x", r"teams\.payments\.policy: 'x' is no policy; there are: payments"),
        (
            "schedules.payments.layers.0.order",
            ["q"],
            r"schedules\.payments\.layers\.0\.order\.0: 'q' is no person",
        ),
        ("schedules.payments.layers.0.order", [], r"layers\.0\.order: List should have at least 1 item"),
        ("schedules.payments.layers", [], r"has neither layers nor a calendar_file"),
        ("schedules.payments.layers.0.until", "2026-01-05", r"until: is not after start"),
        ("schedules.payments.layers.0.hand_over", "9", r"hand_over: String should match"),
        ("schedules.payments.layers.0.length", 0, r"length: Input should be greater than or equal to 1"),
        ("schedules.payments.layers.0.length", 54, r"length: is a turn of more than a year"),
        ("schedules.payments.layers.0.start", "0001-01-01", r"start: Input should be greater than or equal"),
        ("schedules.payments.time_zone", "Mars/Base", r"time_zone: is no time zone; write for example"),
        (
            "schedules.payments.layers.0.restrictions",
            [{"days": [], "start": "09:00", "end": "10:00"}],
            r"days: List should",
        ),
        ("policies.payments.steps", [], r"policies\.payments\.steps: List should have at least 1 item"),
        (
            "policies.payments.steps.1.after_seconds",
            0,
            r"steps\.1\.after_seconds: must be at least 1; to call several at once",
        ),
        ("policies.payments.steps.0.call", [], r"call: List should have at least 1 item"),
        ("policies.payments.steps.0.call.0", {"schedule": "a", "team": "b"}, r"must name one of schedule"),
        (
            "policies.payments.steps.0.call.0",
            {"schedule": "nights"},
            r"policies\.payments\.steps\.0\.call\.0\.schedule: 'nights' is no schedule",
        ),
        ("policies.payments.rounds", 0, r"rounds: Input should be greater"),
        ("last_resort", [{"person": "nobody"}], r"last_resort\.0\.person: 'nobody' is no person"),
        ("persons.bob.email", "ann@example.org", r"persons\.bob\.email: is that of 'ann', too"),
        ("persons.bob.email", "bob", r"email: is no e-mail address"),
        ("persons.bob.phone", "0151 123", r"phone: is no number with its country"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_path_and_the_way_out(
    path: str, value: Any, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as raised:
        parse(Settings, changed(path, value), place="config.yaml")
    assert "alerting.people" in str(raised.value)
    assert "+4915112345678" not in str(raised.value)


def test_every_receiver_that_is_named_is_listed_with_its_place() -> None:
    found = People.model_validate(CONFIGURATION)
    assert list(found.receivers()) == [("policies.payments.steps.2.call.0.receiver", "ops")]


def test_every_sentence_of_people_is_there_in_both_languages_with_the_same_parameters() -> None:
    mine = {key: said for key, said in catalogue().items() if key.startswith("people.")}
    assert len(mine) > 15
    for key, said in mine.items():
        assert set(said) == set(LANGUAGES), key
        assert has(key)
        fields = [
            sorted(part.split("}")[0].split(":")[0] for part in said[lang].split("{")[1:])
            for lang in LANGUAGES
        ]
        assert fields[0] == fields[1], key


def test_the_example_of_the_documentation_is_a_configuration_without_a_gap() -> None:
    page = (Path(__file__).parents[4] / "docs/howto/on-call.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    found = roster(parse(Settings, yaml.safe_load(example), place="the page").alerting.people)
    plan = found.schedules["payments"]
    assert plan.gaps(local(2026, 2, 2), local(2026, 4, 2)) == ()
    assert [each.person for each in plan.on_call(local(2026, 2, 3, 23))] == ["zhang"]
    assert [each.person for each in plan.on_call(local(2026, 2, 3, 12))] == ["ann"]
