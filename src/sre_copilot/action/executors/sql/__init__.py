"""SQL: statements out of a catalogue, with bound parameters, in one transaction with the key of the effect."""

from sre_copilot.action.executors.sql.executor import SqlExecutor
from sre_copilot.action.executors.sql.settings import SqlExecutorSettings, SqlStatement

SETTINGS = SqlExecutorSettings

__all__ = ["SETTINGS", "SqlExecutor", "SqlExecutorSettings", "SqlStatement"]
