"""The executor `systemd`. Which run of a unit is under way is told by its invocation id, which systemd draws anew at each start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import VerbExecutor, one_line, permitted, refused
from sre_copilot.action.executors.lifecycle import Ages, Life, Phase, Touch, cycles
from sre_copilot.action.executors.shell.local import LocalShell
from sre_copilot.action.executors.shell.ran import CANNOT_RUN, Ran, Shell, limits_of
from sre_copilot.action.executors.shell.remote import RemoteShell
from sre_copilot.action.executors.systemd.settings import SystemdExecutorSettings
from sre_copilot.domain.plan import Action, Target

KINDS = ("unit",)
UNIT = re.compile(r"^[A-Za-z0-9:_.@\\-]{1,240}\.(service|socket|timer|path|scope|slice)$")
PROPERTIES = "Id,LoadState,ActiveState,SubState,InvocationID,Names"
PHASES: Mapping[str, Phase] = {
    "active": "up", "reloading": "up", "refreshing": "up", "maintenance": "down", "activating": "coming",
    "deactivating": "going", "inactive": "stopped", "failed": "down",
}  # fmt: skip
NOTHING_DONE = frozenset({2, 3, 4, 5, 6}) | CANNOT_RUN
"""What systemctl answers to a wish that it did not take up (LSB): wrong arguments, not applicable, no permission, no such unit. A job that failed is 1."""


class SystemdExecutor(VerbExecutor):
    """Units of this machine, or of some others."""

    Settings: ClassVar[type[SystemdExecutorSettings]] = SystemdExecutorSettings

    def __init__(self, settings: SystemdExecutorSettings) -> None:
        self._hosts = [each.name for each in settings.ssh.hosts] if settings.ssh else [""]
        manager = Systemd(settings)
        verbs = cycles(manager, KINDS, timeout_s=settings.action_timeout_seconds)
        reload = Touch(manager, "reload", KINDS, manager.reload, idempotent=True)
        super().__init__(
            settings.name, [*verbs, reload], allowed=settings.units, protected=settings.protected
        )

    def check(self, action: Action) -> Action:
        """The action, on a unit of a machine of the settings."""
        target = action.target
        if not UNIT.fullmatch(target.name):
            raise refused(
                self.name,
                f"target.name: {target.name!r} is no unit; write it with its suffix, such as web.service",
            )
        if target.namespace not in self._hosts:
            known = ", ".join(self._hosts) or "none, for it is this machine"
            raise refused(
                self.name,
                f"target.namespace: {target.namespace!r} is no machine of the settings; it is one of: {known}",
            )
        return super().check(action)


class Systemd:
    """What systemctl shows, and what it is asked for."""

    def __init__(self, settings: SystemdExecutorSettings) -> None:
        self.name, self.steady_s = settings.name, settings.steady_seconds
        self._shell: Shell = RemoteShell(settings.ssh) if settings.ssh else LocalShell()
        self._settings, self._ages = settings, Ages()

    def lives(self, target: Target, call: Call | None) -> Sequence[Life]:
        """The unit; refused where one of its names may not be touched, for a unit can have several."""
        ran = self._run(("show", f"--property={PROPERTIES}", "--", target.name), target, call, changes=False)
        if ran.code:
            raise self._failed("show", target, ran, effect="none", retry=True)
        shown = dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line)
        if "ActiveState" not in shown:
            raise self._failed("show", target, ran, effect="none", retry=False)
        names = dict.fromkeys((target.name, shown.get("Id") or target.name, *shown.get("Names", "").split()))
        permitted(self.name, tuple(names), allowed=self._settings.units, protected=self._settings.protected)
        if shown.get("LoadState") == "not-found" and shown["ActiveState"] == "inactive":
            return []
        state, run = f"{shown['ActiveState']} ({shown.get('SubState', '')})", shown.get("InvocationID", "")
        phase = PHASES.get(shown["ActiveState"], "down")
        age_s = self._ages.age_s(target.key, f"{phase} {run}")
        return [Life(name=target.name, state=state, phase=phase, run=run, age_s=age_s)]

    def start(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Start it, and wait until systemd says that it has."""
        self._job("start", target, call, failed="done")

    def stop(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Stop it, and wait until it has ended."""
        self._job("stop", target, call, failed="unknown")

    def restart(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Stop and start it, as one job of systemd, which goes through with it whatever becomes of us."""
        self._job("restart", target, call, failed="done")

    def reload(self, action: Action, call: Call) -> None:
        """Let it read its configuration again."""
        self._job("reload", action.target, call, failed="unknown")

    def _job(self, verb: str, target: Target, call: Call, *, failed: str) -> None:
        ran = self._run((verb, "--no-ask-password", "--", target.name), target, call, changes=True)
        if ran.code:
            effect = "none" if ran.code in NOTHING_DONE else failed
            raise self._failed(verb, target, ran, effect=effect, retry=effect == "unknown")

    def _run(self, words: Sequence[str], target: Target, call: Call | None, *, changes: bool) -> Ran:
        most = self._settings.action_timeout_seconds if changes else self._settings.timeout_seconds
        limits = limits_of(call, self.name, changes=changes, most=most)
        return self._shell.run([*self._settings.command, *words], limits, host=target.namespace)

    def _failed(self, verb: str, target: Target, ran: Ran, *, effect: str, retry: bool) -> ActionError:
        said = one_line(ran.err or ran.out)
        return ActionError(
            f"{self.name}: {verb} {target.name}: systemctl ended with {ran.code}: {said}",
            effect=effect,
            retry=retry,
        )
