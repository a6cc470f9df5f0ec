"""Times of incidents that were merged and split, and which messages are about alerts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.app.reporting import Reporting
from sre_copilot.domain.notification import Notification
from sre_copilot.incidents.postmortem.moments import moments as moments_of_records
from sre_copilot.incidents.postmortem.records import read as read_records
from sre_copilot.incidents.statistics.facts import read
from sre_copilot.incidents.statistics.messages import about_alerts
from sre_copilot.incidents.statistics.moments import Kin, Traces, moments, read_moments, traces
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.alerting_service import Deciding, deciding

INCIDENT = {
    "id": "INC-2",
    "started_at": 100.0,
    "opened_at": 900.0,
    "resolved_at": 1000.0,
    "status": "resolved",
}
OWN = Traces(opened=900.0, told=910.0, acknowledged=None, identified=950.0)


def test_what_was_merged_into_it_was_known_told_and_taken_on_before() -> None:
    first = Traces(opened=120.0, told=125.0, acknowledged=130.0)
    found = moments(INCIDENT, OWN, Kin(merged=[first]))
    assert (found.opened, found.told, found.acknowledged, found.identified) == (120.0, 125.0, 130.0, 950.0)
    assert found.detection_seconds == 20.0
    assert found.since_opened(found.acknowledged) == 10.0


def test_what_was_split_off_inherits_from_its_source_but_nothing_before_its_beginning_or_after_the_split() -> (
    None
):
    source = Traces(opened=50.0, told=300.0, acknowledged=2000.0, identified=60.0)
    found = moments(INCIDENT, OWN, Kin(source=source))
    assert (found.opened, found.told, found.acknowledged, found.identified) == (100.0, 300.0, None, 950.0)
    assert found.detection_seconds == 0.0


def test_traces_are_the_first_of_each_kind() -> None:
    found = traces(1.0, [("acknowledged", 9.0), ("acknowledged", 7.0), ("diagnosis_fault", 8.0)], [6.0, 5.0])
    assert found == Traces(opened=1.0, told=5.0, acknowledged=7.0, identified=8.0)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("moments")) as found:
        yield found


def test_figures_and_report_read_the_same_times_of_a_merged_incident(there: Deciding) -> None:
    client, database = there.client("responder"), there.service.database
    first = there.incident(there.fire("HighErrors", service="cart", severity="critical", minutes=2))
    client.post(f"/api/v1/incidents/{first['id']}/ack").raise_for_status()
    last = there.incident(there.fire("DiskFull", service="zebra", severity="critical", minutes=0))
    assert first["id"] != last["id"]
    client.post(f"/api/v1/incidents/{last['id']}/merge", json={"others": [first["id"]]}).raise_for_status()
    row = AlertRecords(database).incident(last["id"])
    assert row is not None
    found = read_moments(database, [row])[last["id"]]
    records = read_records(database, last["id"], now=time.time())
    assert records is not None
    assert moments_of_records(records) == found
    assert found.acknowledged is not None
    assert found.opened == AlertRecords(database).incident(first["id"])["opened_at"]  # type: ignore[index]
    made = Reporting(settings=there.service.settings, database=database, clock=there.service.clock)
    assert made.report(last["id"]).opened_at == found.opened  # type: ignore[union-attr]


def test_a_breach_that_is_likely_is_foretold_and_not_detected(there: Deciding) -> None:
    foretold = there.incident(there.fire("PredictedBreach", service="later", severity="critical", minutes=0))
    cases = {each.id: each for each in read(there.service.database, since=0.0, until=time.time() + 60).cases}
    assert cases[foretold["id"]].foretold
    assert any(not each.foretold for each in cases.values())


def note(key: str, incident: str, **more: str) -> Notification:
    return Notification(
        key=key, group=incident, receiver="team", state="updated", sequence=1, created_at=1.0,
        content={"incident_id": incident}, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_only_messages_of_the_alert_pipeline_are_noise(there: Deciding, tmp_path: Path) -> None:
    database = there.service.database
    store = NotificationStore(database)
    told = [note("workflow/run/a/team", "x"), note("report/x/team", "x"), note("anything", "x"), note("x/team/updated/1", "x", about="alerts")]  # fmt: skip
    with database.write() as connection:
        assert store.insert(connection, told) == 4
    assert read(database, since=0.5, until=1.5).messages == 1
    rows = [store.get(each.key) for each in told]
    assert [about_alerts(each) for each in rows if each] == [False, False, False, True]
    assert not about_alerts({"key": "workflow/run/a", "payload": {}})
    assert about_alerts({"key": "INC-1/team/firing/1", "payload": {}})
    there.incident(there.fire("Loud", service="loud", severity="critical", minutes=1))
    page = store.page(limit=1000).rows
    assert any(about_alerts(each) and each["payload"].get("about") == "alerts" for each in page if each["created_at"] > 2)  # fmt: skip
