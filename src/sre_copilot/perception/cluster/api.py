"""Speaking to a Kubernetes API server: lists in pages, watches, versions, permissions.

The API is plain HTTP and JSON and a dozen paths of it are read, so the shared HTTP client suffices: the client libraries weigh 2-126 MB.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from sre_copilot.errors import SettingsError, SourceAnswerError, SourceRefused
from sre_copilot.perception.cluster.access import Access, KubernetesSettings, access, http_settings
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.http_answers import understood
from sre_copilot.perception.pace import clock_skew

Object = dict[str, Any]

GONE = 410
HANDLED = frozenset({403, 404, GONE})
RESTARTS = 3  # of a list whose pages have become too old: a cluster that outruns three readings is not read by a fourth
SILENCE_S = 90  # of a watch, after which its connection counts as dead: servers send a bookmark a minute
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object and where it is served."""

    plural: str
    name: str
    root: str = "/api/v1"
    namespaced: bool = True
    selected: bool = False
    """Whether the label selector of the settings applies to it."""

    def path(self, namespace: str = "") -> str:
        """Path of its list: of one namespace, or of the whole cluster."""
        inside = f"/namespaces/{quote(namespace, safe='')}" if namespace and self.namespaced else ""
        return f"{self.root}{inside}/{self.plural}"

    @property
    def group(self) -> str:
        """API group; '' is the core one."""
        return self.root.split("/")[2] if self.root.startswith("/apis/") else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects of a kind, the version of the list, and whether all of them are here; `refusal` says why there are none."""

    items: tuple[Object, ...] = ()
    version: str = ""
    complete: bool = True
    refusal: str = ""


class KubernetesApi:
    """One API server; a rotated token is picked up with the next request."""

    def __init__(self, settings: KubernetesSettings, *, name: str) -> None:
        self.name = name
        self.settings = settings
        self._access: Access | None = None
        self._client: HttpClient | None = None
        self._token = ""

    @property
    def client(self) -> HttpClient:
        """The client with the token of now."""
        try:
            found = self._access = self._access or access(self.settings)
            token = found.token()
        except SettingsError as error:
            raise SourceRefused(self.name, str(error), remedy="correct what it names") from None
        if self._client is None or token != self._token:
            with http_settings(self.settings, found, token) as settings:
                fresh = HttpClient(settings, name=self.name)
            self.close()
            self._client, self._token = fresh, token
        return self._client

    @property
    def address(self) -> str:
        """Where it is, without credentials."""
        return self._access.url if self._access else self.settings.url

    def list(self, path: str, *, labels: str = "", accept: str = "application/json") -> Listing:
        """Read a list page by page; begin anew when it changed too much in between.

        Raises
        ------
        SourceError : when it cannot be read; that we may not (403), or that it is not served (404), is a `Listing.refusal`
        """
        for _ in range(RESTARTS):
            with understood(self.name, path):
                found = self._pages(path, labels, accept)
            if found is not None:
                return found
        raise SourceAnswerError(
            self.name,
            f"{path}: the list became too old between two of its pages, {RESTARTS} times",
            remedy="raise page_size, or name namespaces",
        )

    def _pages(self, path: str, labels: str, accept: str) -> Listing | None:
        items: list[Object] = []
        params: dict[str, Any] = {"limit": self.settings.page_size}
        if labels:
            params["labelSelector"] = labels
        while True:
            response = self._get(path, params, accept)
            if response.status_code == GONE:
                return None
            document = self._object(response)
            if response.status_code in HANDLED:
                return Listing(refusal=f"{response.status_code} {document.get('message', '')}".strip())
            items += _items(document)
            meta = document.get("metadata") or {}
            if not meta.get("continue") or len(items) >= self.settings.most_objects:
                kept = tuple(items[: self.settings.most_objects])
                complete = not meta.get("continue") and len(kept) == len(items)
                return Listing(kept, str(meta.get("resourceVersion", "")), complete)
            params["continue"] = meta["continue"]

    def get(self, path: str) -> Object:
        """Read one document."""
        return self._object(self.client.get(path))

    def version(self) -> tuple[str, float | None]:
        """Version of the server, and its clock minus ours in seconds (None when it does not tell the time)."""
        before = time.time()
        response = self.client.get("/version")
        version = str(self._object(response).get("gitVersion", ""))
        return version, clock_skew(response.headers.get("date", ""), before, time.time())

    def may(self, verb: str, kind: Kind, namespace: str) -> bool:
        """Whether we may do this to objects of a kind, as the server itself says."""
        attributes = {"verb": verb, "resource": kind.plural, "group": kind.group, "namespace": namespace}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes if kind.namespaced else attributes | {"namespace": ""}},
        }
        answer = self.client.post_json(REVIEWS, body)
        with understood(self.name, REVIEWS):
            return bool((answer.get("status") or {}).get("allowed"))

    @contextmanager
    def watch(self, path: str, *, version: str, seconds: int) -> Iterator[Iterator[Object]]:
        """Open a watch from a version; it ends by itself after `seconds`."""
        params = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": seconds,
        }
        patience = httpx.Timeout(
            self.settings.timeout_seconds, read=min(seconds, SILENCE_S) + self.settings.timeout_seconds
        )
        with self.client.stream("GET", path, params=params, timeout=patience) as response:
            yield self._events(response)

    def _events(self, response: httpx.Response) -> Iterator[Object]:
        for line in response.iter_lines():
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except ValueError:
                raise SourceAnswerError(
                    self.name, "a watch answered what is no JSON", remedy="check that url names an API server"
                ) from None
            if isinstance(found, dict):
                yield found

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __repr__(self) -> str:
        return f"KubernetesApi({self.name})"

    def _get(self, path: str, params: Mapping[str, Any], accept: str) -> httpx.Response:
        headers = {"accept": accept}
        return self.client.request("GET", path, accept=HANDLED, params=params, headers=headers)

    def _object(self, response: httpx.Response) -> Object:
        found = self.client.json(response)
        if not isinstance(found, dict):
            raise self.client.unreadable(response, "is no object")
        return found


def _items(document: Mapping[str, Any]) -> list[Object]:
    return [each for each in document.get("items") or () if isinstance(each, dict)]
