"""Git: one value of a configuration file, a feature flag, or a commit taken back, each as a commit that is pushed."""

from sre_copilot.action.executors.git.executor import GitExecutor
from sre_copilot.action.executors.git.settings import GitExecutorSettings, GitFile, GitFlag

SETTINGS = GitExecutorSettings

__all__ = ["SETTINGS", "GitExecutor", "GitExecutorSettings", "GitFile", "GitFlag"]
