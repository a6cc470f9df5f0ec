"""What the executor `kubernetes` can be told: how its API server is reached, and what it may touch there."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # where the kubelet mounts it


class CustomResource(Section):
    """A custom resource some fields of which may be changed."""

    kind: str
    """Its kind, such as `Rollout`."""
    group: str
    """Its API group, such as `argoproj.io`."""
    version: str
    """The version that is spoken, such as `v1alpha1`."""
    plural: str
    """As the address of its objects has it, such as `rollouts`."""
    namespaced: bool = True
    """Whether its objects live in namespaces."""
    fields: tuple[str, ...] = Field(min_length=1)
    """Fields that may be changed, below `spec`, with dots between: `spec.strategy.canary.weight`. Nothing else of the object can be."""

    @model_validator(mode="after")
    def _below_spec(self) -> Self:
        for each in self.fields:
            if not each.startswith("spec.") or "" in each.split("."):
                raise ValueError(f"fields: '{each}' is no field below spec; write it as spec.NAME")
        return self


class KubernetesExecutorSettings(Section):
    """What the executor `kubernetes` can be told."""

    name: str = Field(default="kubernetes", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.scale` and so on. Give each of several clusters its own."""
    url: str = ""
    """Address of the API server; empty: from `kubeconfig`, else from the pod that this runs in."""
    bearer_token: Secret | None = None
    """Token that goes with `url`."""
    token_file: Path | None = None
    """File with a token that goes with `url`; read again when the server no longer takes the one it held."""
    ca_file: Path | None = None
    """Certificate of the authority that goes with `url`, PEM; the system's own when absent. The server's certificate is always verified."""
    client_certificate: Path | None = None
    """Certificate that the executor shows to `url`, PEM, where accounts are told by certificates; with `client_key`."""
    client_key: Path | None = None
    """Its private key, PEM, readable by this account alone."""
    kubeconfig: Path | None = None
    """File with address and credentials, as `kubectl` uses it. Programs that it names are not run: give a token."""
    context: str = ""
    """Context of the kubeconfig; empty: its current one."""
    service_account: Path = SERVICE_ACCOUNT
    """Folder with `token`, `namespace` and `ca.crt` of the pod's service account."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for one answer; never longer than what is left of an action's own time. Ten seconds: an API server that needs more is itself in trouble."""
    namespaces: tuple[str, ...] = ()
    """Namespaces in which something may be done; empty: wherever its account may, except those that are protected."""
    protected_namespaces: tuple[str, ...] = ("kube-system", "kube-public", "kube-node-lease")
    """Namespaces in which nothing is ever done; those of the cluster itself, on which all others depend."""
    max_replicas: int = Field(default=50, ge=1)
    """Most replicas that a plan may ask for; fifty, so that a wrong number does not buy a new cluster."""
    canary_prefix: str = "nginx.ingress.kubernetes.io"
    """What precedes `/canary` and `/canary-weight` in the annotations of an Ingress; ingress-nginx has this one."""
    show_values: bool = False
    """Show values of config maps in differences; off, for passwords lie in many of them. Names of keys are always shown."""
    custom_resources: tuple[CustomResource, ...] = ()
    """Custom resources, each with the fields that may be changed; none without it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.url and self.kubeconfig:
            raise ValueError("url and kubeconfig: give one of them")
        beside = ("bearer_token", "token_file", "ca_file", "client_certificate", "client_key")
        if not self.url and any(getattr(self, each) for each in beside):
            raise ValueError(f"{', '.join(beside)} go with url; give url too")
        if bool(self.client_certificate) != bool(self.client_key):
            raise ValueError("client_certificate and client_key: give both, or neither")
        if self.bearer_token and self.token_file:
            raise ValueError("bearer_token and token_file: give one of them")
        check_address(self.url)
        return self


def check_address(url: str) -> None:
    """Raise ValueError for what is no address, or one over which a token would travel in clear."""
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError("url: is no address; write it as https://HOST:PORT")
    if parts.scheme == "http" and not _loopback(parts.hostname or ""):
        raise ValueError("url: the token would travel in clear; use https")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
