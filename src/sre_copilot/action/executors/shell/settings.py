"""How other machines are reached by SSH."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from sre_copilot.action.executors.parameters import once_each
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section


class SshHost(Section):
    """One machine."""

    name: str = Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """How targets call it."""
    address: str = ""
    """Name or address by which it is reached; empty: its name."""
    port: int = Field(default=22, ge=1, le=65535)
    """Port of its SSH server."""
    username: str = ""
    """Account there; empty: that of all hosts."""


class SshAccess(Section):
    """Machines that are reached, and by what right. `~/.ssh/config` and agents are not looked at: what is not written here does not count."""

    hosts: tuple[SshHost, ...] = Field(min_length=1)
    """Machines that may be reached; no other is."""
    known_hosts: Path
    """File with the keys of the machines, as `ssh-keyscan` and `ssh` write it. Required: a machine that cannot prove who it is gets no command."""
    username: str = Field(min_length=1)
    """Account that commands run under; give it as few rights as they need."""
    key_file: Path | None = None
    """Private key of that account."""
    passphrase: Secret | None = None
    """What opens the key, when something does."""
    password: Secret | None = None
    """Password of the account, where there is no key."""
    connect_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for a connection; never longer than what is left of an action's own time."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.key_file is None and self.password is None:
            raise ValueError("key_file or password: give one of them")
        once_each((each.name for each in self.hosts), "hosts")
        return self
