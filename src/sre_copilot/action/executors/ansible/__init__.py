"""Ansible: playbooks by name, out of a folder, on hosts of an inventory."""

from sre_copilot.action.executors.ansible.executor import AnsibleExecutor
from sre_copilot.action.executors.ansible.settings import AnsibleExecutorSettings, Playbook

SETTINGS = AnsibleExecutorSettings

__all__ = ["SETTINGS", "AnsibleExecutor", "AnsibleExecutorSettings", "Playbook"]
