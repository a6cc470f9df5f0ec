"""What the API stands before, without waiting in the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import UserDict
from collections.abc import Iterator, KeysView, Sequence
from dataclasses import asdict
from typing import Any

import pytest

from sre_copilot.alerts.state import AlertState, GroupState
from sre_copilot.api.alertmanager.views import alert_view
from sre_copilot.app.alert_backend import StoredAlerts
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.testing.alerting_service import Deciding, deciding


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("behind")) as found:
        yield found


class Noted(UserDict[str, Any]):
    """A row that knows who reads it."""

    readers: set[int] = set()  # noqa: RUF012

    def keys(self) -> KeysView[str]:
        self.readers.add(threading.get_ident())
        return self.data.keys()


class NotedRecords(AlertRecords):
    """Records whose rows know who reads them."""

    def known(self, fields: Sequence[str], *, since: float) -> Iterator[tuple[Any, ...]]:
        for row in super().known(fields, since=since):
            Noted.readers.add(threading.get_ident())
            yield row

    def groups(self) -> list[Any]:
        return [Noted(row) for row in super().groups()]


def test_states_are_made_beside_the_event_loop(there: Deciding) -> None:
    there.fire("HighLatency", service="a")
    alerting = there.service.alerting
    before, alerting.records = alerting.records, NotedRecords(there.service.database)
    stored = StoredAlerts(alerting)

    async def read() -> tuple[int, int]:
        return len(await stored.alerts()), len(await stored.groups())

    assert min(asyncio.run(read())) > 0
    alerting.records = before
    assert Noted.readers
    assert threading.get_ident() not in Noted.readers
    assert asdict(GroupState(**alerting.records.groups()[0]))


def test_what_is_shown_of_an_alert_is_what_its_record_says(there: Deciding) -> None:
    there.fire("HighErrorRate", service="c")
    stored = StoredAlerts(there.service.alerting)
    shown = {each.fingerprint: each for each in asyncio.run(stored.alerts())}
    kept = there.service.alerting.records.firing()
    assert kept
    for row in kept:
        seen, whole = shown[row["fingerprint"]], AlertState(**row)
        assert seen._asdict() == {name: row[name] for name in seen._fields}
        told = [alert_view(each, ["team"], now=0.0, resolve_after_s=300.0) for each in (seen, whole)]
        assert told[0] == told[1]


@pytest.mark.parametrize("path", ["/api/v1/intake/alertmanager_api/api/v2/alerts", "/api/v2/alerts"])
def test_where_the_inbox_is_full_the_sender_is_told_when_to_come_again(there: Deciding, path: str) -> None:
    inbox = there.service.alerting.inbox
    told = [{"labels": {"alertname": "HighLatency", "service": "b"}}]
    held, inbox._held = inbox._held, 2 * inbox._most_waiting  # far above: its thread may still be writing
    refused = there.client("admin").post(path, json=told)
    inbox._held = held
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert there.client("admin").post(path, json=told).status_code in (200, 202)
