"""What the executor `systemd` can be told: which units may be touched, and on which machines."""

from __future__ import annotations

from pydantic import Field

from sre_copilot.action.executors.shell.settings import SshAccess
from sre_copilot.settings.section import Section

PROTECTED = (
    "dbus*",
    "systemd-*",
    "ssh*",
    "getty*",
    "user@*",
    "network*",
    "NetworkManager*",
    "*.target",
    "*.mount",
)
"""What a machine needs to be reached and repaired."""


class SystemdExecutorSettings(Section):
    """What the executor `systemd` can be told."""

    name: str = Field(default="systemd", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.restart` and so on."""
    units: tuple[str, ...] = Field(min_length=1)
    """Patterns of units that may be touched, such as `shop-*.service`; required, for a machine has units that nobody should touch."""
    protected: tuple[str, ...] = PROTECTED
    """Patterns of units that never are; by default what a machine needs to be reached and repaired."""
    ssh: SshAccess | None = None
    """Other machines, reached by SSH; a target names its machine as its namespace. Without it units of this machine are meant, and a target names none."""
    command: tuple[str, ...] = Field(default=("systemctl",), min_length=1)
    """How systemctl is called, such as `["sudo", "-n", "systemctl"]`, or with `--user`."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for a look at a unit."""
    action_timeout_seconds: float = Field(default=120.0, ge=1, le=900)
    """Time-out of an action; systemd itself gives a unit 90 seconds to stop, and as long to start."""
    steady_seconds: float = Field(default=2.0, ge=0, le=300)
    """So long must a unit have been seen active after an action to count as running."""
