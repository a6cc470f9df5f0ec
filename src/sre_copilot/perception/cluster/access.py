"""How the API server is reached: address and credentials from settings, a kubeconfig file, or the pod that this runs in."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, SecretStr, ValidationError, model_validator

from sre_copilot.errors import SettingsError
from sre_copilot.perception.http import HttpSettings

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # where the kubelet mounts it
EARLY_S = 60.0  # a token that an exec plugin gave is renewed so long before it ends
REFUSED = (
    "exec plugins are programs that the kubeconfig names; set allow_exec: true to run it, or give token_file"
)

Token = Callable[[], str]


class KubernetesSettings(HttpSettings):
    """What the source `kubernetes` can be told."""

    url: str = ""
    """Address of the API server; empty: from `kubeconfig`, else from the pod that this runs in."""
    kubeconfig: Path | None = None
    """File with address and credentials, as `kubectl` uses it."""
    context: str = ""
    """Context of the kubeconfig; empty: its current one."""
    allow_exec: bool = False
    """Run the program that the kubeconfig names to get a token; off, for whoever writes that file would run programs here."""
    token_file: Path | None = None
    """File with a bearer token, read again when it changes, so that rotated tokens go on working."""
    service_account: Path = SERVICE_ACCOUNT
    """Folder with `token` and `ca.crt` of the pod's service account."""
    namespaces: tuple[str, ...] = ()
    """Namespaces to read; empty: all, which needs a cluster role."""
    label_selector: str = ""
    """Which pods, workloads and services are read, for example `team=shop,tier!=test`; nodes, events and volumes are not selected."""
    page_size: int = Field(default=500, ge=1)
    """Objects a request; 500 is what `kubectl` asks for, and what an API server answers without strain."""
    most_objects: int = Field(default=5000, ge=1)
    """Objects of one kind that are read at most; beyond it a gap says that some were left out. 5,000 pods are some 50 MB of answers."""
    watch: bool = True
    """Follow events after the first reading, so that repeated ones are seen each time and not only the last time."""
    config_values: bool = True
    """Show the values of config maps, which hold addresses that analysers compare; names alone when off. Secrets are never read."""
    secret_changes: bool = False
    """Tell when secrets changed, by their metadata; needs the permission to list secrets, though no value is asked for."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.url:
            _http(self, {})  # the address and what goes with it keep to the rules of every HTTP source
        if self.bearer_token and self.token_file:
            raise ValueError("bearer_token and token_file: give one of them")
        return self


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API server is, and what proves who we are; certificates as PEM."""

    url: str
    token: Token
    authority: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    def __repr__(self) -> str:
        return f"Access({self.url})"


def access(settings: KubernetesSettings) -> Access:
    """Find out how the API server is reached.

    Raises
    ------
    SettingsError : when there is no way, or a file cannot be read; no secret is in its message
    """
    if settings.url:
        return Access(
            settings.url,
            _given_token(settings),
            authority=_read(settings.ca_file),
            certificate=_read(settings.certificate_file),
            key=_read(settings.key_file),
        )
    if settings.kubeconfig:
        return _of_kubeconfig(settings, settings.kubeconfig)
    return _of_pod(settings)


@contextmanager
def http_settings(settings: KubernetesSettings, found: Access, token: str) -> Iterator[HttpSettings]:
    """The settings of an HTTP client; certificates lie in files of our own while the context is open, for TLS reads files only."""
    with tempfile.TemporaryDirectory(prefix="sre-copilot-") as folder:  # readable by its owner alone
        files = {"ca_file": found.authority, "certificate_file": found.certificate, "key_file": found.key}
        paths = {name: _written(Path(folder) / name, content) for name, content in files.items() if content}
        yield _http(
            settings, {"url": found.url, "bearer_token": SecretStr(token) if token else None, **paths}
        )


def _http(settings: KubernetesSettings, changes: Mapping[str, Any]) -> HttpSettings:
    own = {name: getattr(settings, name) for name in HttpSettings.model_fields}
    if "url" in changes:
        own |= {"ca_file": None, "certificate_file": None, "key_file": None}
    try:
        return HttpSettings(**(own | dict(changes)))
    except ValidationError as error:
        message = "; ".join(str(each["msg"]).removeprefix("Value error, ") for each in error.errors())
        if "url" in changes:
            raise SettingsError(f"kubernetes: {message}") from None
        raise ValueError(message) from None


def _given_token(settings: KubernetesSettings) -> Token:
    if settings.token_file:
        return TokenFile(settings.token_file)
    given = settings.bearer_token.get_secret_value() if settings.bearer_token else ""
    return lambda: given


def _of_pod(settings: KubernetesSettings) -> Access:
    host, port = (
        os.environ.get("KUBERNETES_SERVICE_HOST", ""),
        os.environ.get("KUBERNETES_SERVICE_PORT", "443"),
    )
    if not host:
        raise SettingsError(
            "kubernetes: no API server is named; set url or kubeconfig, or run in a pod of the cluster"
        )
    folder = settings.service_account
    host = f"[{host}]" if ":" in host else host
    return Access(
        f"https://{host}:{port}",
        TokenFile(settings.token_file or folder / "token"),
        authority=_read(settings.ca_file or folder / "ca.crt"),
    )


class TokenFile:
    """A token in a file that somebody may replace."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> str:
        """Return what the file holds now."""
        content = _read(self._path)
        return content.decode("utf-8", "replace").strip() if content else ""


class ExecToken:
    """A token that a program prints, asked for anew shortly before it ends."""

    def __init__(self, command: Mapping[str, Any], timeout_seconds: float) -> None:
        self._command = [str(command["command"]), *map(str, command.get("args") or ())]
        self._environment = {str(each["name"]): str(each["value"]) for each in command.get("env") or ()}
        self._version = str(command.get("apiVersion", "client.authentication.k8s.io/v1"))
        self._timeout = timeout_seconds
        self._token, self._until = "", 0.0

    def __call__(self) -> str:
        """Return a token that is still good."""
        if time.time() > self._until - EARLY_S:
            self._token, self._until = self._asked()
        return self._token

    def _asked(self) -> tuple[str, float]:
        asked = {"apiVersion": self._version, "kind": "ExecCredential", "spec": {"interactive": False}}
        environment = os.environ | self._environment | {"KUBERNETES_EXEC_INFO": json.dumps(asked)}
        try:
            done = subprocess.run(  # noqa: S603 - named by the user's kubeconfig and allowed by the settings; no shell
                self._command, env=environment, capture_output=True, check=True, timeout=self._timeout
            )
            status = json.loads(done.stdout)["status"]
            token, until = str(status["token"]), status.get("expirationTimestamp")
            ends = datetime.fromisoformat(until).timestamp() if until else float("inf")
        except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(
                f"kubernetes: the exec plugin {Path(self._command[0]).name} gave no token ({type(error).__name__}); "
                "run it by hand, or give token_file"
            ) from None
        return token, ends


def _of_kubeconfig(settings: KubernetesSettings, path: Path) -> Access:
    document = _document(path)
    name = settings.context or document.get("current-context") or ""
    context = _entry(path, document, "contexts", "context", name)
    cluster = _entry(path, document, "clusters", "cluster", context.get("cluster", ""))
    user = _entry(path, document, "users", "user", context["user"]) if context.get("user") else {}
    for key in ("insecure-skip-tls-verify", "tls-server-name", "proxy-url"):
        if cluster.get(key):
            raise SettingsError(
                f"{path}: {key} of cluster '{context['cluster']}' is not supported; "
                "give certificate-authority-data of the server and an address it is certified for"
            )
    certificate = _part(path, user, "client-certificate")
    return Access(
        str(cluster.get("server", "")),
        _token_of(settings, path, user),
        authority=_part(path, cluster, "certificate-authority"),
        certificate=certificate,
        key=_part(path, user, "client-key") if certificate else None,
    )


def _document(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load((_read(path) or b"").decode("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SettingsError(f"{path}: is no YAML; give the file that `kubectl config view` reads") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{path}: is no kubeconfig; give the file that `kubectl config view` reads")
    return found


def _entry(path: Path, document: Mapping[str, Any], section: str, key: str, name: str) -> dict[str, Any]:
    entries = [each for each in document.get(section) or () if isinstance(each, dict)]
    found = next((each.get(key) for each in entries if each.get("name") == name), None)
    if not isinstance(found, dict):
        known = ", ".join(str(each.get("name")) for each in entries) or "none"
        raise SettingsError(f"{path}: {section} has no '{name}' (there are: {known}); set context")
    return found


def _part(path: Path, entry: Mapping[str, Any], key: str) -> bytes | None:
    """A certificate or key: given as base64, or as a file beside the kubeconfig."""
    if data := entry.get(f"{key}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except ValueError:
            raise SettingsError(f"{path}: {key}-data is no base64; export the kubeconfig again") from None
    return _read(path.parent / str(entry[key])) if entry.get(key) else None


def _token_of(settings: KubernetesSettings, path: Path, user: Mapping[str, Any]) -> Token:
    if settings.token_file or settings.bearer_token:
        return _given_token(settings)
    if user.get("tokenFile"):
        return TokenFile(path.parent / str(user["tokenFile"]))
    if command := user.get("exec"):
        if not settings.allow_exec:
            raise SettingsError(
                f"{path}: its user gets a token from the program '{command.get('command')}'; {REFUSED}"
            )
        return ExecToken(command, settings.timeout_seconds)
    if user.get("auth-provider"):
        raise SettingsError(f"{path}: auth-provider is no longer known to Kubernetes; use exec or a token")
    token = str(user.get("token") or "")
    return lambda: token


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"kubernetes: the file {path} cannot be read: {type(error).__name__}; check path and rights"
        ) from None


def _written(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
