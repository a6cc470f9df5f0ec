"""The executor `ansible`: each playbook of the settings is an action; `--check` is its dry run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.ansible.settings import AnsibleExecutorSettings, Playbook
from sre_copilot.action.executors.common import VerbExecutor, digest, one_line, refused, undoing
from sre_copilot.action.executors.levels import LEVELS
from sre_copilot.action.executors.parameters import schema_of, wrong_text
from sre_copilot.action.executors.shell.local import LocalShell
from sre_copilot.action.executors.shell.ran import CANNOT_RUN, Ran, limits_of
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec

KINDS = ("host", "group")
TARGET = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[")
CAME = re.compile(r"^(ok|changed|skipping|fatal|failed|unreachable): \[([^\]]+)\](.*)")
CALM = ("ok", "changed", "skipping")
"""After these an item of a loop may stand; after the others what went wrong, in words that change."""
SHOWN_LINES = 200
NO_COLOURS = {
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_RETRY_FILES_ENABLED": "0",
    "ANSIBLE_STDOUT_CALLBACK": "default",
}


@dataclass(frozen=True, slots=True)
class Recap:
    """What a run came to, over all hosts."""

    hosts: int
    ok: int
    changed: int
    unreachable: int
    failed: int

    @property
    def well(self) -> bool:
        """Whether every host went through."""
        return self.hosts > 0 and not self.unreachable and not self.failed


class AnsibleExecutor(VerbExecutor):
    """Playbooks of one folder."""

    Settings: ClassVar[type[AnsibleExecutorSettings]] = AnsibleExecutorSettings

    def __init__(self, settings: AnsibleExecutorSettings) -> None:
        verbs = [Play(settings, each) for each in settings.playbooks]
        super().__init__(settings.name, verbs, allowed=settings.hosts)


class Play:
    """One playbook."""

    def __init__(self, settings: AnsibleExecutorSettings, playbook: Playbook) -> None:
        self._settings, self._playbook = settings, playbook
        self._shell = LocalShell(environment=NO_COLOURS, folder=settings.folder)
        self.spec = ActionSpec(
            name=f"{settings.name}.{playbook.name}",
            level=LEVELS[playbook.level],
            parameters=schema_of(playbook.variables),
            kinds=KINDS,
            does=Message(key="command.does.playbook", params=(("playbook", playbook.name),)),
            reversible=bool(playbook.undo),
            exactly_once=playbook.convergent,
            timeout_seconds=playbook.timeout_seconds,
            idempotent=playbook.convergent,
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is; a target is one host or group, never a pattern of several."""
        if not TARGET.fullmatch(action.target.name):
            raise refused(self._settings.name, "target.name: write the name of one host or group of the inventory")  # fmt: skip
        if wrong := self._templated(action) or wrong_text(
            action.parameters, self._playbook.variables, options=False
        ):
            raise refused(self._settings.name, f"parameters.{wrong}: is no text that may be given; change it")  # fmt: skip
        return action

    def look(self, action: Action) -> Looked:
        """What a dry run would change: shown as a number, compared task by task and host by host; nothing of a playbook that describes no state."""
        if not self._playbook.convergent:
            return Looked(exists=True)
        recap, ran = self._check(action, None)
        if not recap.hosts:
            return Looked(exists=False)
        return Looked(exists=True, state={"would_change": recap.changed}, digest=digest(_tasks(ran)))

    def preview(self, action: Action) -> Preview:
        """What `--check` says; with `show_diff` also the lines that would change."""
        recap, ran = self._check(action, None)
        if not recap.well:
            raise ActionError(f"{self._settings.name}: the dry run failed ({_numbers(recap)})", effect="none")
        lines = [f"{action.target.name}: {recap.changed} tasks would change something"]
        if self._settings.show_diff:
            lines += ran.out.splitlines()[:SHOWN_LINES]
        objections = () if self.spec.exactly_once else (Message(key="process.objection.no_trace"),)
        state = {"would_change": recap.changed}
        return Preview(
            before=state,
            after={"would_change": 0},
            difference=tuple(lines),
            objections=objections,
            checked_by_target=True,
        )

    def backup(self, action: Action) -> Mapping[str, Any]:
        """Nothing: the playbook that undoes knows what to restore."""
        return {"digest": self.look(action).digest}

    def execute(self, action: Action, call: Call) -> Effect:
        """Run it."""
        return self._play(action, call, self._playbook.file)

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether a dry run would change nothing more; of an undo, whether it would change the same as before, task by task and host by host."""
        if not self._playbook.convergent:
            return None
        recap, ran = self._check(action, call)
        if not undoing(call):
            return recap.changed == 0 if recap.well else None
        former = backup.get("digest")
        return digest(_tasks(ran)) == former if recap.hosts and former else None

    def verify(self, action: Action, call: Call) -> Verified:
        """The same; where that tells nothing, that every task went well is all that is known."""
        if not self._playbook.convergent:
            return Verified(ok=True, settled=True, reason=Message(key="process.verify.sent"))
        recap, _ = self._check(action, call)
        if recap.well and not recap.changed:
            return Verified(ok=True, settled=True, reason=Message(key="process.verify.as_asked"))
        params = (("name", action.target.name), ("state", _numbers(recap)))
        return Verified(ok=False, settled=True, reason=Message(key="process.verify.otherwise", params=params))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Run the playbook that takes it back."""
        if not self._playbook.undo:
            raise refused(self._settings.name, f"{self.spec.name} cannot be undone; let a person decide")
        return self._play(action, call, self._playbook.undo)

    def _templated(self, action: Action) -> str:
        """The first variable that Ansible would work out instead of taking it as it is; '' when there is none."""
        texts = {name: value for name, value in action.parameters.items() if isinstance(value, str)}
        return next((name for name, value in texts.items() if "{{" in value or "{%" in value), "")

    def _play(self, action: Action, call: Call, file: str) -> Effect:
        recap, ran = self._run(action, file, call, changes=True)
        if not recap.hosts and ran.code >= 0 and "TASK [" not in ran.out:
            raise refused(
                self._settings.name,
                f"{file} was not begun on {action.target.name}: {one_line(ran.err or ran.out)}; correct target, playbook or inventory",
            )
        if ran.code or not recap.well:
            nothing = recap.hosts > 0 and recap.changed == recap.failed == 0
            raise ActionError(
                f"{self._settings.name}: {file} on {action.target.name} ended with {ran.code} ({_numbers(recap)})",
                effect="none" if nothing else "unknown",
                retry=nothing and recap.unreachable > 0,
            )
        return Effect(changed=recap.changed > 0, detail={"hosts": recap.hosts, "changed": recap.changed})

    def _check(self, action: Action, call: Call | None) -> tuple[Recap, Ran]:
        return self._run(action, self._playbook.file, call, changes=False)

    def _run(self, action: Action, file: str, call: Call | None, *, changes: bool) -> tuple[Recap, Ran]:
        settings = self._settings
        most = self._playbook.timeout_seconds if changes else settings.check_seconds
        words = [*settings.command, "-i", settings.inventory, "--limit", action.target.name]
        words += ["-e", json.dumps(dict(action.parameters))]
        if settings.vault_password_file:
            words += ["--vault-password-file", str(settings.vault_password_file)]
        if not changes:
            words += ["--check", *(["--diff"] if settings.show_diff else [])]
        limits = limits_of(call, settings.name, changes=changes, most=most)
        ran = self._shell.run([*words, file], limits)
        if ran.code in CANNOT_RUN:
            raise ActionError(f"{settings.name}: {settings.command[0]} cannot be run; install Ansible", effect="none")  # fmt: skip
        return _recap(ran), ran


def _recap(ran: Ran) -> Recap:
    rows = [[int(each) for each in found[1:]] for found in RECAP.findall(ran.out)]
    return Recap(len(rows), *(sum(row[place] for row in rows) for place in range(4)))


def _tasks(ran: Ran) -> list[Any]:
    """What became of each task on each host, and of each host; hosts of one task answer in any order."""
    tasks: list[list[str]] = []
    for line in ran.out.splitlines():
        if TASK.match(line):
            tasks.append([])
        elif tasks and (found := CAME.match(line)):
            came, host, item = found.groups()
            tasks[-1].append(f"{came} {host}{item if came in CALM else ''}")
    return [[sorted(each) for each in tasks], sorted(RECAP.findall(ran.out))]


def _numbers(recap: Recap) -> str:
    return f"hosts {recap.hosts}, changed {recap.changed}, unreachable {recap.unreachable}, failed {recap.failed}"
