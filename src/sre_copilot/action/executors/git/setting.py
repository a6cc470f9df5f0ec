"""Setting one value of a file, and a feature flag as a named case of that."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import digest, matches, refused, schema, undoing
from sre_copilot.action.executors.git.repository import Blob, Repository
from sre_copilot.action.executors.git.settings import GitExecutorSettings
from sre_copilot.action.executors.git.values import Plain, ValueProblem, read, same, write
from sre_copilot.action.executors.levels import Level, worst
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel

VALUE = {"type": ["boolean", "number", "string"], "maxLength": 4000, "description": "The new value, of the type that the file holds; no secret, for it is kept in the plan."}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which key of which file, and what it is to be."""

    path: str
    format: str
    key: str
    value: Plain
    shown: bool


class SetsValue:
    """What both have in common; subclasses say where."""

    spec: ActionSpec

    def __init__(self, settings: GitExecutorSettings, repository: Repository) -> None:
        self._settings, self._repository = settings, repository

    def place(self, action: Action) -> Place:
        """Where and what."""
        raise NotImplementedError

    def adjust(self, action: Action) -> Action:
        """The action as it is, if its target and key are among those of the settings."""
        self.place(action)
        return action

    def look(self, action: Action) -> Looked:
        """The value; the file's own id is what is compared."""
        place = self.place(action)
        with self._repository.opened(None) as head:
            blob = self._repository.blob(head, place.path, None)
            if blob is None:
                return Looked(exists=False)
            value = self._read(action, place, blob, None)
        state = {place.key: _shown(place, value)}
        return Looked(exists=True, state=state, digest=digest({place.key: value}), version=blob.id)

    def preview(self, action: Action) -> Preview:
        """The lines that would differ."""
        place = self.place(action)
        with self._repository.opened(None) as head:
            text = self._repository.text(self._there(action, place, head, None).id, None)
        value, changed = self._value(action, place, text), self._changed(action, place, text, place.value)
        before, after = {place.key: _shown(place, value)}, {place.key: place.value}
        nothing = same(place.format, value, place.value)
        objections = (Message(key="git.objection.nothing_to_do"),) if nothing else ()
        lines = _difference(place, text, changed) if place.shown else (f"{place.path}: {place.key}: {before[place.key]} -> {place.value}",)  # fmt: skip
        return Preview(before=before, after=after, difference=() if nothing else lines, objections=objections)

    def backup(self, action: Action) -> Mapping[str, Any]:
        """Ids of commit and file; the value itself stays in the repository."""
        place = self.place(action)
        with self._repository.opened(None) as head:
            blob = self._there(action, place, head, None)
        return {"commit": head, "blob": blob.id, "path": place.path, "key": place.key}

    def execute(self, action: Action, call: Call) -> Effect:
        """Commit and push the value."""
        place = self.place(action)

        def changes(head: str, call: Call) -> str | None:
            blob = self._there(action, place, head, call)
            self._compare(call, blob)
            text = self._repository.text(blob.id, call)
            if same(place.format, self._value(action, place, text), place.value):
                return None
            changed = self._changed(action, place, text, place.value)
            return self._repository.with_text(head, place.path, changed, call)

        title = f"Set {place.key} in {place.path}"
        return _effect(self._repository.move_on(title, call, changes), place)

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """By the key in a commit, or by the value."""
        place = self.place(action)
        with self._repository.opened(call) as head:
            if self._repository.keyed(head, call.key, call):
                return True
            blob = self._repository.blob(head, place.path, call)
            if blob is None:
                return None if undoing(call) else False
            present = self._read(action, place, blob, call)
            if undoing(call):
                former = self._read(action, place, Blob(blob.mode, str(backup["blob"])), call)
                return same(place.format, present, former)
            return same(place.format, present, place.value)

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the branch holds the value."""
        place = self.place(action)
        with self._repository.opened(call) as head:
            blob = self._repository.blob(head, place.path, call)
            ok = blob is not None and same(place.format, self._read(action, place, blob, call), place.value)
        word = "as_asked" if ok else "otherwise"
        reason = Message(key=f"git.verify.{word}", params=(("key", place.key), ("path", place.path)))
        return Verified(ok=ok, settled=True, reason=reason, detail={"commit": head})

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Put the former content back; what somebody else has set meanwhile is left alone, and said."""
        place = self.place(action)

        def changes(head: str, call: Call) -> str | None:
            blob = self._there(action, place, head, call)
            self._compare(call, blob)
            former, text = (self._repository.text(each, call) for each in (str(backup["blob"]), blob.id))
            present, before = self._value(action, place, text), self._value(action, place, former)
            if same(place.format, present, before):
                return None
            if not same(place.format, present, place.value):
                raise self._refused(f"{place.key} in {place.path} was set by somebody else meanwhile; let a person decide")  # fmt: skip
            if text == self._changed(action, place, former, place.value):
                return self._repository.with_blob(head, place.path, str(backup["blob"]), call)
            restored = write(text, place.format, place.key, before, any_type=True)
            return self._repository.with_text(head, place.path, restored, call)

        title = f"Restore {place.key} in {place.path}"
        return _effect(self._repository.move_on(title, call, changes), place)

    def _there(self, action: Action, place: Place, head: str, call: Call | None) -> Blob:
        blob = self._repository.blob(head, place.path, call)
        if blob is None:
            raise self._refused(f"target.name: {action.target.name}: there is no file {place.path} on {self._repository.branch}; correct the settings")  # fmt: skip
        return blob

    def _compare(self, call: Call, blob: Blob) -> None:
        if call.version and call.version != blob.id:
            raise self._refused("the file was changed after it was looked at; look again")

    def _read(self, action: Action, place: Place, blob: Blob, call: Call | None) -> Plain | None:
        return self._value(action, place, self._repository.text(blob.id, call))

    def _value(self, action: Action, place: Place, text: str) -> Plain | None:
        try:
            return read(text, place.format, place.key)
        except ValueProblem as problem:
            raise self._refused(f"{action.target.name}: {place.key}: {problem}") from None

    def _changed(self, action: Action, place: Place, text: str, value: Plain) -> str:
        try:
            return write(text, place.format, place.key, value)
        except ValueProblem as problem:
            raise self._refused(f"{action.target.name}: {place.key}: {problem}") from None

    def _refused(self, problem: str) -> ActionError:
        return refused(self._settings.name, problem)


class SetValue(SetsValue):
    """`set_value`."""

    def __init__(self, settings: GitExecutorSettings, repository: Repository) -> None:
        super().__init__(settings, repository)
        key = {"type": "string", "minLength": 1, "maxLength": 300, "description": "Key in the file, a.b.0, or /a/b.c/0 where keys hold dots."}  # fmt: skip
        parameters = schema(("key", "value"), key=key, value=VALUE)
        self.spec = _spec(settings, "set_value", "file", [each.level for each in settings.files.values()], parameters)  # fmt: skip

    def place(self, action: Action) -> Place:
        """The key of the parameters, in the file of the target."""
        file = self._settings.files.get(action.target.name)
        if file is None:
            raise self._refused(f"target.name: {action.target.name} is no file of the settings; there are: {', '.join(self._settings.files)}")  # fmt: skip
        key = action.parameters["key"]
        if not matches(key, file.keys):
            raise self._refused(f"parameters.key: {key} may not be set in {action.target.name}; there may: {', '.join(file.keys)}")  # fmt: skip
        value = action.parameters["value"]
        return Place(path=file.path, format=file.format, key=key, value=value, shown=file.show_values)


class SetFlag(SetsValue):
    """`set_flag`."""

    def __init__(self, settings: GitExecutorSettings, repository: Repository) -> None:
        super().__init__(settings, repository)
        parameters = schema(("value",), value=VALUE)
        self.spec = _spec(settings, "set_flag", "flag", [each.level for each in settings.flags.values()], parameters)  # fmt: skip

    def place(self, action: Action) -> Place:
        """Where the settings say that the flag is."""
        flag = self._settings.flags.get(action.target.name)
        if flag is None:
            raise self._refused(f"target.name: {action.target.name} is no flag of the settings; there are: {', '.join(self._settings.flags)}")  # fmt: skip
        value = action.parameters["value"]
        if not any(same("json", value, each) for each in flag.choices):
            raise self._refused(f"parameters.value: is none that {action.target.name} may be; choose one of {', '.join(map(str, flag.choices))}")  # fmt: skip
        return Place(path=flag.path, format=flag.format, key=flag.key, value=value, shown=True)


def _spec(settings: GitExecutorSettings, verb: str, kind: str, levels: list[Level], parameters: Any) -> ActionSpec:  # fmt: skip
    level: RiskLevel = worst(levels)
    return ActionSpec(
        name=f"{settings.name}.{verb}",
        level=level,
        parameters=parameters,
        kinds=(kind,),
        does=Message(key=f"git.does.{verb}"),
        reversible=True,
        exactly_once=True,
        fenced=True,
        timeout_seconds=settings.action_timeout_seconds,
        idempotent=True,
    )


def _shown(place: Place, value: Plain | None) -> Any:
    return value if place.shown else f"(digest {digest(value)})"


def _difference(place: Place, before: str, after: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), place.path, place.path, n=0, lineterm="")  # fmt: skip
    return tuple(lines)


def _effect(commit: str, place: Place) -> Effect:
    if not commit:
        return Effect(changed=False)
    return Effect(changed=True, detail={"commit": commit, "path": place.path, "key": place.key})
