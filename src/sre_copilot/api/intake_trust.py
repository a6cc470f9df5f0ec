"""Who may send alerts: a sender with the word or the signature of the way in, or the token of a responder."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from sre_copilot.api.guard import service_of
from sre_copilot.api.problems import Problem
from sre_copilot.settings.alerting.intake import Entry, Signature
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import at_least
from sre_copilot.store.tokens import Token, digest

ROLE = "responder"
KNOWN_FOR_S = 5.0  # so long a token that was recognised is not looked up again: a revoked one may still send for as long
MOST_KNOWN = 256
Credential = tuple[str, str]


class Known:
    """Tokens that were recognised a moment ago, so that each alert does not cost a look into the store."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[Token, float]] = {}

    async def token(self, request: Request, plain: str) -> Token | None:
        """The token that this is, or None."""
        service = service_of(request)
        now, key = service.clock.now(), digest(plain)
        found = self._tokens.get(key)
        if found is not None and 0.0 <= now - found[1] < KNOWN_FOR_S:
            return found[0]
        token = await run_in_threadpool(service.tokens.recognise, plain, now=now)
        self._tokens.pop(key, None)
        if token is not None:
            if len(self._tokens) >= MOST_KNOWN:
                self._tokens.clear()
            self._tokens[key] = token, now
        return token


def credential(request: Request) -> Credential:
    """User and word that a request gives: as a bearer token, an API key, or by basic authentication; '' where there is none."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return "", given.strip()
    if scheme.lower() == "basic":
        return _basic(given.strip())
    return "", request.headers.get("x-api-key", "")


def fits(entry: Entry, given: Credential) -> bool:
    """Whether a credential is that of a way in."""
    user, word = given
    if entry.token is None or (entry.username and user and not _same(user, entry.username)):
        return False
    return _same_secret(word, entry.token)


async def admit_token(request: Request, known: Known, plain: str) -> Token:
    """The token of a responder or above.

    Raises
    ------
    Problem : 401 for one that is not known, 403 for one that may not
    """
    token = await known.token(request, plain)
    if token is None:
        raise unknown_sender()
    if not at_least(token.role, "responder"):
        raise Problem(403, f"this needs the role {ROLE}; the token '{token.name}' has the role {token.role}")
    request.state.token = token
    return token


def unknown_sender() -> Problem:
    """The answer to who is not known."""
    return Problem(
        401,
        "who sends is not known: give the word or the signature of this way in (alerting.intake.entries), "
        f"or Authorization: Bearer TOKEN with the role {ROLE}",
        headers={"WWW-Authenticate": "Bearer"},
    )


def check_signature(signature: Signature, headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Hold a body against the signature that was sent with it.

    Raises
    ------
    Problem : 401, naming the header
    """
    given = headers.get(signature.header.lower(), "")
    stamp = _stamp(signature, headers, now)
    signed = (stamp + signature.separator).encode() + body if signature.timestamp_header else body
    key = signature.secret.get_secret_value().encode()
    made = hmac.new(key, signed, getattr(hashlib, signature.algorithm)).digest()
    text = made.hex() if signature.encoding == "hex" else base64.b64encode(made).decode()
    if not _same(given, signature.prefix + text):
        raise Problem(
            401, f"{signature.header}: does not fit the body and the secret", field=signature.header
        )


def _stamp(signature: Signature, headers: Mapping[str, str], now: float) -> str:
    """The time of sending, which must be about now."""
    if not signature.timestamp_header:
        return ""
    stamp = headers.get(signature.timestamp_header.lower(), "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise Problem(
            401,
            f"{signature.timestamp_header}: must hold the epoch seconds of sending",
            field=signature.timestamp_header,
        )
    if abs(now - int(stamp)) > signature.tolerance_seconds:
        raise Problem(
            401,
            f"{signature.timestamp_header}: lies more than {signature.tolerance_seconds:g} s from now; "
            "sign anew, and see whether both clocks are right",
            field=signature.timestamp_header,
        )
    return stamp


def _basic(given: str) -> Credential:
    try:
        user, _, word = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, word


def _same_secret(given: str, secret: Secret) -> bool:
    return bool(given) and _same(given, secret.get_secret_value())


def _same(given: str, wanted: str) -> bool:
    """Compare in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))
