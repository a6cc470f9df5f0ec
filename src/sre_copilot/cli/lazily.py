"""Commands that are imported when they are asked for: a token is revoked without waiting for the numeric libraries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS: Mapping[str, str] = {
    "investigate": "investigate:investigate",
    "ask": "ask:ask",
    "agents": "agents:agents",
    "mcp": "mcp:mcp",
    "case": "case:app",
    "eval": "evaluation:app",
    "serve": "serve:serve",
    "worker": "worker:worker",
    "alert": "alert:app",
    "incident": "incident:app",
    "silence": "silence:app",
    "maintenance": "silence:maintenance",
    "rules": "rules:app",
    "status": "status:status",
    "record": "record:record",
    "discover": "discover:discover",
    "check-config": "check:check_config",
    "doctor": "check:doctor",
    "token": "token:app",
    "tools": "tools:app",
    "nl2query": "queries:nl2query",
    "explain-query": "queries:explain_query",
    "plugins": "plugins:plugins",
    "knowledge": "knowledge:app",
    "prompts": "prompts:app",
    "events": "events:app",
    "route": "route:app",
    "oncall": "oncall:app",
    "policy": "policy:app",
    "notify": "notify:app",
    "action": "action:app",
    "killswitch": "killswitch:app",
    "plan": "plan:app",
    "audit": "audit:app",
    "workflow": "workflow:app",
    "report": "report:app",
    "stats": "stats:stats",
}
"""Where each command is: a module of this package, and in it a function or a group."""


class LazyGroup(TyperGroup):
    """Knows its commands by name, and imports one when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order in which they are shown."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name."""
        return loaded(cmd_name) if cmd_name in COMMANDS else super().get_command(ctx, cmd_name)


@cache
def loaded(name: str) -> Any:
    """Import a command."""
    module, _, attribute = COMMANDS[name].partition(":")
    found = getattr(import_module(f"sre_copilot.cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name)(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    return command
