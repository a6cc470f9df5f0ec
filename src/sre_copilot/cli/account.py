"""Who is at the command line."""

from __future__ import annotations

import getpass
import os

from sre_copilot.app.callers import at_the_command_line


def account() -> str:
    """The name of the account."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have it
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "somebody"


def caller() -> str:
    """The account, as the audit calls it."""
    return at_the_command_line(account())
