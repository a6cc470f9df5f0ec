"""Overrides as they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.app.oncall import LiveRoster, override_of
from sre_copilot.errors import SettingsError, UsageError
from sre_copilot.settings.alerting.people import People
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.oncall import OverrideStore

NOW = 1_770_000_000.0
ROW = {
    "id": "O-1",
    "schedule": "nights",
    "person": "bob",
    "replaces": "",
    "starts_at": NOW,
    "ends_at": NOW + 3600,
    "reason": "swap",
}
EVENT = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTART:20200101T000000Z\nDURATION:P3650D\nSUMMARY:{}\nEND:VEVENT\nEND:VCALENDAR\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[OverrideStore]:
    database = Database(sqlite_url(tmp_path))
    yield OverrideStore(database)
    database.close()


def test_the_same_override_again_is_no_second_one(store: OverrideStore) -> None:
    assert store.add(dict(ROW), now=NOW, by="ann")[1]
    kept, is_new = store.add(dict(ROW), now=NOW + 5, by="ann")
    assert (is_new, kept["created_at"]) == (False, NOW)
    assert len(store.page().rows) == 1


def test_another_override_under_the_same_id_is_refused(store: OverrideStore) -> None:
    store.add(dict(ROW), now=NOW, by="ann")
    with pytest.raises(UsageError, match="there is another override 'O-1'"):
        store.add({**ROW, "person": "carl"}, now=NOW, by="ann")


def test_an_override_is_removed_once_and_only_in_the_revision_that_was_read(store: OverrideStore) -> None:
    store.add(dict(ROW), now=NOW, by="ann")
    assert store.remove("O-1", revision=7, now=NOW, by="ann") is None
    removed = store.remove("O-1", revision=1, now=NOW + 60, by="ann")
    assert removed is not None
    assert (removed["revision"], removed["removed_by"]) == (2, "ann")
    assert store.remove("O-1", revision=2, now=NOW + 61, by="ann") is None
    assert store.remove("O-2", revision=1, now=NOW, by="ann") is None


def test_the_audit_says_once_who_added_an_override_and_who_removed_it(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    store = OverrideStore(database)
    for _ in range(2):
        store.add(dict(ROW), now=NOW, by="ann")
        store.remove("O-1", revision=1, now=NOW + 60, by="bob")
    rows = AlertRecords(database).audit_page().rows
    assert [(each["verb"], each["subject"], each["who"], each["at"], each["outcome"]) for each in rows] == [
        ("oncall.override.remove", "O-1", "bob", NOW + 60, "done"),
        ("oncall.override.add", "O-1", "ann", NOW, "done"),
    ]
    assert rows[1]["detail"]["arguments"]["person"] == "bob"
    database.close()


def test_a_removed_override_counts_up_to_its_removal_and_one_that_never_began_not_at_all(
    store: OverrideStore,
) -> None:
    store.add(dict(ROW), now=NOW, by="ann")
    store.add({**ROW, "id": "O-2", "starts_at": NOW + 100}, now=NOW, by="ann")
    for key in ("O-1", "O-2"):
        store.remove(key, revision=1, now=NOW + 60, by="ann")
    (row,) = store.living(since=NOW - 10)
    assert (row["id"], override_of(row).end) == ("O-1", NOW + 60)


def test_those_that_ended_are_left_out_and_the_stamp_tells_every_change(store: OverrideStore) -> None:
    stamps = [store.stamp()]
    store.add(dict(ROW), now=NOW, by="ann")
    stamps.append(store.stamp())
    assert store.living(since=NOW + 4000) == ()
    assert store.living(since=NOW, schedule="days") == ()
    store.remove("O-1", revision=1, now=NOW, by="ann")
    stamps.append(store.stamp())
    assert len(set(stamps)) == 3


def people(folder: Path, **schedule: Any) -> People:
    plan = schedule or {"calendar_file": folder / "rota.ics"}
    return People.model_validate({"persons": {"ann": {}, "bob": {}}, "schedules": {"nights": plan}})


def on_call(live: LiveRoster, at: float) -> list[str]:
    return [each.person for each in live.now(at, fresh=True).schedules["nights"].on_call(at)]


def test_an_override_counts_at_once_and_not_after_its_removal(tmp_path: Path, store: OverrideStore) -> None:
    settings = people(tmp_path, layers=[{"start": "2026-01-05", "order": ["ann"]}])
    live = LiveRoster(settings, store)
    assert on_call(live, NOW + 1) == ["ann"]
    store.add(dict(ROW), now=NOW, by="ann")
    assert on_call(live, NOW + 1) == ["bob"]
    store.remove("O-1", revision=1, now=NOW + 30, by="ann")
    assert (on_call(live, NOW + 40), on_call(live, NOW + 20)) == (["ann"], ["bob"])


def test_an_override_of_somebody_who_left_the_configuration_does_not_count(
    tmp_path: Path, store: OverrideStore
) -> None:
    settings = people(tmp_path, layers=[{"start": "2026-01-05", "order": ["ann"]}])
    store.add({**ROW, "person": "gone"}, now=NOW, by="ann")
    assert on_call(LiveRoster(settings, store), NOW + 1) == ["ann"]


def test_a_calendar_is_read_again_when_it_changes_and_kept_when_it_becomes_unreadable(tmp_path: Path) -> None:
    file = tmp_path / "rota.ics"
    file.write_text(EVENT.format("ann"), encoding="utf-8")
    live = LiveRoster(people(tmp_path))
    assert on_call(live, NOW) == ["ann"]
    file.write_text(EVENT.format("bob now"), encoding="utf-8")
    assert on_call(live, NOW) == ["bob"]
    file.write_text(EVENT.format("somebody else"), encoding="utf-8")
    assert on_call(live, NOW) == ["bob"]
    assert "event 'somebody else'" in live.problems[0]
    file.unlink()
    assert on_call(live, NOW) == ["bob"]
    assert "cannot be read" in live.problems[0]
    file.write_text(EVENT.format("ann again"), encoding="utf-8")
    assert (on_call(live, NOW), live.problems) == (["ann"], ())


def test_a_calendar_that_is_missing_at_the_start_is_an_error_that_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"alerting\.people\.schedules\.nights\.calendar_file .*: cannot be read"
    ):
        LiveRoster(people(tmp_path))


def test_whoever_asks_often_does_not_ask_the_store_each_time(tmp_path: Path, store: OverrideStore) -> None:
    live = LiveRoster(people(tmp_path, layers=[{"start": "2026-01-05", "order": ["ann"]}]), store)
    first = live.now(NOW)
    store.add(dict(ROW), now=NOW, by="ann")
    assert live.now(NOW) is first
    assert live.now(NOW, fresh=True) is not first
