"""How the API server is reached: settings, kubeconfig, service account."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SettingsError, SourceRefused
from sre_copilot.perception.cluster.access import KubernetesSettings, access, http_settings
from sre_copilot.perception.kubernetes import KubernetesSource


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: Any) -> Path:
    path = folder / "config"
    found = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example:6443"} | cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(found))
    return path


def test_a_kubeconfig_gives_address_token_and_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"PEM")
    path = kubeconfig(tmp_path, {"token": "t0ken"}, **{"certificate-authority": "ca.pem"})
    found = access(KubernetesSettings(kubeconfig=path))
    assert (found.url, found.token(), found.authority) == ("https://api.example:6443", "t0ken", b"PEM")
    assert "t0ken" not in repr(found)


def test_client_certificates_lie_in_files_only_while_they_are_read(tmp_path: Path) -> None:
    pem = base64.b64encode(b"PEM").decode()
    path = kubeconfig(tmp_path, {"client-certificate-data": pem, "client-key-data": pem})
    settings = KubernetesSettings(kubeconfig=path)
    with http_settings(settings, access(settings), "") as given:
        assert given.key_file is not None
        assert given.key_file.read_bytes() == b"PEM"
        assert given.key_file.stat().st_mode & 0o077 == 0
    assert not given.key_file.exists()


def test_a_program_named_by_a_kubeconfig_runs_only_when_that_is_allowed(tmp_path: Path) -> None:
    answer = {"kind": "ExecCredential", "status": {"token": "from-program"}}
    command = {"command": sys.executable, "args": ["-c", f"print({json.dumps(json.dumps(answer))})"]}
    path = kubeconfig(tmp_path, {"exec": command | {"apiVersion": "client.authentication.k8s.io/v1"}})
    with pytest.raises(SettingsError, match="allow_exec: true"):
        access(KubernetesSettings(kubeconfig=path))
    assert access(KubernetesSettings(kubeconfig=path, allow_exec=True)).token() == "from-program"


def test_a_program_that_fails_is_named_without_what_it_said(tmp_path: Path) -> None:
    command = {"command": sys.executable, "args": ["-c", "import sys; print('s3cret'); sys.exit(3)"]}
    path = kubeconfig(tmp_path, {"exec": command})
    with pytest.raises(SettingsError, match="gave no token") as caught:
        access(KubernetesSettings(kubeconfig=path, allow_exec=True)).token()
    assert "s3cret" not in str(caught.value)


def test_an_access_that_fails_while_reading_is_an_error_of_the_source(tmp_path: Path) -> None:
    source = KubernetesSource(KubernetesSettings(kubeconfig=tmp_path / "none"))
    with pytest.raises(SourceRefused, match="cannot be read"):
        source.read(Window(0, 60))
    assert not source.health().ok


def test_certificates_that_are_not_checked_are_refused(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"token": "t"}, **{"insecure-skip-tls-verify": True})
    with pytest.raises(SettingsError, match="insecure-skip-tls-verify"):
        access(KubernetesSettings(kubeconfig=path))


def test_an_unknown_context_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no 'there'.*here"):
        access(KubernetesSettings(kubeconfig=kubeconfig(tmp_path, {}), context="there"))


def test_in_a_pod_the_service_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (tmp_path / "token").write_text("mounted\n")
    (tmp_path / "ca.crt").write_bytes(b"PEM")
    found = access(KubernetesSettings(service_account=tmp_path))
    assert (found.url, found.token(), found.authority) == ("https://[fd00::1]:443", "mounted", b"PEM")


def test_without_any_way_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(SettingsError, match="set url or kubeconfig"):
        access(KubernetesSettings())


def test_a_token_does_not_travel_in_clear() -> None:
    with pytest.raises(ValidationError, match="in clear"):
        KubernetesSettings.model_validate({"url": "http://api.example", "bearer_token": "t"})
