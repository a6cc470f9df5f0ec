"""HTTP: requests out of a catalogue, to addresses that the settings name."""

from sre_copilot.action.executors.http.executor import HttpExecutor
from sre_copilot.action.executors.http.settings import HttpBase, HttpEntry, HttpExecutorSettings, HttpTemplate

SETTINGS = HttpExecutorSettings

__all__ = ["SETTINGS", "HttpBase", "HttpEntry", "HttpExecutor", "HttpExecutorSettings", "HttpTemplate"]
