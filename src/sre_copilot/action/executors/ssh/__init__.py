"""SSH: commands out of a catalogue, on hosts that prove their keys."""

from sre_copilot.action.executors.ssh.executor import SshExecutor
from sre_copilot.action.executors.ssh.settings import SshCommand, SshExecutorSettings

SETTINGS = SshExecutorSettings

__all__ = ["SETTINGS", "SshCommand", "SshExecutor", "SshExecutorSettings"]
