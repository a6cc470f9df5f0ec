"""Bearer tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import cast

from sqlalchemy import RowMapping, insert, select, update

from sre_copilot.errors import UsageError
from sre_copilot.settings.section import Role
from sre_copilot.store.database import Database
from sre_copilot.store.tables import tokens
from sre_copilot.telemetry import audit

PREFIX = "sre_"
NOTED_EVERY_S = 60.0  # the last use is noted once a minute, so that reading is not writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token; the token itself is not."""

    id: str
    name: str
    role: Role
    created_at: float
    revoked_at: float | None
    used_at: float | None


class TokenStore:
    """Makes, lists, revokes and recognises tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, *, role: Role, now: float, by: str = "") -> tuple[Token, str]:
        """Make a token for `by`; the second value is the token itself and is not to be had again."""
        plain = PREFIX + secrets.token_urlsafe(32)
        token = Token(
            id=secrets.token_hex(4), name=name, role=role, created_at=now, revoked_at=None, used_at=None
        )
        values = {"id": token.id, "name": name, "role": role, "created_at": now, "digest": digest(plain)}
        with self._database.begin() as connection:
            connection.execute(insert(tokens).values(values))
        audit("token created", by=by, id=token.id, role=role, name=name)
        return token, plain

    def living(self, key: str) -> Token | None:
        """The token with this id, unless it was revoked."""
        with self._database.begin() as connection:
            query = select(tokens).where(tokens.c.id == key, tokens.c.revoked_at.is_(None))
            row = connection.execute(query).mappings().one_or_none()
        return _token(row) if row is not None else None

    def all(self) -> tuple[Token, ...]:
        """All tokens, the revoked ones too, oldest first."""
        with self._database.begin() as connection:
            rows = connection.execute(select(tokens).order_by(tokens.c.created_at)).mappings().all()
        return tuple(map(_token, rows))

    def revoke(self, key: str, *, now: float, by: str = "") -> Token:
        """Make a token worthless, on behalf of `by`; harmless when it already is.

        Raises
        ------
        UsageError : when there is none with this id
        """
        with self._database.begin() as connection:
            living = update(tokens).where(tokens.c.id == key, tokens.c.revoked_at.is_(None))
            changed = connection.execute(living.values(revoked_at=now)).rowcount
            row = connection.execute(select(tokens).where(tokens.c.id == key)).mappings().one_or_none()
        if row is None:
            raise UsageError(
                f"id: there is no token '{key}'. `sre-copilot token list` shows those there are."
            )
        if changed:
            audit("token revoked", by=by, id=key, role=row["role"], name=row["name"])
        return _token(row)

    def recognise(self, plain: str, *, now: float) -> Token | None:
        """The valid token that this is, or None."""
        with self._database.begin() as connection:
            query = select(tokens).where(tokens.c.digest == digest(plain), tokens.c.revoked_at.is_(None))
            row = connection.execute(query).mappings().one_or_none()
            if row is not None and now - (row["used_at"] or 0.0) >= NOTED_EVERY_S:
                connection.execute(update(tokens).where(tokens.c.id == row["id"]).values(used_at=now))
        return _token(row) if row is not None else None


def digest(plain: str) -> str:
    """The hash that is kept: a token has 256 random bits, so that a plain hash cannot be reversed by guessing."""
    return hashlib.sha256(plain.encode()).hexdigest()


def _token(row: RowMapping) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        role=cast("Role", row["role"]),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        used_at=row["used_at"],
    )
