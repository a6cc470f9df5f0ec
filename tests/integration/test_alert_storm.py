"""A storm through `sre-copilot serve`: ten thousand alerts in ten seconds with three faults inside, and one receiver who must be able to read what comes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sre_copilot.clock import rfc3339
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.testing.alert_storms import AlertStorm, make_storm
from sre_copilot.testing.receivers import ReceiverLog, http_receiver
from sre_copilot.testing.serving import Serving, serving, write_config

pytestmark = pytest.mark.integration
ALERTS, SECONDS, BATCH = 10_000, 10.0, 500
MOST_TOLD = 10
SETTLED_S = 30.0  # what a storm holds back is decided on within its wait of thirty seconds


@dataclass(frozen=True)
class Stormed:
    """A server that went through a storm."""

    storm: AlertStorm
    server: Serving
    people: ReceiverLog
    sent_seconds: float
    worked_seconds: float

    def incidents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.get("/api/v1/incidents", status="all", limit=1000)["items"]
        return found

    def incident_of(self, service: str) -> dict[str, Any]:
        """The incident of the critical alerts of a service."""
        rows = self.server.get("/api/v1/alerts", service=service, severity="critical", limit=1000)["items"]
        (ident,) = {row["incident_id"] for row in rows}
        return next(each for each in self.incidents() if each["id"] == ident)


@pytest.fixture(scope="module")
def stormed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stormed]:
    """Let it storm, and wait until all is worked off and decided."""
    folder, storm = tmp_path_factory.mktemp("storm"), make_storm(alerts=ALERTS, seconds=SECONDS)
    estate = folder / "estate.json"
    estate.write_text(json.dumps({"relations": [list(each) for each in storm.topology.edges]}))
    with http_receiver() as people:
        receiver = {"name": "team", "webhook_configs": [{"url": people.url}]}
        route = {"receiver": "team", "group_by": ["alertname", "service"], "group_wait": "10s"}
        write_config(
            folder,
            sources=[{"type": "topology_file", "files": [str(estate)]}],
            alerting={"notify": {"receivers": [receiver]}, "routing": {"route": route}},
        )
        with serving(folder) as server:
            server.until(lambda: server.get("/status")["ticks"], seconds=90)
            began = time.monotonic()
            sent = _send(server, storm.events)
            server.until(lambda: _worked_off(server) >= ALERTS, seconds=120)
            worked = time.monotonic() - began
            server.until(lambda: len(people.seen) >= 3, seconds=SETTLED_S + 60)
            time.sleep(SETTLED_S)
            yield Stormed(storm, server, people, sent, worked)
            code, seconds = server.end()
            assert (code, seconds < 5.0) == (0, True), seconds


def _send(server: Serving, events: Sequence[AlertEvent]) -> float:
    """Send all events at their times, a batch at a time; return how long that took."""
    began, first = time.monotonic(), events[0].received_at
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=30) as client:
        for start in range(0, len(events), BATCH):
            batch = events[start : start + BATCH]
            time.sleep(max(0.0, began + batch[-1].received_at - first - time.monotonic()))
            body = {"version": "4", "status": "firing", "alerts": [_told(each) for each in batch]}
            answer = client.post("/api/v1/intake/alertmanager", json=body)
            assert (answer.status_code, answer.json()["accepted"]) == (202, len(batch)), answer.text
    return time.monotonic() - began


def _told(event: AlertEvent) -> dict[str, Any]:
    now = rfc3339(float(int(time.time())))
    ended = event.status == "resolved"
    return {
        "status": event.status,
        "labels": dict(event.labels),
        "annotations": {},
        "startsAt": now,
        "endsAt": now if ended else "0001-01-01T00:00:00Z",
    }


def _worked_off(server: Serving) -> float:
    headers = {"Authorization": f"Bearer {server.token}"}
    text = httpx.get(server.url + "/metrics", headers=headers, trust_env=False, timeout=10).text
    rows = (line for line in text.splitlines() if line.startswith("sre_copilot_alerts_received_total{"))
    return sum(float(row.rpartition(" ")[2]) for row in rows)


def test_people_get_no_more_messages_than_they_can_read(stormed: Stormed) -> None:
    titles = [each.document["incident"]["title"] for each in stormed.people.seen]
    assert 3 <= len(titles) <= MOST_TOLD, titles
    assert stormed.people.repeated == 0
    woken = [each for each in stormed.incidents() if each["woken"]]
    assert len(woken) <= len(titles), [each["title"] for each in woken]


def test_each_fault_is_an_incident_of_its_own_that_people_were_told_of(stormed: Stormed) -> None:
    found = [stormed.incident_of(fault) for fault in stormed.storm.faults]
    assert len({each["id"] for each in found}) == len(stormed.storm.faults)
    for fault, incident in zip(stormed.storm.faults, found, strict=True):
        assert incident["woken"], incident
        assert not incident["storm"], incident
        assert fault in incident["services"]
        told = [each for each in stormed.people.seen if fault in each.document["incident"]["services"]]
        assert told, (fault, [each.document["incident"]["title"] for each in stormed.people.seen])


def test_victims_are_part_of_the_incident_of_what_they_depend_on(stormed: Stormed) -> None:
    """Known only by the topology, which the server read from its source."""
    found = {fault: set(stormed.incident_of(fault)["services"]) for fault in stormed.storm.faults}
    for fault, victims in stormed.storm.victims.items():
        assert found[fault] & victims, (fault, found[fault])
        others = set[str]().union(*(served for other, served in found.items() if other != fault))
        assert not (found[fault] - {"gateway"}) & (others - {"gateway"}), found


def test_all_is_worked_off_about_as_fast_as_it_comes(stormed: Stormed) -> None:
    assert stormed.sent_seconds < 3 * SECONDS, stormed.sent_seconds
    assert stormed.worked_seconds < 4 * SECONDS, stormed.worked_seconds


def test_the_way_of_an_alert_into_its_incident_is_explained(stormed: Stormed) -> None:
    fault = stormed.storm.faults[0]
    rows = stormed.server.get("/api/v1/alerts", service=fault, severity="critical", limit=1)["items"]
    because = stormed.server.get(f"/api/v1/alerts/{rows[0]['fingerprint']}/explain")["because"]
    assert {"enrich", "route", "correlate"} <= {each["stage"] for each in because}
    assert all(each["sentence"] for each in because)
