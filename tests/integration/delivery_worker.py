"""A worker that delivers, for the test that kills it: `python -m tests.integration.delivery_worker STORE_URL RUNS_URL RECEIVER_URL`."""

from __future__ import annotations

import sys
import time

from sre_copilot.clock import SystemClock
from sre_copilot.durable.runs import DbosDurable
from sre_copilot.incidents.delivery.deliveries import Deliveries
from sre_copilot.incidents.delivery.receivers import open_receivers
from sre_copilot.settings.alerting.notify import Notify
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.telemetry import OwnMetrics

RECEIVERS = 3


def settings(url: str) -> Notify:
    """Receivers that share nothing but the address behind which all are counted."""
    receivers = [
        {"name": f"team-{i}", "notifiers": [{"type": "webhook", "url": f"{url}/{i}"}]}
        for i in range(RECEIVERS)
    ]
    return Notify.model_validate({"receivers": receivers, "first_pause_seconds": 0.2})


def work(store_url: str, runs_url: str, receiver_url: str) -> None:
    """Deliver until it is killed."""
    database = Database(store_url)
    durable = DbosDurable(runs_url, database=database)
    notify = settings(receiver_url)
    deliveries = Deliveries(
        NotificationStore(database),
        durable,
        open_receivers(notify, language="en"),
        clock=SystemClock(),
        own=OwnMetrics(),
        settings=notify,
    )
    durable.launch()
    while True:
        deliveries.pump(time.time())
        time.sleep(0.05)


if __name__ == "__main__":
    work(*sys.argv[1:])
