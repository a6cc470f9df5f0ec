"""The HTTP side of the stand-in: paths, bearer tokens, permissions, streams."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sre_copilot.testing.servers.kubernetes import openapi, resources
from sre_copilot.testing.servers.kubernetes.answers import RefusedError, bad_request, forbidden, no_such_path
from sre_copilot.testing.servers.kubernetes.controller import Controllers, Kubelet, runs_at_once
from sre_copilot.testing.servers.kubernetes.objects import Objects, Query, Target
from sre_copilot.testing.servers.kubernetes.resources import Object, Resource
from sre_copilot.testing.servers.kubernetes.store import Clock, Store, now
from sre_copilot.testing.servers.kubernetes.watching import Watching

VERSION = {"major": "1", "minor": "33", "gitVersion": "v1.33.0-stand-in", "platform": "linux/amd64"}
_PATH = re.compile(r"^/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))(?:/(?P<rest>.+))?$")
_METADATA_ONLY = "as=PartialObjectMetadataList"


@dataclass
class Kubernetes:
    """A running stand-in: its address, its objects, and how it shall treat requests."""

    store: Store
    objects: Objects
    watching: Watching
    url: str = ""
    token: str = ""
    """Bearer token that requests need; '' = none."""
    denied: set[tuple[str, str]] = field(default_factory=set)
    """(verb, plural) pairs that are forbidden."""
    asked: list[str] = field(default_factory=list)

    def apply(self, *items: Object) -> None:
        """Create objects directly, their status included; controllers act afterwards."""
        with self.store.request():
            for item in items:
                self.store.create(item)

    def define(self, group: str, version: str, names: Object, *, namespaced: bool = True) -> None:
        """Make a custom kind known, with a status; `names` are its `plural` and `kind`."""
        versions = [{"name": version, "served": True, "storage": True, "subresources": {"status": {}}}]
        scope = "Namespaced" if namespaced else "Cluster"
        spec = {"group": group, "names": names, "scope": scope, "versions": versions}
        meta = {"name": f"{names['plural']}.{group}"}
        definition = {"kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}
        self.apply(definition)
        self.store.served += resources.defined(definition)


@contextmanager
def kubernetes(
    *,
    clock: Clock = now,
    kubelet: Kubelet = runs_at_once,
    bookmark_seconds: float = 0.2,
    controllers: bool = True,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Kubernetes]:
    """Run a stand-in with one node and the namespaces `default` and `kube-system` while the context is open; with `tls` its address is one of https."""
    store = Store(clock=clock)
    if controllers:
        store.after_write = Controllers(store, kubelet).act
    running = Kubernetes(store, Objects(store), Watching(store, bookmark_seconds=bookmark_seconds))
    running.apply(*_furniture())
    server = _Server(running, port, tls)
    running.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.watching.cut()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _furniture() -> list[Object]:
    spaces = [{"kind": "Namespace", "metadata": {"name": name}, "status": {"phase": "Active"}}
              for name in ("default", "kube-system")]  # fmt: skip
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
    }
    node = {"kind": "Node", "metadata": {"name": "node-1", "labels": {"kubernetes.io/hostname": "node-1"}}, "spec": {},
            "status": {"conditions": [ready], "nodeInfo": {"containerRuntimeVersion": "containerd://1.7.27"},
                       "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                       "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}}  # fmt: skip
    return [*spaces, node]


class _Handler(BaseHTTPRequestHandler):
    """Answers requests for the stand-in that its server carries."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

    def _serve(self) -> None:
        self.server.running.asked.append(f"{self.command} {self.path}")
        try:
            body = self._body()
            self._answer(body)
        except RefusedError as refusal:
            self._send(refusal.code, refusal.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the base class

    def _body(self) -> Any:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            raise bad_request("the body of the request is no JSON") from None

    def _answer(self, body: Any) -> None:
        running, parts = self.server.running, urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if running.token and self.headers.get("authorization") != f"Bearer {running.token}":
            raise RefusedError(401, "Unauthorized", "Unauthorized")
        if (document := _document(running, parts.path, self.headers.get("host", ""))) is not None:
            self._send(200, document)
            return
        target = _target(running.store.served, parts.path)
        verb = _verb(self.command, target, query)
        _permit(running, verb, target)
        if verb == "watch":
            self._stream(target, query)
            return
        with running.store.request():
            found = _done(
                running, verb, target, body=body, query=query, kind=self.headers.get("content-type", "")
            )
            text = found if isinstance(found, str) else json.dumps(self._narrowed(found))
        self._send(201 if verb == "create" else 200, text)

    def _narrowed(self, found: Object) -> Object:
        """Metadata alone where a client asks for no more."""
        if _METADATA_ONLY not in self.headers.get("accept", "") or "items" not in found:
            return found
        kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        items = [kind | {"metadata": each["metadata"]} for each in found["items"]]
        outer = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        return outer | {"metadata": found["metadata"], "items": items}

    def _stream(self, target: Target, query: Query) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for event in self.server.running.watching.follow(target, query):
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send(self, status: int, body: Object | str) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        kind = "application/json" if text.startswith("{") else "text/plain"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """A listening socket and the stand-in behind it."""

    daemon_threads = True

    def __init__(self, running: Kubernetes, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.running, self._tls = running, tls

    def finish_request(self, request: socket.socket | Any, client_address: Any) -> None:
        """Answer on one connection, after the handshake; clients that break it off are let go."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        with suppress(ssl.SSLError, ConnectionError), self._tls.wrap_socket(request, server_side=True) as secure:  # fmt: skip
            super().finish_request(secure, client_address)


def _done(
    running: Kubernetes, verb: str, target: Target, *, body: Any, query: Query, kind: str
) -> Object | str:
    objects = running.objects
    done: dict[str, Callable[[], Object | str]] = {
        "list": lambda: objects.listed(target, query),
        "get": lambda: objects.get(target, query),
        "create": lambda: _created(running, target, body, query),
        "update": lambda: objects.update(target, body, query),
        "patch": lambda: objects.patch(target, body, query, kind),
    }
    return done.get(verb, lambda: objects.delete(target, body, query))()


def _document(running: Kubernetes, path: str, address: str) -> Object | str | None:
    """What is served beside objects: health, version, discovery, OpenAPI."""
    served = running.store.served
    plain: dict[str, Callable[[], Object | str]] = {
        "/version": lambda: dict(VERSION),
        "/api": lambda: resources.versions(address),
        "/apis": lambda: resources.groups(served),
        "/openapi/v3": lambda: openapi.index(served),
    } | dict.fromkeys(("/healthz", "/livez", "/readyz"), lambda: "ok")
    if path in plain:
        return plain[path]()
    match path.strip("/").split("/"):
        case ["apis", group]:
            return resources.group(served, group)
        case ["api", version]:
            return resources.resource_list(served, "", version)
        case ["apis", group, version]:
            return resources.resource_list(served, group, version)
        case ["openapi", "v3", *rest]:
            return openapi.document(served, "/".join(rest))
    return None


def _created(running: Kubernetes, target: Target, body: Any, query: Query) -> Object:
    if target.resource.plural == "selfsubjectaccessreviews":
        return _review(running, body)
    return running.objects.create(target, body, query)


def _target(served: Sequence[Resource], path: str) -> Target:
    found = _PATH.match(path)
    if found is None or not found["rest"]:
        raise no_such_path()
    group, version = found["group"] or "", found["core"] or found["version"]
    known = {each.plural: each for each in served if (each.group, each.version) == (group, version)}
    rest, namespace = [unquote(part) for part in found["rest"].split("/")], ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] in known:
        namespace, rest = rest[1], rest[2:]
    resource = known.get(rest[0])
    if resource is None or len(rest) > 3 or (len(rest) == 3 and rest[2] not in resource.subresources):
        raise no_such_path()
    if len(rest) > 1 and resource.namespaced and not namespace:
        raise no_such_path()
    return Target(resource, namespace, *rest[1:])


def _verb(method: str, target: Target, query: Query) -> str:
    one = bool(target.name)
    verb = {
        "GET": "get" if one else "watch" if query.get("watch") in {"true", "1"} else "list",
        "POST": "create",
        "PUT": "update",
        "PATCH": "patch",
        "DELETE": "delete" if one else "deletecollection",
    }[method]
    allowed = target.part or verb in target.resource.verbs
    whole = verb in {"update", "patch"} and not one  # these need an object
    if not allowed or whole or (verb == "create" and one and target.part != "eviction"):
        raise RefusedError(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
        )
    return verb


def _permit(running: Kubernetes, verb: str, target: Target) -> None:
    if (verb, target.resource.plural) in running.denied:
        why = f'User "stand-in" cannot {verb} resource "{target.resource.plural}" in API group "{target.resource.group}"'
        raise forbidden(target.resource, target.name, why)


def _review(running: Kubernetes, body: Any) -> Object:
    """Whether the one who asks may do what the review names."""
    asked = ((body or {}).get("spec") or {}).get("resourceAttributes") or {}
    allowed = (asked.get("verb"), asked.get("resource")) not in running.denied
    kind = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
    return kind | {"spec": (body or {}).get("spec") or {}, "status": {"allowed": allowed}}
