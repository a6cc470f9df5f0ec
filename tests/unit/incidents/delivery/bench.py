"""A store, durable runs and receivers, for deliveries."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from sre_copilot.clock import TurnedClock
from sre_copilot.domain.notification import Notification
from sre_copilot.incidents.delivery.attempt import Attach, nothing
from sre_copilot.incidents.delivery.deliveries import Deliveries
from sre_copilot.incidents.delivery.receivers import open_receivers
from sre_copilot.settings.alerting.notify import Notify
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore, attempts
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.receivers import ReceiverLog

START = 1_770_388_222.0


@cache
def _migrated_once() -> bytes:
    """A store without rows, as a file: migrating anew for each test takes longer than all of the test."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        Database(f"sqlite:///{file}").close()
        return file.read_bytes()


def migrated(file: Path) -> Database:
    file.write_bytes(_migrated_once())
    return Database(f"sqlite:///{file}")


class World:
    """A store, durable runs with a clock that is turned, and the deliveries of one configuration."""

    def __init__(self, folder: Path, notify: Mapping[str, Any], *, attach: Attach = nothing) -> None:
        self.attach = attach
        self.clock = TurnedClock(START)
        self.database = migrated(folder / "world.db")
        self.store = NotificationStore(self.database)
        self.durable = MemoryDurable(self.clock)
        self.settings = Notify.model_validate(notify)
        self.own = OwnMetrics()
        self.deliveries = self.made(self.durable)
        self.durable.launch()

    def made(self, durable: MemoryDurable) -> Deliveries:
        receivers = open_receivers(self.settings, language="en")
        return Deliveries(
            self.store,
            durable,
            receivers,
            clock=self.clock,
            own=self.own,
            settings=self.settings,
            attach=self.attach,
        )

    def tell(self, *told: Notification) -> None:
        with self.database.begin() as connection:
            self.store.insert(connection, told)

    def turn(self, *, seconds: int = 0) -> None:
        """Turns of the leader, a second apart."""
        for _ in range(seconds + 1):
            self.deliveries.pump(self.clock.now())
            self.durable.run_until(self.clock.now() + (1 if seconds else 0))

    def statuses(self) -> dict[str, str]:
        return {row["key"]: row["status"] for row in reversed(self.store.page(limit=1000).rows)}

    def count(self, table: Any = attempts) -> int:
        with self.database.begin() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    def metric(self, name: str, **labels: str) -> float:
        return self.own.registry.get_sample_value(name, labels) or 0.0


def told(
    number: int = 1,
    *,
    state: Any = "firing",
    group: str = "INC-1",
    receiver: str = "team",
    severity: str = "warning",
    at: float = START,
    **more: Any,
) -> Notification:
    content = {
        "incident_id": group,
        "title": f"latency of {group}",
        "severity": severity,
        "status": "firing",
        "started_at": at,
        **more.pop("content", {}),
    }
    return Notification(
        key=f"{group}/{receiver}/{state}/{number}",
        group=group,
        receiver=receiver,
        state=state,
        sequence=number,
        created_at=at,
        content=content,
        **more,
    )


def team(*notifiers: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"receivers": [{"name": "team", "notifiers": list(notifiers), **more}]}


def hook(at: ReceiverLog, **more: Any) -> dict[str, Any]:
    return {"type": "webhook", "url": at.url, "timeout_seconds": 0.3, **more}


# -- crashes ---------------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The process dies."""
