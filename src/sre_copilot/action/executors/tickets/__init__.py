"""Ticket systems: create, comment, and move on to another state."""

from sre_copilot.action.executors.tickets.executor import TicketsExecutor
from sre_copilot.action.executors.tickets.settings import TicketsExecutorSettings

SETTINGS = TicketsExecutorSettings

__all__ = ["SETTINGS", "TicketsExecutor", "TicketsExecutorSettings"]
