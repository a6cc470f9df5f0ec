"""The machines of the shop as SSH shows them: a server on the loopback interface, and the few commands that SRE Copilot may run there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.layout import SECURE
from lab.stack import ROOT
from lab.upkeep import NOTHING_DONE
from sre_copilot.testing.servers.ssh import USER, SshServer, ssh_server

FOLDER = "ssh"
DISK = "shipping"  # the one service with a volume
MACHINES = (DISK, SECURE)
"""Services whose machines are reached; each has one of its own name."""


@contextmanager
def reachable(shop: Path) -> Iterator[SshServer]:
    """Run the server while the context is open.

    Raises
    ------
    ValueError : asyncssh is not installed
    """
    try:
        import asyncssh  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise ValueError("repairs need another package: pip install 'sre-copilot[actions]'") from None
    with ssh_server(shop / FOLDER, environment={"PYTHONPATH": str(ROOT)}) as server:
        yield server


def executor(shop: Path, port: int) -> dict[str, Any]:
    """The settings of the executor `ssh`."""
    return {
        "type": "ssh",
        "username": USER,
        "known_hosts": str(shop / FOLDER / "known_hosts"),
        "key_file": str(shop / FOLDER / "id"),
        "hosts": [{"name": name, "address": "127.0.0.1", "port": port} for name in MACHINES],
        "commands": [
            _command("free_disk", "disk", shop, on=DISK),
            _command("renew_certificate", "certificate", shop, on=SECURE),
        ],
    }


def _command(name: str, what: str, shop: Path, *, on: str) -> dict[str, Any]:
    words = [sys.executable, "-m", "lab.upkeep", str(shop), what]
    return {
        "name": name,
        "hosts": [on],
        "level": "reversible",
        "idempotent": True,
        "look": [*words, "look"],
        "dry_run": [*words, "try"],
        "check": [*words, "check"],
        "run": [*words, "do", "{key}"],
        "undo": [*words, "undo", "{key}"],
        "nothing_done_codes": [NOTHING_DONE],
        "show_output": True,  # names, sizes and dates
        "timeout_seconds": 30,
    }
