"""Supervisor: start, stop, restart and signal its processes and groups, over its XML-RPC."""

from sre_copilot.action.executors.supervisor.executor import SupervisorExecutor
from sre_copilot.action.executors.supervisor.settings import SupervisorExecutorSettings

SETTINGS = SupervisorExecutorSettings

__all__ = ["SETTINGS", "SupervisorExecutor", "SupervisorExecutorSettings"]
