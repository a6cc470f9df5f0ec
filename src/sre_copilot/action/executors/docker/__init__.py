"""Docker: start, stop and restart containers, and change their limits, over the Docker API that Podman speaks too."""

from sre_copilot.action.executors.docker.executor import DockerExecutor
from sre_copilot.action.executors.docker.settings import DockerExecutorSettings

SETTINGS = DockerExecutorSettings

__all__ = ["SETTINGS", "DockerExecutor", "DockerExecutorSettings"]
