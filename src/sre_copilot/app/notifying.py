"""How people are reached, as the configuration says: receivers with their services, and what carries notifications to them."""

from __future__ import annotations

from collections.abc import Mapping

from sre_copilot.app.reporting import Reporting
from sre_copilot.app.secrets import gathered
from sre_copilot.clock import Clock
from sre_copilot.durable.port import Durable
from sre_copilot.incidents.delivery.deliveries import Deliveries
from sre_copilot.incidents.delivery.receivers import Receiver, open_receivers
from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.telemetry import OwnMetrics, hide


def make_receivers(settings: Settings) -> dict[str, Receiver]:
    """Every configured receiver by its name; none of their secrets is ever written to the log.

    Raises
    ------
    SettingsError : names the receiver, the entry, the key, and the way out
    """
    receivers = open_receivers(settings.alerting.notify, language=settings.language)
    for receiver in receivers.values():
        for target in receiver.targets:
            hide(gathered(target.notifier.settings.model_dump()))
    return receivers


def make_deliveries(
    settings: Settings,
    database: Database,
    durable: Durable,
    *,
    clock: Clock,
    own: OwnMetrics,
    receivers: Mapping[str, Receiver] | None = None,
) -> Deliveries:
    """What carries notifications to people; it registers its workflow, so that this comes before `durable.launch()`."""
    return Deliveries(
        NotificationStore(database),
        durable,
        receivers if receivers is not None else make_receivers(settings),
        clock=clock,
        own=own,
        settings=settings.alerting.notify,
        attach=Reporting(settings=settings, database=database, clock=clock).attached,
    )
