"""The executor `http`: each request of the catalogue is an action."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from sre_copilot.action.exchange import Answer
from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import (
    VerbExecutor,
    difference,
    digest,
    matches,
    refused,
    undoing,
)
from sre_copilot.action.executors.http.settings import HttpBase, HttpEntry, HttpExecutorSettings, HttpTemplate
from sre_copilot.action.executors.levels import LEVELS
from sre_copilot.action.executors.parameters import PLACEHOLDER, filled, schema_of, text_of, word, wrong_text
from sre_copilot.action.executors.wire import POINTER_ABSENT, Ask, Wire, pointed
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec

ETAG = "etag"


class HttpExecutor(VerbExecutor):
    """Requests of one catalogue."""

    Settings: ClassVar[type[HttpExecutorSettings]] = HttpExecutorSettings

    def __init__(self, settings: HttpExecutorSettings) -> None:
        wires = {
            name: Wire(settings.name, timeout_s=settings.timeout_seconds, ca_file=base.ca_file)
            for name, base in settings.bases.items()
        }
        super().__init__(
            settings.name,
            [
                RequestVerb(settings.name, each, settings.bases[each.base], wires[each.base])
                for each in settings.requests
            ],
        )


class RequestVerb:
    """One request."""

    def __init__(self, executor: str, entry: HttpEntry, base: HttpBase, wire: Wire) -> None:
        self._name, self._entry, self._base, self._wire = executor, entry, base, wire
        self.spec = ActionSpec(
            name=f"{executor}.{entry.name}",
            level=LEVELS[entry.level],
            parameters=schema_of(entry.parameters),
            kinds=(entry.kind,),
            does=Message(
                key="http.does.request", params=(("entry", entry.name), ("method", entry.request.method))
            ),
            reversible=entry.undo is not None,
            exactly_once=entry.wanted is not None or entry.find is not None,
            fenced=entry.compare,
            timeout_seconds=entry.timeout_seconds,
            idempotent=entry.wanted is not None,
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is; names and texts that would leave their place are refused."""
        target = action.target
        if not matches(target.name, self._entry.targets):
            raise self._refused(f"target.name: {self.spec.name} is not for {target.name}; it is for {', '.join(self._entry.targets)}")  # fmt: skip
        if wrong := wrong_text(action.parameters, self._entry.parameters):
            raise self._refused(f"parameters.{wrong}: is no text that may stand in a request; change it")
        if any(ord(each) < 32 for each in target.namespace):
            raise self._refused("target.namespace: is no text that may stand in a request; change it")
        for template in (self._entry.request, self._entry.look, self._entry.find, self._entry.undo):
            if template:
                self._check_texts(template, self._values(action) | {"key": "KEY", "before": "BEFORE"})
        return action

    def _check_texts(self, template: HttpTemplate, values: Mapping[str, Any]) -> None:
        self._path(template, values)
        for name, value in template.headers.items():
            text = text_of(value, values)
            if not text.isascii() or not text.isprintable():
                raise self._refused(f"parameters: header {name} would hold what no header can, which is ASCII; change it")  # fmt: skip

    def look(self, action: Action) -> Looked:
        """The state as the system shows it; without `look` nothing is known of it."""
        return self._looked(action, None)

    def preview(self, action: Action) -> Preview:
        """The request, and the state that it is to bring about."""
        looked = self._present(action, None)
        after = dict(looked.state) if self._entry.wanted is None else {"state": self._wanted(action)}
        values = self._values(action) | {"key": "KEY"}
        body = filled(self._entry.request.body, values)
        host = urlsplit(self._base.url).netloc
        line = f"{self._entry.request.method} {host} {self._path(self._entry.request, values)}"
        shown = line if body is None else f"{line} {json.dumps(body, ensure_ascii=False, sort_keys=True)}"
        objections = () if self.spec.exactly_once else (Message(key="http.objection.no_trace"),)
        lines = (shown, *difference(dict(looked.state), after))
        return Preview(before=looked.state, after=after, difference=lines, objections=objections)

    def backup(self, action: Action) -> Mapping[str, Any]:
        """The state."""
        return dict(self._present(action, None).state)

    def execute(self, action: Action, call: Call) -> Effect:
        """Ask for it, unless it is so already."""
        looked = self._present(action, call)
        if self._entry.wanted is not None and looked.state.get("state") == self._wanted(action):
            return Effect(changed=False, version=looked.version)
        if self._entry.find and self.done(action, call, {}):
            return Effect(changed=False, version=looked.version)
        return self._change(self._entry.request, self._values(action), call, looked)

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """By the key where it can be found, else by the state."""
        if undoing(call):
            return self._looked(action, call).state == dict(backup) if self._entry.look else None
        if self._entry.find:
            answer = self._ask(self._entry.find, self._values(action) | {"key": call.key}, call)
            if answer.status != 404 and not answer.ok:
                raise self._wire.refused(answer, self.spec.name, changes=False)
            return answer.ok
        if self._entry.wanted is None:
            return None
        return bool(self._looked(action, call).state.get("state") == self._wanted(action))

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the state is as asked; where none is told, that the request was accepted is all that is known."""
        if self._entry.wanted is None:
            return Verified(ok=True, settled=True, reason=Message(key="http.verify.accepted"))
        ok = self._looked(action, call).state.get("state") == self._wanted(action)
        params = (("name", action.target.name),)
        key = "http.verify.as_asked" if ok else "http.verify.otherwise"
        return Verified(ok=ok, settled=ok, reason=Message(key=key, params=params))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Ask for what takes it back, unless the state is as it was."""
        if not self._entry.undo:
            raise self._refused(f"{self.spec.name} cannot be undone; let a person decide")
        looked = self._present(action, call)
        if dict(looked.state) == dict(backup):
            return Effect(changed=False, version=looked.version)
        values = self._values(action) | {"before": backup.get("state")}
        return self._change(self._entry.undo, values, call, looked)

    def _change(
        self, template: HttpTemplate, values: Mapping[str, Any], call: Call, looked: Looked
    ) -> Effect:
        headers = {"Idempotency-Key": call.key}
        if self._entry.compare and (call.version or looked.version):
            headers["If-Match"] = call.version or looked.version
        answer = self._ask(template, {**values, "key": call.key}, call, headers=headers, changes=True)
        if answer.status not in self._entry.success:
            raise self._wire.refused(answer, self.spec.name)
        return Effect(changed=True, detail={"status": answer.status}, version=answer.headers.get(ETAG, ""))

    def _present(self, action: Action, call: Call | None) -> Looked:
        looked = self._looked(action, call)
        if not looked.exists:
            raise self._refused(
                f"target.name: there is no {action.target.kind} {action.target.name}; correct it"
            )
        return looked

    def _looked(self, action: Action, call: Call | None) -> Looked:
        if not self._entry.look:
            return Looked(exists=True)
        answer = self._ask(self._entry.look, self._values(action), call)
        if answer.status in {404, 410}:
            return Looked(exists=False)
        if not answer.ok:
            raise self._wire.refused(answer, self.spec.name, changes=False)
        found = pointed(answer.document(), self._entry.state)
        if found is POINTER_ABSENT:
            raise self._refused(
                f"{self._entry.name}: the answer to look holds nothing at {self._entry.state}; correct state"
            )
        version = answer.headers.get(ETAG, "") if self._entry.compare else ""
        return Looked(exists=True, state={"state": found}, digest=digest(found), version=version)

    def _ask(
        self,
        template: HttpTemplate,
        values: Mapping[str, Any],
        call: Call | None,
        *,
        headers: Mapping[str, str] | None = None,
        changes: bool = False,
    ) -> Answer:
        own = {name: text_of(value, values) for name, value in template.headers.items()}
        secret = {name: value.get_secret_value() for name, value in self._base.headers.items()}
        ask = Ask(
            method=template.method,
            url=self._base.url.rstrip("/") + self._path(template, values),
            headers={**own, **secret, **(headers or {})},
            query={name: text_of(value, values) for name, value in template.query.items()},
            json=filled(template.body, values),
            changes=changes,
        )
        return self._wire.send(ask, call)

    def _path(self, template: HttpTemplate, values: Mapping[str, Any]) -> str:
        encoded = {name: quote(word(value), safe="") for name, value in values.items()}
        path = PLACEHOLDER.sub(lambda found: encoded.get(found[1], ""), template.path)
        pieces = path.split("/")[1:]
        if {".", ".."} & set(pieces) or "" in pieces[:-1]:
            raise self._refused("parameters: one of them would lead to another path; change it")
        return path

    def _values(self, action: Action) -> dict[str, Any]:
        return {**action.parameters, "target": action.target.name, "namespace": action.target.namespace}

    def _wanted(self, action: Action) -> Any:
        return filled(self._entry.wanted, self._values(action))

    def _refused(self, problem: str) -> ActionError:
        return refused(self._name, problem)
