"""What most actions have in common: one object is changed by one patch that carries the key and names the version."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sre_copilot.action.executor import ActionError, Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import difference, digest
from sre_copilot.action.executors.kubernetes.client import Cluster, ConflictError, Style
from sre_copilot.action.executors.kubernetes.kinds import (
    KINDS,
    Kind,
    Object,
    meta,
    notes_of,
    version_of,
)
from sre_copilot.action.executors.kubernetes.ready import verdict
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec

KEY = "sre-copilot.io/action-key"
KEYS = "sre-copilot.io/action-keys"
KEPT = 16  # keys that an object remembers: more than a plan has steps and undos
ATTEMPTS = 3  # where no version was named: controllers write statuses at any moment


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of an object as the server takes it."""

    body: Any
    style: Style = "merge"


def carries(item: Object, key: str) -> bool:
    """Whether the effect of this key was made on an object."""
    found = notes_of(item)
    return key in {found.get(KEY), *found.get(KEYS, "").split(" ")}


def marks(item: Object, key: str) -> dict[str, str]:
    """The annotations by which an object remembers a key, and the last ones before it."""
    past = [each for each in notes_of(item).get(KEYS, "").split(" ") if each and each != key]
    return {KEY: key, KEYS: " ".join([*past, key][-KEPT:])}


def merged(item: Object, key: str, body: Mapping[str, Any]) -> Patch:
    """A merge patch that holds only for the version that was read."""
    own = dict(body.get("metadata") or {})
    notes = dict(own.pop("annotations", {})) | (marks(item, key) if key else {})
    return Patch(dict(body) | {"metadata": {"resourceVersion": version_of(item), "annotations": notes} | own})


class ObjectChange(ABC):
    """An action that is one patch on one object; subclasses say what matters of the object and what the patch is."""

    def __init__(self, cluster: Cluster, spec: ActionSpec) -> None:
        self.cluster = cluster
        self.spec = spec

    @abstractmethod
    def view(self, item: Object) -> dict[str, Any]:
        """What matters of an object to this action; what is compared, shown and digested."""

    def declared(self, item: Object) -> dict[str, Any]:
        """What of the view must be the same when a plan is carried out as when it was made."""
        return self.view(item)

    @abstractmethod
    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """The patch that brings about what is asked for; '' as the key adds none."""

    @abstractmethod
    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """What `restored` needs."""

    @abstractmethod
    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """The patch that restores what was kept; None when nothing is to be restored."""

    def there(self, item: Object, action: Action) -> bool:
        """Whether the object is as asked for, whoever did it; False where that cannot be seen."""
        return False

    def objections(self, item: Object, action: Action) -> tuple[Message, ...]:
        """What people should know before they agree."""
        return ()

    def adjust(self, action: Action) -> Action:
        """The action as it is understood; raises for what a schema cannot say. Reaches nothing."""
        return action

    def kind(self, action: Action) -> Kind:
        """Where its target is served."""
        return KINDS[action.target.kind]

    def path(self, action: Action) -> str:
        """What is patched."""
        return self.kind(action).path(action.target.namespace, action.target.name)

    def look(self, action: Action) -> Looked:
        """The present state of the object."""
        item = self.find(action)
        if item is None:
            return Looked(exists=False)
        state = self.view(item)
        return Looked(
            exists=True,
            state=state | {"generation": meta(item).get("generation")},
            digest=digest(self.declared(item)),
            version=version_of(item),
        )

    def preview(self, action: Action) -> Preview:
        """What the server says would become of the object."""
        item = self.present(action)
        patch = self.wanted(item, action, "", call=None)
        after = self.cluster.patch(self.path(action), patch.body, patch.style, dry=True)
        before, then = self.view(item), self.seen(item, after)
        return Preview(
            before=before,
            after=then,
            difference=difference(before, then),
            objections=self.objections(item, action),
            checked_by_target=True,
        )

    def seen(self, item: Object, answer: Object) -> dict[str, Any]:
        """The view of what the server answered to a patch."""
        return self.view(answer)

    def backup(self, action: Action) -> dict[str, Any]:
        """What is needed to restore the object."""
        item = self.present(action)
        return {"uid": meta(item)["uid"], "version": version_of(item)} | self.kept(item, action)

    def execute(self, action: Action, call: Call) -> Effect:
        """Patch the object, unless the effect of the key is there."""
        return self._apply(
            action, call, lambda item: None if self.there(item, action) else self.wanted(item, action, call.key, call=call)
        )  # fmt: skip

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Restore the object, unless that was done under the key."""
        return self._apply(action, call, lambda item: self.restored(item, action, backup, call.key))

    def _apply(self, action: Action, call: Call, patch_of: Any) -> Effect:
        for attempt in range(ATTEMPTS):
            item = self.present(action, call)
            if carries(item, call.key):
                return Effect(changed=False, version=version_of(item))
            if call.version and version_of(item) != call.version:
                raise ConflictError(
                    f"kubernetes: {action.target.kind} {action.target.name} is at version {version_of(item)}, not {call.version}: "
                    "somebody changed it in between (look again)",
                    effect="none",
                )
            patch: Patch | None = patch_of(item)
            if patch is None:
                return Effect(changed=False, version=version_of(item))
            try:
                after = self.cluster.patch(self.path(action), patch.body, patch.style, call=call)
            except ConflictError:
                if call.version or attempt == ATTEMPTS - 1:
                    raise
                continue
            lines = list(difference(self.view(item), self.seen(item, after)))
            return Effect(changed=True, detail={"difference": lines}, version=version_of(after))
        raise AssertionError("the last attempt returns or raises")

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the object carries the key, or is as asked for."""
        item = self.find(action, call)
        if item is None:
            return None
        if carries(item, call.key):
            return True
        if call.key.endswith("/undo"):
            return self.restored(item, action, backup, call.key) is None
        return self.there(item, action)

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the object has come to rest."""
        item = self.find(action, call)
        if item is None:
            reason = Message(key="kubernetes.verify.gone", params=(("name", action.target.name),))
            return Verified(ok=False, settled=True, reason=reason)
        return verdict(item)

    def find(self, action: Action, call: Call | None = None) -> Object | None:
        """The target, or None."""
        return self.cluster.find(self.kind(action), action.target.namespace, action.target.name, call=call)

    def present(self, action: Action, call: Call | None = None) -> Object:
        """The target; raises when it is not there."""
        item = self.find(action, call)
        if item is None:
            target = action.target
            place = f" in {target.namespace}" if target.namespace else ""
            raise ActionError(
                f"kubernetes: there is no {target.kind} {target.name}{place}; correct the target", effect="none"
            )  # fmt: skip
        return item
