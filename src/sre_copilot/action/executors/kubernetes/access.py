"""How the API server is reached: lightkube reads the kubeconfig or the pod's account, and makes the connection that verifies TLS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sre_copilot.action.executors.kubernetes.settings import KubernetesExecutorSettings, check_address
from sre_copilot.errors import SettingsError

if TYPE_CHECKING:
    import httpx2
    from lightkube.config.kubeconfig import KubeConfig, SingleConfig

MISSING = "kubernetes: the client library is not installed; pip install 'sre-copilot[actions]'"


def connect(settings: KubernetesExecutorSettings) -> httpx2.Client:
    """Make a client for the API server; nothing is asked yet.

    Raises
    ------
    SettingsError : there is no way, a file cannot be read, or what it asks for is not safe; no secret is in its message
    """
    try:
        from lightkube.config import client_adapter  # noqa: PLC0415 - comes with an extra
    except ImportError:
        raise SettingsError(MISSING) from None
    found = _chosen(settings)
    _refuse(found)
    try:
        connection = client_adapter.ConnectionParams(trust_env=False)
        return client_adapter.Client(found, connection)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"kubernetes: a certificate or key cannot be used: {type(error).__name__}; check the files that the settings name"
        ) from None


def _chosen(settings: KubernetesExecutorSettings) -> SingleConfig:
    from lightkube.core.exceptions import ConfigError  # noqa: PLC0415

    try:
        return _configured(settings).get(settings.context or None)  # type: ignore[return-value]  # None only with a default
    except ConfigError:
        reason = "a context, or a file that it names, is missing"
    except KeyError as error:
        reason = f"{error} is missing"
    except (OSError, ValueError, TypeError) as error:
        reason = type(error).__name__
    raise SettingsError(
        f"kubernetes: no API server can be reached by the settings ({reason}); give url, a kubeconfig with its context, or run in a pod of the cluster"
    )


def _configured(settings: KubernetesExecutorSettings) -> KubeConfig:
    from lightkube.config.kubeconfig import KubeConfig  # noqa: PLC0415
    from lightkube.config.models import Cluster, User  # noqa: PLC0415

    if settings.kubeconfig:
        return KubeConfig.from_file(settings.kubeconfig)
    if not settings.url:
        return KubeConfig.from_service_account(settings.service_account)
    token = settings.bearer_token.get_secret_value() if settings.bearer_token else None
    file, authority = _text(settings.token_file), _text(settings.ca_file)
    return KubeConfig.from_one(
        cluster=Cluster(server=settings.url, certificate_auth=authority),
        user=User(
            token=token,
            token_file=file,
            client_cert=_text(settings.client_certificate),
            client_key=_text(settings.client_key),
        ),
    )


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _refuse(found: SingleConfig) -> None:
    """Raise for what a kubeconfig asks that we do not do."""
    if found.cluster.insecure:
        raise SettingsError(
            "kubernetes: insecure-skip-tls-verify is not supported; give certificate-authority of the server"
        )
    if found.user is None:
        raise SettingsError(
            "kubernetes: the context names no user; name one, for without credentials nothing may be done"
        )
    if found.user.exec or found.user.auth_provider:
        raise SettingsError(
            "kubernetes: programs that a kubeconfig names are not run; give url with token_file, or a user with a token"
        )
    try:
        check_address(found.cluster.server)
    except ValueError as error:
        raise SettingsError(f"kubernetes: {error}") from None
