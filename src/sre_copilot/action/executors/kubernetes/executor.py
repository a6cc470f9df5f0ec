"""The executor `kubernetes`: what it can do, and one method each that hands an action to the part that does it."""

from __future__ import annotations

import re
from typing import ClassVar

from sre_copilot.action.executors.common import Verb, VerbExecutor, refused
from sre_copilot.action.executors.kubernetes.client import Cluster
from sre_copilot.action.executors.kubernetes.configuration import RestoreConfiguration
from sre_copilot.action.executors.kubernetes.custom import PatchCustom
from sre_copilot.action.executors.kubernetes.kinds import NODE
from sre_copilot.action.executors.kubernetes.nodes import Cordon
from sre_copilot.action.executors.kubernetes.pods import RemovePod
from sre_copilot.action.executors.kubernetes.rollback import Rollback
from sre_copilot.action.executors.kubernetes.settings import KubernetesExecutorSettings
from sre_copilot.action.executors.kubernetes.traffic import SwitchTraffic, TrafficWeight
from sre_copilot.action.executors.kubernetes.workloads import RolloutRestart, Scale
from sre_copilot.domain.plan import ActionSpec, Target

_NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")


class KubernetesExecutor(VerbExecutor):
    """One cluster, or some namespaces of it."""

    Settings: ClassVar[type[KubernetesExecutorSettings]] = KubernetesExecutorSettings

    def __init__(self, settings: KubernetesExecutorSettings) -> None:
        self._settings = settings
        self._cluster = Cluster(settings)
        super().__init__(settings.name, _verbs(self._cluster, settings))

    def close(self) -> None:
        """Close connections."""
        self._cluster.close()

    def _check_target(self, target: Target, spec: ActionSpec) -> None:
        if target.kind not in spec.kinds:
            raise refused(
                self.name, f"target.kind: {spec.name} is for {', '.join(spec.kinds)}, not for {target.kind!r}"
            )
        if not _NAME.fullmatch(target.name):
            raise refused(self.name, f"target.name: {target.name!r} is no name of an object; write it as kubectl shows it")  # fmt: skip
        if not self._namespaced(target.kind):
            return
        if not _NAME.fullmatch(target.namespace):
            raise refused(self.name, f"target.namespace: {target.kind} {target.name} lives in one; name it")
        if target.namespace in self._settings.protected_namespaces:
            raise refused(
                self.name, f"target.namespace: {target.namespace} is protected; nothing is done there"
            )
        if self._settings.namespaces and target.namespace not in self._settings.namespaces:
            raise refused(
                self.name,
                f"target.namespace: {target.namespace} is not among those of the settings ({', '.join(self._settings.namespaces)}); add it there",
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
