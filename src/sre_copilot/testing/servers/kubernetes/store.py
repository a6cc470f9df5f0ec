"""What the stand-in keeps: objects, the version of each write, and the writes that a watch can still be told of."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sre_copilot.testing.servers.kubernetes.answers import conflict, exists, expired, not_found
from sre_copilot.testing.servers.kubernetes.resources import RESOURCES, Object, Resource, named

Key = tuple[str, str, str]  # plural, namespace, name
Clock = Callable[[], datetime]


def now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """A time as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Write:
    """One write: the object before it (None = created) and after it (None = deleted)."""

    version: int
    plural: str
    before: Object | None
    after: Object | None


@dataclass
class Store:
    """Objects by kind, namespace and name; every write has a number that only grows."""

    clock: Clock = now
    served: list[Resource] = field(default_factory=lambda: list(RESOURCES))
    """The kinds that are known; a definition of a custom kind adds to them."""
    version: int = 100
    oldest: int = 100
    objects: dict[Key, Object] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))
    after_write: Callable[[], None] | None = None
    """What controllers do; called once a request's writes are done."""
    _busy: bool = False

    def kind_of(self, item: Object) -> Resource:
        """The kind of an object: of its version where it names one, else the first of that name."""
        alike = [each for each in self.served if each.kind == item["kind"]]
        exact = (each for each in alike if each.api_version == item.get("apiVersion"))
        return next(exact, alike[0])

    @contextmanager
    def request(self) -> Iterator[None]:
        """Nobody else reads or writes in between; controllers act at the end, and watchers wake."""
        with self.changed:
            yield
            if self.after_write and not self._busy:
                self._busy = True
                try:
                    self.after_write()
                finally:
                    self._busy = False
            self.changed.notify_all()

    def all(self, plural: str, namespace: str = "") -> list[Object]:
        """Objects of a kind, by namespace and name."""
        keys = sorted(k for k in self.objects if k[0] == plural and (not namespace or k[1] == namespace))
        return [self.objects[key] for key in keys]

    def get(self, plural: str, namespace: str, name: str) -> Object:
        """One object; raises the 404."""
        found = self.find(plural, namespace, name)
        if found is None:
            raise not_found(self.kind_kept(plural), name)
        return found

    def kind_kept(self, place: str) -> Resource:
        """The kind whose objects are kept under a word."""
        return next((each for each in self.served if each.place == place), named("pods"))

    def find(self, plural: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        return self.objects.get((plural, namespace, name))

    def create(self, item: Object, *, namespace: str = "", manager: str = "controller") -> Object:
        """Keep a new object, given its kind; raises the 409 when its name is taken."""
        resource = self.kind_of(item)
        item = copy.deepcopy(item)
        meta = item.setdefault("metadata", {})
        if resource.namespaced:
            meta["namespace"] = namespace = meta.get("namespace") or namespace or "default"
        if not meta.get("name"):
            meta["name"] = meta["generateName"] + uuid.uuid4().hex[:5]
        if self.find(resource.place, namespace, meta["name"]):
            raise exists(resource, meta["name"])
        item["apiVersion"] = resource.api_version
        meta |= {"uid": str(uuid.uuid4())}
        meta.setdefault("creationTimestamp", stamp(self.clock()))
        if "spec" in item:
            meta["generation"] = 1
        return self._keep(resource, None, item, manager)

    def replace(self, item: Object, *, part: str = "", manager: str = "controller") -> Object:
        """Keep another state of an object: `part` 'status' takes the status only, '' everything but it, 'all' everything.

        Raises the 409 when `item` names another version than the one that is kept.
        """
        resource = self.kind_of(item)
        meta = item["metadata"]
        before = self.get(resource.place, meta.get("namespace", ""), meta["name"])
        asked = meta.get("resourceVersion")
        if asked and asked != before["metadata"]["resourceVersion"]:
            raise conflict(resource, meta["name"])
        after = _combined(before, copy.deepcopy(item), part, has_status="status" in resource.subresources)
        if _same(before, after):
            return before
        if after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
        if after["metadata"].get("deletionTimestamp") and not after["metadata"].get("finalizers"):
            self.delete(resource, meta.get("namespace", ""), meta["name"])
            return after
        return self._keep(resource, before, after, f"{manager} status" if part else manager)

    def delete(self, resource: Resource, namespace: str, name: str, *, orphan: bool = False) -> Object:
        """Remove an object and, unless `orphan`, what it owns; one with finalizers is only marked."""
        before = self.get(resource.place, namespace, name)
        if before["metadata"].get("finalizers") and not before["metadata"].get("deletionTimestamp"):
            marked = copy.deepcopy(before)
            marked["metadata"]["deletionTimestamp"] = stamp(self.clock())
            return self._keep(resource, before, marked, "controller")
        del self.objects[resource.place, namespace, name]
        self.version += 1
        gone = copy.deepcopy(before)
        gone["metadata"]["resourceVersion"] = str(self.version)
        self.writes.append(Write(self.version, resource.place, gone, None))
        for child in [] if orphan else self.owned(before):
            kind = self.kind_of(child)
            meta = child["metadata"]
            if self.find(kind.place, meta.get("namespace", ""), meta["name"]):
                self.delete(kind, meta.get("namespace", ""), meta["name"])
        return before

    def owned(self, owner: Object, plural: str = "") -> list[Object]:
        """Objects that name `owner` as theirs."""
        uid = owner["metadata"]["uid"]
        return [
            item
            for key, item in list(self.objects.items())
            if (not plural or key[0] == plural)
            and any(each.get("uid") == uid for each in item["metadata"].get("ownerReferences") or ())
        ]

    def since(self, plural: str, version: int) -> list[Write]:
        """Writes after `version`; raises the 410 when some of them are no longer known."""
        if version < self.oldest:
            raise expired(f"too old resource version: {version} ({self.oldest})")
        return [write for write in self.writes if write.version > version and write.plural == plural]

    def forget(self) -> None:
        """Forget all writes, as etcd's compaction does: whoever resumes from before gets a 410."""
        with self.request():
            self.version += 1
            self.oldest = self.version
            self.writes.clear()

    def _keep(self, resource: Resource, before: Object | None, after: Object, manager: str) -> Object:
        self.version += 1
        meta = after["metadata"]
        meta["resourceVersion"] = str(self.version)
        meta["managedFields"] = _managed(before, manager, stamp(self.clock()))
        self.objects[resource.place, meta.get("namespace", ""), meta["name"]] = after
        self.writes.append(Write(self.version, resource.place, before, after))
        return after


def _combined(before: Object, item: Object, part: str, *, has_status: bool) -> Object:
    """What is kept of an update; identity and birth are the server's."""
    own = {
        key: before["metadata"].get(key) for key in ("uid", "creationTimestamp", "generation", "namespace")
    }
    if part == "status":
        after = copy.deepcopy(before) | {"status": item.get("status", {})}
    else:
        after = item | {"apiVersion": before["apiVersion"]}
        if has_status and part == "" and "status" in before:
            after["status"] = copy.deepcopy(before["status"])
    if "deletionTimestamp" in before["metadata"]:
        own["deletionTimestamp"] = before["metadata"]["deletionTimestamp"]
    after["metadata"] = after["metadata"] | {key: value for key, value in own.items() if value is not None}
    return after


def _same(before: Object, after: Object) -> bool:
    def bare(item: Object) -> dict[str, Any]:
        own = {"resourceVersion", "managedFields"}
        meta = {k: v for k, v in item["metadata"].items() if k not in own}
        return item | {"metadata": meta}

    return bare(before) == bare(after)


def _managed(before: Object | None, manager: str, moment: str) -> list[Object]:
    """Who wrote the object last and when, without saying which fields; a part of its own for the status."""
    name, _, part = manager.partition(" ")
    entry: Object = {"manager": name, "operation": "Update", "time": moment, "fieldsType": "FieldsV1"}
    if part:
        entry["subresource"] = part
    others = (before or {"metadata": {}})["metadata"].get("managedFields") or []
    return [*(e for e in others if (e["manager"], e.get("subresource", "")) != (name, part)), entry]
