"""The executor `ssh`: each command of the catalogue is an action."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import (
    VerbExecutor,
    digest,
    matches,
    one_line,
    refused,
    undoing,
)
from sre_copilot.action.executors.levels import LEVELS
from sre_copilot.action.executors.parameters import schema_of, text_of, wrong_text
from sre_copilot.action.executors.shell.ran import CANNOT_RUN, Ran, Shell, limits_of
from sre_copilot.action.executors.shell.remote import RemoteShell
from sre_copilot.action.executors.ssh.settings import (
    BEFORE,
    KEY,
    SshCommand,
    SshExecutorSettings,
    Words,
)
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel

HOST = "host"
SHOWN = 2000  # characters of an output that are kept, the last ones: there programs say what came of it
LOOK_S = 30.0


class SshExecutor(VerbExecutor):
    """Commands of one catalogue on the hosts that it is for."""

    Settings: ClassVar[type[SshExecutorSettings]] = SshExecutorSettings

    def __init__(self, settings: SshExecutorSettings) -> None:
        shell = RemoteShell(settings)
        verbs = [CommandVerb(settings.name, each, shell) for each in settings.commands]
        super().__init__(settings.name, verbs, allowed=[each.name for each in settings.hosts])


class CommandVerb:
    """One command."""

    def __init__(self, executor: str, command: SshCommand, shell: Shell) -> None:
        self._name, self._command, self._shell = executor, command, shell
        self.spec = ActionSpec(
            name=f"{executor}.{command.name}",
            level=RiskLevel.LOW if command.level == "read_only" else LEVELS[command.level],
            parameters=schema_of(command.parameters),
            kinds=(HOST,),
            does=Message(key="command.does.run", params=(("command", command.name),)),
            reversible=bool(command.undo) or command.level == "read_only",
            exactly_once=bool(command.check) or command.level == "read_only",
            timeout_seconds=command.timeout_seconds,
            idempotent=command.idempotent or command.level == "read_only",
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is; texts that would be options or reach beyond their word are refused."""
        if not matches(action.target.name, self._command.hosts):
            raise refused(self._name, f"target.name: {self.spec.name} is not for {action.target.name}; it is for {', '.join(self._command.hosts)}")  # fmt: skip
        if wrong := wrong_text(action.parameters, self._command.parameters, options=False):
            raise refused(self._name, f"parameters.{wrong}: is no text that may stand in a command; change it")  # fmt: skip
        return action

    def look(self, action: Action) -> Looked:
        """What `look` prints; without it nothing is known of the state, but that the host is one of ours."""
        return self._looked(action, None)

    def _looked(self, action: Action, call: Call | None) -> Looked:
        if not self._command.look:
            return Looked(exists=True)
        ran = self._read(action, self._command.look, call)
        state = {"code": ran.code, "output": digest(ran.out)}
        shown = {"output": _tail(ran.out)} if self._command.show_output else {}
        return Looked(exists=True, state=state | shown, digest=digest(state))

    def preview(self, action: Action) -> Preview:
        """What would be run, and what a dry run prints."""
        lines = [f"{action.target.name}: {shlex.join(self._words(action, self._command.run, {KEY: 'KEY'}))}"]
        tried = bool(self._command.dry_run)
        if tried:
            ran = self._read(action, self._command.dry_run, None)
            if ran.code:
                raise ActionError(f"{self._name}: the dry run ends with {ran.code}; look at the host", effect="none")  # fmt: skip
            lines += ran.out.splitlines()[:200]
        state = dict(self.look(action).state)
        objections = () if self.spec.exactly_once else (Message(key="process.objection.no_trace"),)
        return Preview(
            before=state, after=state, difference=tuple(lines), objections=objections, checked_by_target=tried
        )

    def backup(self, action: Action) -> Mapping[str, Any]:
        """What `look` prints, where check or undo need it."""
        if not self._command.look:
            return {}
        ran = self._read(action, self._command.look, None)
        return {BEFORE: ran.out.strip(), "digest": digest({"code": ran.code, "output": digest(ran.out)})}

    def execute(self, action: Action, call: Call) -> Effect:
        """Run it, unless it is idempotent and its effect is there."""
        if self._command.check and self._command.idempotent and self.done(action, call, {}):
            return Effect(changed=False)
        return self._change(action, self._command.run, call, {KEY: call.key})

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """What `check` says; of an undo, whether the state is as it was, as it always is after what only reads."""
        if undoing(call):
            if self._command.level == "read_only":
                return True
            same = backup.get("digest")
            return self._looked(action, call).digest == same if same else None
        if not self._command.check:
            return None
        ran = self._read(action, self._command.check, call, {KEY: call.key, **_before(backup)})
        return {0: True, 1: False}.get(ran.code)

    def verify(self, action: Action, call: Call) -> Verified:
        """What `check` says; where there is none, or it needs the state before, that it ended well is all that is known."""
        words = self._command.check
        if not words or any("{before}" in each for each in words):
            return Verified(ok=True, settled=True, reason=Message(key="process.verify.sent"))
        ran = self._read(action, words, call, {KEY: call.key})
        if ran.code == 0:
            return Verified(ok=True, settled=True, reason=Message(key="process.verify.as_asked"))
        params = (("name", action.target.name), ("state", f"check: {ran.code}"))
        return Verified(
            ok=False, settled=False, reason=Message(key="process.verify.otherwise", params=params)
        )

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Run `undo`, unless the state is as it was; what only reads has nothing to take back."""
        if self._command.level == "read_only":
            return Effect(changed=False)
        if not self._command.undo:
            raise refused(self._name, f"{self.spec.name} cannot be undone; let a person decide")
        if backup.get("digest") and self._looked(action, call).digest == backup["digest"]:
            return Effect(changed=False)
        return self._change(action, self._command.undo, call, {KEY: call.key, **_before(backup)})

    def _change(self, action: Action, words: Words, call: Call, more: Mapping[str, str]) -> Effect:
        limits = limits_of(call, self._name, changes=True, most=self._command.timeout_seconds)
        ran = self._shell.run(self._words(action, words, more), limits, host=action.target.name)
        if ran.code:
            nothing = ran.code in CANNOT_RUN or ran.code in self._command.nothing_done_codes
            said = f": {one_line(ran.err or ran.out)}" if self._command.show_output else ""
            raise ActionError(
                f"{self._name}: {self.spec.name} on {action.target.name} ended with {ran.code}{said}",
                effect="none" if nothing else "unknown",
            )
        detail: dict[str, Any] = {"code": ran.code, "output_cut": ran.cut}
        return Effect(changed=True, detail=detail | self._shown(ran))

    def _shown(self, ran: Ran) -> dict[str, str]:
        return {"output": _tail(ran.out)} if self._command.show_output else {}

    def _read(self, action: Action, words: Words, call: Call | None, more: Mapping[str, str] = {}) -> Ran:
        limits = limits_of(call, self._name, changes=False, most=LOOK_S)
        ran = self._shell.run(self._words(action, words, more), limits, host=action.target.name)
        if ran.code in CANNOT_RUN:
            raise ActionError(f"{self._name}: {words[0]} cannot be run on {action.target.name}; install it there", effect="none")  # fmt: skip
        return ran

    def _words(self, action: Action, words: Words, more: Mapping[str, str] = {}) -> list[str]:
        values = {KEY: "", BEFORE: "", **action.parameters, **more}
        return [text_of(each, values) for each in words]


def _before(backup: Mapping[str, Any]) -> dict[str, str]:
    return {BEFORE: str(backup[BEFORE])} if BEFORE in backup else {}


def _tail(text: str) -> str:
    return text[-SHOWN:]
