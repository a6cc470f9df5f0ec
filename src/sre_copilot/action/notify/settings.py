"""What every notifier can be told, and what those that speak HTTP can be told besides."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field

from sre_copilot.settings.alerting.notify import Limit
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section


class NotifierSettings(Section):
    """What every notifier can be told."""

    name: str = ""
    """How it is called in the delivery log; the type and its place when empty. It is part of the key of each message: do not change it while messages wait."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """Longest wait for an answer; ten seconds, for a page that waits longer comes too late."""
    limits: list[Limit] = Field(default_factory=list)
    """Limits of this bot; empty: those of the receiver, else those of the platform."""


class HttpNotifierSettings(NotifierSettings):
    """What a notifier that speaks HTTP can be told."""

    proxy: Secret | None = None
    """Proxy to go through, `http://HOST:PORT`; none when absent, whatever the environment says."""
    ca_file: Path | None = None
    """Certificates to trust besides the system's own, PEM."""
    allow_plaintext: bool = False
    """Send over plain HTTP to another machine; off, for its address and content are secrets that everyone between could read."""


def check_address(url: str, *, key: str, allow_plaintext: bool) -> None:
    """Raise ValueError when it is no address, or one over which secrets travel in clear; the address itself is in no message."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{key}: is no address; write it as https://HOST/PATH")
    if parts.scheme == "http" and not (allow_plaintext or is_loopback(parts.hostname)):
        raise ValueError(f"{key}: secrets would travel in clear; use https, or set allow_plaintext: true")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
