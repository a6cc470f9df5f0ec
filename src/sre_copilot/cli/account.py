"""Who is at the command line."""

from __future__ import annotations

from sre_copilot.app.callers import at_the_command_line, first_name


def caller() -> str:
    """The account, as the audit calls it."""
    return at_the_command_line(first_name())
