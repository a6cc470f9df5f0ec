"""`sre-copilot worker`: decide on alerts and tell people, without the interface and without the watch."""

from __future__ import annotations

import signal

from rich.console import Console

from sre_copilot.app.collector import calm_collector
from sre_copilot.app.desk import Desk
from sre_copilot.app.serving import make_service
from sre_copilot.app.worker import make_worker
from sre_copilot.cli.options import ConfigFile
from sre_copilot.errors import SettingsError
from sre_copilot.settings.loading import load
from sre_copilot.telemetry import set_up_logging


def worker(*, config: ConfigFile = None) -> None:
    """Decide on alerts, tell people, and investigate incidents, beside a `serve` that takes them in; one of them leads, another takes over within ten seconds.

    Several need PostgreSQL (`store.url`); with SQLite `serve` does it all.
    """
    settings = load(config)
    if not settings.store.url.startswith("postgresql"):
        raise SettingsError(
            "store.url: is no PostgreSQL, which workers of their own need. With SQLite, `sre-copilot serve` does it all."
        )
    set_up_logging(settings.logging)
    service = make_service(settings, telling=True)
    desk = Desk(service)
    service.closing.append(desk.close)
    working = make_worker(service, desk=desk)
    service.closing.append(working.close)
    signal.signal(signal.SIGTERM, lambda number, frame: service.stop.set())
    signal.signal(signal.SIGINT, lambda number, frame: service.stop.set())
    try:
        working.start()
        calm_collector()
        Console(stderr=True, highlight=False).print("SRE Copilot works; Ctrl-C ends it", markup=False)
        service.stop.wait()
    finally:
        service.close()
