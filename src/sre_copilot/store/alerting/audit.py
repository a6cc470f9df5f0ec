"""The audit of what people and programs asked for beside the commands that the engine carries out, and how it names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from sre_copilot.clock import Clock
from sre_copilot.errors import SreCopilotError
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.tokens import Token

LONGEST_NAME = 150  # characters of a token's name: with its id they fit where the store keeps who it was


def actor(token: Token) -> str:
    """Who asks, by the name and the id of the token: several may have one name."""
    return f"{token.name[:LONGEST_NAME]} (token {token.id})"


def note(
    connection: Connection,
    verb: str,
    *,
    who: str,
    at: float,
    subject: str = "",
    outcome: str = "done",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Note in the same transaction what was done, as the last of it."""
    AuditChain.append(connection, who, verb, subject, outcome, detail, at)


@contextmanager
def noted(
    database: Database, clock: Clock, verb: str, *, who: str, subject: str = "", **arguments: Any
) -> Iterator[dict[str, Any]]:
    """Note what is done within, or that it was not, with the reason where it is one for people; what came of it may be added to the detail."""
    detail: dict[str, Any] = {"arguments": arguments}
    outcome = "refused"
    try:
        yield detail
        outcome = "done"
    except SreCopilotError as error:
        detail["problem"] = str(error)
        raise
    finally:
        with database.write() as connection:
            note(connection, verb, who=who, at=clock.now(), subject=subject, outcome=outcome, detail=detail)
