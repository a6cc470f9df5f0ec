"""`sre-copilot token`: who may use the interface."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.app.storing import open_database
from sre_copilot.cli.account import caller
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import table_console
from sre_copilot.clock import rfc3339
from sre_copilot.settings.loading import load
from sre_copilot.store.tokens import TokenStore
from sre_copilot.telemetry import set_up_logging

app = typer.Typer(help="Make, list and revoke the tokens of the REST interface.", no_args_is_help=True)


class Role(StrEnum):
    """What a token may do; each role may do all that those before it may."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    APPROVER = "approver"
    ADMIN = "admin"


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.", show_default=False)],
    *,
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.VIEWER,
    config: ConfigFile = None,
) -> None:
    """Make a token and print it, once: only its hash is kept."""
    tokens = _tokens(config, changing=True)
    token, plain = tokens.create(name, role=role.value, now=time.time(), by=caller())
    Console(stderr=True).print(f"token {token.id} ({token.role}); it is not shown again:", markup=False)
    typer.echo(plain)


@app.command("list")
def list_tokens(config: ConfigFile = None) -> None:
    """List all tokens: id, name, role, and when they were made, used and revoked."""
    table = Table()
    for column in ("id", "name", "role", "made", "last used", "revoked"):
        table.add_column(column)
    for token in _tokens(config).all():
        moments = (rfc3339(each) or "" for each in (token.created_at, token.used_at, token.revoked_at))
        table.add_row(*map(Text, (token.id, token.name, token.role, *moments)))
    table_console().print(table)


@app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="Id of the token.", show_default=False)],
    config: ConfigFile = None,
) -> None:
    """Make a token worthless."""
    token = _tokens(config, changing=True).revoke(key, now=time.time(), by=caller())
    typer.echo(f"token {token.id} ({token.name}) is revoked")


def _tokens(config: ConfigFile, *, changing: bool = False) -> TokenStore:
    settings = load(config)
    if changing:  # the line of the audit goes where the server's lines go
        set_up_logging(settings.logging, rotating=False)
    return TokenStore(open_database(settings))
