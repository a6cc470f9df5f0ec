"""The executor `docker`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sre_copilot.action.executor import Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import VerbExecutor, difference, digest, refused, schema, undoing
from sre_copilot.action.executors.docker.engine import Engine
from sre_copilot.action.executors.docker.settings import DockerExecutorSettings
from sre_copilot.action.executors.lifecycle import cycles
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel

KINDS = ("container",)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What the engine takes as a name; anything else would lead to another place of its API."""
MB = 1024 * 1024
PERIOD_US = 100_000  # of the processor's quota: what Docker itself takes for `--cpus`
LEAST_MB = 6  # Docker's own least


class DockerExecutor(VerbExecutor):
    """Containers of one engine."""

    Settings: ClassVar[type[DockerExecutorSettings]] = DockerExecutorSettings

    def __init__(self, settings: DockerExecutorSettings) -> None:
        engine = Engine(settings)
        verbs = cycles(engine, KINDS, timeout_s=settings.action_timeout_seconds)
        super().__init__(
            settings.name,
            [*verbs, Limits(engine, settings)],
            allowed=settings.containers,
            protected=settings.protected,
        )

    def check(self, action: Action) -> Action:
        """The action, on what can be the name of a container."""
        if not NAME.fullmatch(action.target.name):
            raise refused(self.name, f"target.name: {action.target.name!r} is no name of a container; write it as the engine shows it")  # fmt: skip
        return super().check(action)


class Limits:
    """Set how much memory and processor time a container may use, while it runs."""

    def __init__(self, engine: Engine, settings: DockerExecutorSettings) -> None:
        self._engine = engine
        memory = {
            "type": "integer", "minimum": LEAST_MB, "maximum": settings.max_memory_mb,
            "description": "megabytes of memory; swap is set to the same, so that there is none beside",
        }  # fmt: skip
        cpus = {
            "type": "number", "minimum": 0.01, "maximum": settings.max_cpus,
            "description": "processors, parts of one too",
        }  # fmt: skip
        self.spec = ActionSpec(
            name=f"{settings.name}.limits",
            level=RiskLevel.MEDIUM,
            parameters=schema(memory_mb=memory, cpus=cpus) | {"minProperties": 1},
            kinds=KINDS,
            does=Message(key="process.does.limits"),
            reversible=True,
            exactly_once=True,
            timeout_seconds=30.0,
            idempotent=True,
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is."""
        return action

    def look(self, action: Action) -> Looked:
        """The limits; 0 is none."""
        found = self._limits(action, None)
        return Looked(exists=found is not None, state=found or {}, digest=digest(found) if found else "")

    def preview(self, action: Action) -> Preview:
        """The limits before and after."""
        before = self._present(action, None)
        after = before | dict(action.parameters)
        nothing = (Message(key="process.objection.nothing_to_do"),) if before == after else ()
        return Preview(before=before, after=after, difference=difference(before, after), objections=nothing)

    def backup(self, action: Action) -> Mapping[str, Any]:
        """The limits."""
        return self._present(action, None)

    def execute(self, action: Action, call: Call) -> Effect:
        """Set them, unless they are so."""
        return self._set(action, call, action.parameters)

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether they are so."""
        found = self._limits(action, call)
        wanted = {name: backup[name] for name in action.parameters} if undoing(call) else action.parameters
        return None if found is None else found | dict(wanted) == found

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the engine shows them."""
        ok = bool(self.done(action, call, {}))
        params = (("name", action.target.name), ("state", str(self._limits(action, call))))
        if ok:
            return Verified(ok=True, settled=True, reason=Message(key="process.verify.as_asked"))
        return Verified(ok=False, settled=True, reason=Message(key="process.verify.otherwise", params=params))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Set those before."""
        return self._set(action, call, {name: backup[name] for name in action.parameters})

    def _set(self, action: Action, call: Call, wanted: Mapping[str, Any]) -> Effect:
        before = self._present(action, call)
        after = before | dict(wanted)
        if after == before:
            return Effect(changed=False)
        limits: dict[str, int] = {}
        if after["memory_mb"] != before["memory_mb"]:
            limits["mem_limit"] = int(after["memory_mb"] * MB) or -1
            limits["memswap_limit"] = limits["mem_limit"]
        if after["cpus"] != before["cpus"]:
            limits["cpu_period"] = PERIOD_US
            limits["cpu_quota"] = int(after["cpus"] * PERIOD_US) or -1
        self._engine.update(action.target.name, call, **limits)
        return Effect(changed=True, detail={"difference": list(difference(before, after))})

    def _limits(self, action: Action, call: Call | None) -> dict[str, Any] | None:
        found = self._engine.inspect(action.target.name, call)
        if found is None:
            return None
        host = found["HostConfig"]
        quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or PERIOD_US
        cpus = host.get("NanoCpus", 0) / 1e9 or max(0, quota) / period
        return {"memory_mb": (host.get("Memory") or 0) // MB, "cpus": round(cpus, 4)}

    def _present(self, action: Action, call: Call | None) -> dict[str, Any]:
        found = self._limits(action, call)
        if found is None:
            raise refused(action.executor, f"target.name: there is no container {action.target.name}; correct it")  # fmt: skip
        return found
