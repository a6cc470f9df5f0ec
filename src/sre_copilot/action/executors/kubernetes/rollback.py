"""Roll back a workload to an earlier revision: of a Deployment by its replica sets, of the others by their controller revisions."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.kubernetes.changes import ObjectChange, Patch, marks
from sre_copilot.action.executors.kubernetes.client import Cluster
from sre_copilot.action.executors.kubernetes.kinds import (
    REPLICA_SET,
    REVISION,
    ROLLED,
    Object,
    meta,
    notes_of,
    version_of,
)
from sre_copilot.action.executors.kubernetes.schemas import entry, parameters
from sre_copilot.action.executors.kubernetes.workloads import template_view, without_restart
from sre_copilot.domain.plan import Action

NUMBER = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"  # what the controller adds to the template of a replica set


@dataclass(frozen=True, slots=True)
class Kept:
    """A revision that the cluster still has: its number, the object that holds it, and its template."""

    number: int
    name: str
    template: Object


class Rollback(ObjectChange):
    """Give a workload the template of an earlier revision."""

    def __init__(self, cluster: Cluster) -> None:
        number = {
            "type": "integer", "minimum": 0, "default": 0,
            "description": "revision to go back to, as `kubectl rollout history` counts; 0 is the one before the present one",
        }  # fmt: skip
        schema = parameters(revision=number)
        spec = entry(cluster.settings.name, "rollback", tuple(ROLLED), schema, timeout_seconds=300.0)
        super().__init__(cluster, spec)

    def view(self, item: Object) -> dict[str, Any]:
        """Its template, and the revision that the controller gave it."""
        return template_view(item) | {"revision": notes_of(item).get(NUMBER, "")}

    def declared(self, item: Object) -> dict[str, Any]:
        """The release; neither a restart nor a number of the controller is one."""
        return {"template": template_view(item)["template"]}

    def seen(self, item: Object, answer: Object) -> dict[str, Any]:
        """The controller numbers it only later."""
        return template_view(answer) | {"revision": notes_of(item).get(NUMBER, "")}

    def wanted(self, item: Object, action: Action, key: str, *, call: Call | None) -> Patch:
        """The template of the revision, in the place of the present one."""
        if item["spec"].get("paused"):
            raise ActionError(
                f"kubernetes: the rollout of {action.target.name} is paused; resume it first (kubectl rollout resume)",
                effect="none",
            )
        chosen = self._chosen(item, action, self.revisions(item, action, call))
        return _template(item, chosen.template, key)

    def _chosen(self, item: Object, action: Action, found: list[Kept]) -> Kept:
        asked, present = int(action.parameters["revision"]), item["spec"]["template"]
        if asked:
            chosen = next((each for each in found if each.number == asked), None)
        else:
            chosen = next(
                (each for each in reversed(found) if not _same_release(each.template, present)), None
            )
        if chosen is None:
            known = ", ".join(str(each.number) for each in found) or "none"
            which = f"revision {asked}" if asked else "earlier revision"
            raise ActionError(
                f"kubernetes: {action.target.kind} {action.target.name} has no {which} any more (there are: {known}); name one of them",
                effect="none",
            )
        if _same(chosen.template, present):
            raise ActionError(
                f"kubernetes: {action.target.kind} {action.target.name} is at revision {chosen.number} already; name another one",
                effect="none",
            )
        return chosen

    def revisions(self, item: Object, action: Action, call: Call | None = None) -> list[Kept]:
        """The revisions that the cluster still has, oldest first."""
        holder = REPLICA_SET if action.target.kind == "Deployment" else REVISION
        uid = meta(item)["uid"]
        owned = [
            each
            for each in self.cluster.all(holder, action.target.namespace, call=call)
            if any(one.get("uid") == uid for one in meta(each).get("ownerReferences") or ())
        ]
        return sorted((_kept(each, item) for each in owned), key=lambda each: each.number)

    def kept(self, item: Object, action: Action) -> dict[str, Any]:
        """The name of what holds the present template; the template itself may hold secrets."""
        present = item["spec"]["template"]
        holders = [each for each in self.revisions(item, action) if _same(each.template, present)]
        return {
            "holder": holders[-1].name if holders else "",
            "revision": holders[-1].number if holders else 0,
        }

    def restored(self, item: Object, action: Action, backup: Mapping[str, Any], key: str) -> Patch | None:
        """The template that was present when the backup was made."""
        found = next((e for e in self.revisions(item, action) if e.name == backup["holder"]), None)
        if found is None:
            raise ActionError(
                f"kubernetes: the revision {backup['revision']} of {action.target.name} is no longer kept; roll out that release anew",
                effect="none",
            )
        return None if _same(found.template, item["spec"]["template"]) else _template(item, found.template, key)  # fmt: skip


def _kept(holder: Object, item: Object) -> Kept:
    name = meta(holder)["name"]
    if "spec" in holder:  # a replica set
        template = copy.deepcopy(holder["spec"]["template"])
        (template.get("metadata") or {}).get("labels", {}).pop(HASH, None)
        return Kept(int(notes_of(holder).get(NUMBER, 0)), name, template)
    template = copy.deepcopy(((holder.get("data") or {}).get("spec") or {}).get("template") or {})
    template.pop("$patch", None)
    return Kept(int(holder.get("revision", 0)), name, template)


def _same(template: Object, other: Object) -> bool:
    def bare(one: Object) -> Object:
        own = {
            key: value
            for key, value in (one.get("metadata") or {}).items()
            if value not in (None, {}, "") and key != "creationTimestamp"
        }
        return {"metadata": own, "spec": one.get("spec")}

    return bare(template) == bare(other)


def _same_release(template: Object, other: Object) -> bool:
    """Whether they are the same but for a restart: going back to before a restart would repair nothing."""
    return without_restart(template) == without_restart(other)


def _template(item: Object, template: Object, key: str) -> Patch:
    """A JSON patch, for a merge would leave parts of the present template; the version makes it hold for what was read only."""
    notes = notes_of(item) | (marks(item, key) if key else {})
    return Patch(
        [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version_of(item)},
            {"op": "add", "path": "/metadata/annotations", "value": notes},
            {"op": "replace", "path": "/spec/template", "value": template},
        ],
        "json",
    )
