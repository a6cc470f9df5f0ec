"""Speaking to the API server: objects as the JSON that they are, and each refusal with what it means for an effect."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import begun, left
from sre_copilot.action.executors.kubernetes.access import connect
from sre_copilot.action.executors.kubernetes.kinds import POD, Kind, Object
from sre_copilot.action.executors.kubernetes.settings import KubernetesExecutorSettings

if TYPE_CHECKING:
    import httpx2

Style = Literal["merge", "json", "strategic"]
MANAGER = "sre-copilot"
PAGE = 500  # objects a request: what `kubectl` asks for
_TYPES: Mapping[Style, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
_NONE = frozenset(
    {400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429}
)  # the server says that it did nothing
_REMEDY = {
    401: "give the executor a token that is valid",
    403: "give its account the role in deploy/kubernetes/rbac.yaml",
    409: "look again: somebody changed it in between",
    422: "change the parameters",
    429: "try again later",
}
_RETRY = frozenset({429})


class ConflictError(ActionError):
    """The object has been modified since the version that was named; nothing was changed."""


class Cluster:
    """One API server. A `call` limits how long a request may take, and is looked at before anything is changed."""

    def __init__(self, settings: KubernetesExecutorSettings) -> None:
        self.settings = settings
        self._client: httpx2.Client | None = None
        self._lock = threading.Lock()

    def find(self, kind: Kind, namespace: str, name: str, *, call: Call | None = None) -> Object | None:
        """One object, or None."""
        answer = self._ask("GET", kind.path(namespace, name), call=call)
        if answer.status_code == 404:
            return None
        return self._understood(answer, changes=False)

    def all(self, kind: Kind, namespace: str, *, labels: str = "", call: Call | None = None) -> list[Object]:
        """Objects of a namespace that a label selector chooses."""
        query = {"limit": str(PAGE)} | ({"labelSelector": labels} if labels else {})
        found: list[Object] = []
        while True:
            answer = self._understood(
                self._ask("GET", kind.path(namespace), query=query, call=call), changes=False
            )
            found += answer.get("items") or []
            more = (answer.get("metadata") or {}).get("continue")
            if not more:
                return found
            query["continue"] = more

    def patch(
        self, path: str, body: Any, style: Style, *, call: Call | None = None, dry: bool = False
    ) -> Object:
        """Change an object or a part of one; `dry`: let the server only say what would become of it."""
        query = {"fieldManager": MANAGER} | _dry(dry)
        answer = self._ask("PATCH", path, body=body, query=query, kind=_TYPES[style], call=call)
        return self._understood(answer, changes=not dry)

    def create(self, kind: Kind, item: Object, *, call: Call | None = None, dry: bool = False) -> bool:
        """Create an object; False when there is one of that name."""
        query = {"fieldManager": MANAGER} | _dry(dry)
        path = kind.path(item["metadata"].get("namespace", ""))
        answer = self._ask("POST", path, body=item, query=query, call=call)
        if answer.status_code == 409:
            return False
        self._understood(answer, changes=not dry)
        return True

    def delete_pod(
        self, namespace: str, name: str, options: Object, *, call: Call | None = None, dry: bool = False
    ) -> None:
        """Delete a pod on the conditions that `options` name."""
        answer = self._ask("DELETE", POD.path(namespace, name), body=options, query=_dry(dry), call=call)
        self._understood(answer, changes=not dry)

    def evict_pod(
        self, namespace: str, name: str, options: Object, *, call: Call | None = None, dry: bool = False
    ) -> None:
        """Delete a pod unless its disruption budget forbids it."""
        meta = {"name": name, "namespace": namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta, "deleteOptions": options}
        path = POD.path(namespace, name, "eviction")
        self._understood(self._ask("POST", path, body=body, query=_dry(dry), call=call), changes=not dry)

    def close(self) -> None:
        """Close connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _connected(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                self._client = connect(self.settings)
            return self._client

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        kind: str = "application/json",
        call: Call | None,
    ) -> httpx2.Response:
        changes = method != "GET" and "dryRun" not in (query or {})
        seconds = self._left(call, changes=changes)
        client = self._connected()
        import httpx2  # noqa: PLC0415 - here, as lightkube is there
        from lightkube.core.exceptions import ConfigError  # noqa: PLC0415

        headers = {"content-type": kind, "accept": "application/json"}
        try:
            return client.request(
                method, path, json=body, params=dict(query or {}), headers=headers, timeout=seconds
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise ActionError(
                f"kubernetes: no connection to the API server ({type(error).__name__}{_why(error)}); check address and network",
                effect="none",
                retry=True,
            ) from None
        except (ConfigError, OSError) as error:
            raise ActionError(
                f"kubernetes: the token cannot be read ({type(error).__name__}); check token_file",
                effect="none",
                retry=True,
            ) from None
        except httpx2.TransportError as error:
            raise ActionError(
                f"kubernetes: {method} {path}: no answer within {seconds:.1f} s ({type(error).__name__})",
                effect="unknown" if changes else "none",
                retry=True,
            ) from None

    def _left(self, call: Call | None, *, changes: bool) -> float:
        """Seconds that a request may take; raises when the time is over, or a change was called off."""
        if call is not None and changes:
            begun(call, "kubernetes")
        return left(call, "kubernetes", most=self.settings.timeout_seconds)

    def _understood(self, answer: httpx2.Response, *, changes: bool) -> Object:
        if answer.is_success:
            found: Object = answer.json()
            return found
        code = answer.status_code
        remedy = _REMEDY.get(code, "")
        said = f"kubernetes: {answer.request.method} {answer.request.url.path}: {code} {_said(answer)}"
        effect = "none" if code in _NONE or not changes else "unknown"
        kind = ConflictError if code == 409 else ActionError
        raise kind(
            f"{said} ({remedy})" if remedy else said, effect=effect, retry=code in _RETRY or code >= 500
        )


def _why(error: Exception) -> str:
    """What TLS holds against the server, if anything: neither names nor secrets are in it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return f": {cause.verify_message}; check ca_file" if cause else ""


def _dry(dry: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry else {}


def _said(answer: httpx2.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return answer.reason_phrase
    return str(found.get("message") or answer.reason_phrase) if isinstance(found, dict) else ""
