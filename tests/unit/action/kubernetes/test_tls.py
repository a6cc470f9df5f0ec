"""The way to an API server that speaks TLS: whom the executor trusts, what it shows, and that it never looks away."""

import shutil
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lab import certificates
from pydantic import ValidationError
from tests.unit.action.kubernetes.shop import action, call, got, workload

from sre_copilot.action.executor import ActionError
from sre_copilot.action.executors.kubernetes import KubernetesExecutor, KubernetesExecutorSettings
from sre_copilot.errors import SettingsError
from sre_copilot.testing.servers.kubernetes import Kubernetes, kubernetes
from sre_copilot.testing.servers.relay import relay

pytestmark = [
    pytest.mark.integration,  # openssl is run a dozen times
    pytest.mark.skipif(shutil.which("openssl") is None, reason="not installed here: openssl"),
]
pytest.importorskip("lightkube", reason="lightkube is not installed")

SCALE = action("scale", "Deployment", replicas=3)
TOKEN = "opensesame"  # noqa: S105 - it opens nothing else


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority with a server's and a client's certificate, one that has ended, and another authority."""
    folder = tmp_path_factory.mktemp("tls")
    certificates.create_authority(folder)
    for name, seconds in (("server", 3600), ("client", 3600), ("ended", -3600)):
        certificates.issue(folder, name, valid_until=time.time() + seconds)
    certificates.create_authority(folder / "other")
    certificates.issue(folder / "other", "client", valid_until=time.time() + 3600)
    return folder


@contextmanager
def served(keys: Path, name: str = "server", *, asks: bool = False) -> Iterator[Kubernetes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / f"{name}.pem", keys / f"{name}.key")
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(keys / "authority.pem")
    with kubernetes(tls=context) as running:
        running.apply(workload())
        yield running


@contextmanager
def executor(url: str, **more: Any) -> Iterator[KubernetesExecutor]:
    found = KubernetesExecutor(KubernetesExecutorSettings(url=url, **more))
    try:
        yield found
    finally:
        found.close()


def test_the_authority_of_the_settings_is_trusted_and_the_work_is_done(keys: Path) -> None:
    with served(keys) as cluster, executor(cluster.url, ca_file=keys / "authority.pem") as found:
        assert cluster.url.startswith("https://")
        assert found.execute(SCALE, call()).changed
        assert got(cluster, "deployments")["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("name", "authority", "why"),
    [
        ("server", None, "local issuer"),
        ("server", "other/authority.pem", "certificate"),
        ("ended", "authority.pem", "expired"),
    ],
)
def test_a_server_that_cannot_prove_itself_is_asked_nothing(
    keys: Path, name: str, authority: str | None, why: str
) -> None:
    ca_file = keys / authority if authority else None
    with served(keys, name) as cluster, executor(cluster.url, ca_file=ca_file) as found:
        with pytest.raises(ActionError, match=why) as refused:
            found.execute(SCALE, call())
        assert refused.value.effect == "none"
        assert cluster.asked == []


def test_a_server_of_another_name_is_asked_nothing(keys: Path) -> None:
    """One that got hold of a connection with a certificate of its own for elsewhere."""
    with (
        served(keys) as cluster,
        relay(("127.0.0.1", urlsplit(cluster.url).port or 0), ("127.0.0.2", 0)) as between,
        executor(f"https://127.0.0.2:{between.address[1]}", ca_file=keys / "authority.pem") as found,  # type: ignore[index]
    ):
        with pytest.raises(ActionError, match="mismatch") as refused:
            found.look(SCALE)
        assert refused.value.effect == "none"
        assert cluster.asked == []


def test_a_certificate_of_its_own_is_shown_where_the_server_asks_for_one(keys: Path) -> None:
    ours = {"client_certificate": keys / "client.pem", "client_key": keys / "client.key"}
    theirs = {"client_certificate": keys / "other/client.pem", "client_key": keys / "other/client.key"}
    with served(keys, asks=True) as cluster:
        with executor(cluster.url, ca_file=keys / "authority.pem", **ours) as found:
            assert found.look(SCALE).exists
        asked = len(cluster.asked)
        for other in ({}, theirs):
            with (
                executor(cluster.url, ca_file=keys / "authority.pem", **other) as found,
                pytest.raises(ActionError),
            ):
                found.look(SCALE)
        assert len(cluster.asked) == asked


def test_a_token_file_is_read_again_when_the_token_was_exchanged(keys: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    with (
        served(keys) as cluster,
        executor(cluster.url, ca_file=keys / "authority.pem", token_file=file) as found,
    ):
        cluster.token = TOKEN
        assert found.look(SCALE).exists
        cluster.token = TOKEN[::-1]
        file.write_text(TOKEN[::-1])
        assert found.look(SCALE).exists
        cluster.token = "another"  # noqa: S105
        with pytest.raises(ActionError, match="401"):
            found.look(SCALE)
        file.unlink()
        with pytest.raises(ActionError, match="token_file") as refused:
            found.execute(SCALE, call())
        assert (refused.value.effect, refused.value.retry) == ("none", True)


@pytest.mark.parametrize("broken", ["ca_file", "client_key"])
def test_files_that_cannot_be_used_are_the_settings_fault(keys: Path, tmp_path: Path, broken: str) -> None:
    (tmp_path / "broken.pem").write_text("no certificate")
    files = {
        "ca_file": keys / "authority.pem",
        "client_certificate": keys / "client.pem",
        "client_key": keys / "client.key",
    }
    files[broken] = tmp_path / "broken.pem"
    with (
        executor("https://127.0.0.1:1", **files) as found,
        pytest.raises(SettingsError, match="check the files"),
    ):
        found.look(SCALE)


def test_a_certificate_goes_with_its_key_and_an_address_and_nothing_switches_verification_off() -> None:
    with pytest.raises(ValidationError, match="give both"):
        KubernetesExecutorSettings(url="https://127.0.0.1:1", client_certificate=Path("c"))
    with pytest.raises(ValidationError, match="give url too"):
        KubernetesExecutorSettings(client_certificate=Path("c"), client_key=Path("k"))
    names = KubernetesExecutorSettings.model_fields
    assert not [each for each in names if "verify" in each or "insecure" in each]
