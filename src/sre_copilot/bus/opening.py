"""The bus that the configuration names."""

from __future__ import annotations

from importlib.metadata import entry_points

from prometheus_client import CollectorRegistry

from sre_copilot.bus.port import Bus
from sre_copilot.errors import SettingsError
from sre_copilot.plugins import load_one, registered
from sre_copilot.settings.bus import BusSettings

GROUP = "sre_copilot.buses"


def open_bus(settings: BusSettings, *, registry: CollectorRegistry | None = None) -> Bus:
    """Open the bus; a broker that is away is no error here: sending fails, and reading begins when it is there.

    Raises
    ------
    SettingsError : when there is no such transport, or the library that it needs is not installed
    PluginError : when a plug-in cannot be loaded
    """
    if not entry_points(group=GROUP, name=settings.transport):
        known = ", ".join(plugin.name for plugin in registered(GROUP)) or "none"
        raise SettingsError(
            f"bus.transport: there is no transport {settings.transport!r}. There are: {known}."
        )
    bus: Bus = load_one(GROUP, settings.transport)(settings, registry)
    return bus
