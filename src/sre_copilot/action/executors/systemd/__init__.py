"""systemd: start, stop, restart and reload units, on this machine or by SSH."""

from sre_copilot.action.executors.systemd.executor import SystemdExecutor
from sre_copilot.action.executors.systemd.settings import SystemdExecutorSettings

SETTINGS = SystemdExecutorSettings

__all__ = ["SETTINGS", "SystemdExecutor", "SystemdExecutorSettings"]
