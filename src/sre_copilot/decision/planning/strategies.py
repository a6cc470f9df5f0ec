"""Ways of repairing, and which of them fit which fault, the most reversible and most specific first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEPLOY = frozenset({"deploy", "deployment", "release", "rollout", "commit"})
CONFIGURATION = frozenset({"config", "configuration", "configmap", "settings"})
FLAG = frozenset({"flag", "feature", "feature_flag", "feature-flag", "toggle"})

VERBS: Mapping[str, tuple[str, ...]] = {
    "start": ("start",),
    "restart": ("rollout_restart", "restart"),
    "rollback": ("rollback", "roll_back", "revert", "revert_commit"),
    "restore_configuration": ("restore_configuration", "rollback_configuration", "revert", "revert_commit"),
    "switch_flag": ("switch_flag", "set_flag", "revert", "revert_commit"),
    "scale_out": ("scale",),
    "free_disk": ("free_disk",),
    "end_sessions": ("end_sessions", "terminate_sessions"),
    "uncordon": ("uncordon",),
    "cordon": ("cordon",),
}
"""Names (after the dot) of the actions in the catalogue by which a strategy is carried out, the preferred first."""
UNDOES: Mapping[str, frozenset[str]] = {
    "rollback": DEPLOY,
    "restore_configuration": CONFIGURATION,
    "switch_flag": FLAG,
}
"""Strategies that take a change back, and the kinds of change: without one before the onset there is nothing to take back."""


@dataclass(frozen=True, slots=True)
class Way:
    """A strategy against a fault.

    `anyway`: also where no change is on record, for the fault itself says that what was rolled out is wrong. `loaded`: only where more is asked of the service than before.
    """

    strategy: str
    anyway: bool = False
    loaded: bool = False


_CHANGES = (Way("rollback"), Way("restore_configuration"), Way("switch_flag"))
_MANIFEST = (Way("rollback", anyway=True), Way("restore_configuration"))
_RESTART = (Way("restart"), *_CHANGES)

BY_TYPE: Mapping[str, tuple[Way, ...]] = {
    "resource/cpu": (*_CHANGES, Way("scale_out", loaded=True), Way("restart")),
    "resource/memory": (*_CHANGES, Way("restart"), Way("scale_out", loaded=True)),
    "resource/out-of-memory": (*_CHANGES, Way("restart"), Way("scale_out", loaded=True)),
    "resource/disk": (Way("free_disk"),),
    "resource/pool": (*_CHANGES, Way("restart"), Way("end_sessions")),
    "database/lock": (Way("end_sessions"),),
    "database/connections": (*_CHANGES, Way("end_sessions")),
    "process/killed": (*_CHANGES, Way("restart"), Way("start")),
    "process/hung": (Way("restart"), *_CHANGES),
    "dependency/unavailable": (Way("restart"), Way("start"), *_CHANGES),
    "runtime/no-replicas": (Way("scale_out"),),
    "scheduling/node-cordoned": (Way("uncordon"),),
    "node/container-runtime": (Way("restart"),),
    "node/kubelet": (Way("restart"),),
    "node/kube-proxy": (Way("restart"),),
    "node/scheduler": (Way("restart"),),
    "node/network-delay": (Way("cordon"),),
    "node/network-loss": (Way("cordon"),),
    "startup/image-reference": _MANIFEST,
}
"""Faults that the ways of their family do not fit. A database is never restarted by itself: what it recovers from takes longer than its sessions."""
BY_FAMILY: Mapping[str, tuple[Way, ...]] = {
    "resource": _CHANGES,
    "network": _CHANGES,
    "code": _CHANGES,
    "process": _RESTART,
    "dependency": _CHANGES,
    "database": _CHANGES,
    "security": _CHANGES,
    "degradation": _CHANGES,
    "runtime": _MANIFEST,
    "routing": _MANIFEST,
    "startup": _CHANGES,
    "scheduling": _CHANGES,
}
"""What may be done about a family. Where it is not certain what is broken, only changes are taken back, and only when there was one."""


def ways_against(fault_type: str) -> tuple[Way, ...]:
    """The ways against a fault, the first to be tried first; none where nothing general is known."""
    return BY_TYPE.get(fault_type) or BY_FAMILY.get(fault_type.partition("/")[0], ())


def takes_back(strategy: str, kind: str) -> bool:
    """Whether a strategy takes back changes of this kind."""
    return kind.casefold() in UNDOES.get(strategy, frozenset())
