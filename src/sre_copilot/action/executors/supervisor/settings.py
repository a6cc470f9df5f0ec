"""What the executor `supervisor` can be told: where supervisor listens, and which of its processes may be touched."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

SIGNALS = ("HUP", "USR1", "USR2")  # those that programs take as wishes; none of them is meant to end one


class SupervisorExecutorSettings(Section):
    """What the executor `supervisor` can be told."""

    name: str = Field(default="supervisor", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.restart` and so on. Give each of several supervisors its own."""
    url: str
    """Where it listens: `unix:///run/supervisor.sock`, or the address of its `[inet_http_server]`, `http://HOST:9001`."""
    username: str = ""
    """Name that it asks for; empty when it asks for none."""
    password: Secret | None = None
    """Password that goes with the name."""
    processes: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Patterns of processes and groups that may be touched, as supervisor calls them (`web`, `shop:*`); all of them by default, for supervisor runs applications and nothing else."""
    protected: tuple[str, ...] = ()
    """Patterns of those that never are."""
    signals: tuple[str, ...] = SIGNALS
    """Signals that may be sent; those that end a process are better said as `stop` or `restart`."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for one answer; never longer than what is left of an action's own time."""
    action_timeout_seconds: float = Field(default=60.0, ge=1, le=600)
    """Time-out of an action; must be longer than `stopwaitsecs` of the programs, which is 10 by default."""
    steady_seconds: float = Field(default=2.0, ge=0, le=300)
    """So long must a process have run after an action to count as running: one that crashes at its start has crashed by then."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        unix = parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc
        if not unix and not (parts.scheme in {"http", "https"} and parts.hostname):
            raise ValueError("url: is no address; write it as unix:///PATH or http://HOST:PORT")
        if parts.username or parts.password:
            raise ValueError("url: holds a name or password; use username and password")
        if parts.scheme == "http" and self.password and not _loopback(parts.hostname or ""):
            raise ValueError("url: the password would travel in clear; use https, or a tunnel to this host")
        if bool(self.username) != (self.password is not None):
            raise ValueError("username and password: give both, or neither")
        return self


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
