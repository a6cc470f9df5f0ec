"""Kubernetes: restart, scale, roll back, restore configuration, cordon, evict, shift traffic, change a field of a custom resource."""

from sre_copilot.action.executors.kubernetes.executor import KubernetesExecutor
from sre_copilot.action.executors.kubernetes.settings import CustomResource, KubernetesExecutorSettings

SETTINGS = KubernetesExecutorSettings

__all__ = ["SETTINGS", "CustomResource", "KubernetesExecutor", "KubernetesExecutorSettings"]
