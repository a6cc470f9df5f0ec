"""The executor `kubernetes`: what it can do, and one method each that hands an action to the part that does it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import Verb, with_parameters
from sre_copilot.action.executors.kubernetes.client import Cluster, still_wanted
from sre_copilot.action.executors.kubernetes.configuration import RestoreConfiguration
from sre_copilot.action.executors.kubernetes.custom import PatchCustom
from sre_copilot.action.executors.kubernetes.kinds import NODE
from sre_copilot.action.executors.kubernetes.nodes import Cordon
from sre_copilot.action.executors.kubernetes.pods import RemovePod
from sre_copilot.action.executors.kubernetes.rollback import Rollback
from sre_copilot.action.executors.kubernetes.settings import KubernetesExecutorSettings
from sre_copilot.action.executors.kubernetes.traffic import SwitchTraffic, TrafficWeight
from sre_copilot.action.executors.kubernetes.workloads import RolloutRestart, Scale
from sre_copilot.domain.plan import Action, ActionSpec, Target

_NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")


class KubernetesExecutor:
    """One cluster, or some namespaces of it."""

    Settings: ClassVar[type[KubernetesExecutorSettings]] = KubernetesExecutorSettings

    def __init__(self, settings: KubernetesExecutorSettings) -> None:
        self.name = settings.name
        self._settings = settings
        self._cluster = Cluster(settings)
        self._verbs = {verb.spec.name: verb for verb in _verbs(self._cluster, settings)}

    def specs(self) -> Sequence[ActionSpec]:
        """What it can do."""
        return tuple(verb.spec for verb in self._verbs.values())

    def check(self, action: Action) -> Action:
        """The action with its parameters as they are understood, defaults filled in."""
        verb = self._verb(action)
        self._check_target(action.target, verb.spec)
        return verb.adjust(with_parameters(action, verb.spec))

    def look(self, action: Action) -> Looked:
        """The present state of the target."""
        return self._verb(action).look(self.check(action))

    def preview(self, action: Action) -> Preview:
        """What would be done, as the server says (`dryRun=All`)."""
        return self._verb(action).preview(self.check(action))

    def backup(self, action: Action) -> Mapping[str, Any]:
        """What `undo` needs; no content of config maps or templates, only where it is."""
        return self._verb(action).backup(self.check(action))

    def execute(self, action: Action, call: Call) -> Effect:
        """Do it, once for each key."""
        verb, checked = self._verb(action), self.check(action)
        still_wanted(call)
        return verb.execute(checked, call)

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the effect of this key is there."""
        return self._verb(action).done(self.check(action), call, backup)

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the target has come to the state that was asked for."""
        return self._verb(action).verify(self.check(action), call)

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Restore what was backed up, once for each key."""
        verb, checked = self._verb(action), self.check(action)
        still_wanted(call)
        return verb.undo(checked, call, backup)

    def close(self) -> None:
        """Close connections."""
        self._cluster.close()

    def __repr__(self) -> str:
        return f"KubernetesExecutor({self.name})"

    def _verb(self, action: Action) -> Verb:
        if action.name not in self._verbs:
            known = ", ".join(self._verbs)
            raise _refused(f"{action.name} is no action of {self.name}; it is one of {known}")
        return self._verbs[action.name]

    def _check_target(self, target: Target, spec: ActionSpec) -> None:
        if target.kind not in spec.kinds:
            raise _refused(
                f"target.kind: {spec.name} is for {', '.join(spec.kinds)}, not for {target.kind!r}"
            )
        if not _NAME.match(target.name):
            raise _refused(f"target.name: {target.name!r} is no name of an object; write it as kubectl shows it")  # fmt: skip
        if not self._namespaced(target.kind):
            return
        if not _NAME.match(target.namespace):
            raise _refused(f"target.namespace: {target.kind} {target.name} lives in one; name it")
        if target.namespace in self._settings.protected_namespaces:
            raise _refused(f"target.namespace: {target.namespace} is protected; nothing is done there")
        if self._settings.namespaces and target.namespace not in self._settings.namespaces:
            raise _refused(
                f"target.namespace: {target.namespace} is not among those of the settings ({', '.join(self._settings.namespaces)}); add it there"
            )

    def _namespaced(self, kind: str) -> bool:
        custom = {each.kind: each.namespaced for each in self._settings.custom_resources}
        return custom.get(kind, kind != NODE.name)


def _verbs(cluster: Cluster, settings: KubernetesExecutorSettings) -> list[Verb]:
    custom = [PatchCustom(cluster, each) for each in settings.custom_resources]
    return [
        RemovePod(cluster, evict=False),
        RemovePod(cluster, evict=True),
        RolloutRestart(cluster),
        Scale(cluster),
        Rollback(cluster),
        RestoreConfiguration(cluster),
        Cordon(cluster, closed=True),
        Cordon(cluster, closed=False),
        TrafficWeight(cluster),
        SwitchTraffic(cluster),
        *custom,
    ]


def _refused(message: str) -> ActionError:
    return ActionError(f"kubernetes: {message}", effect="none")
