"""Signed links: they say which plan, as it was then, for whom and until when; they decide nothing by themselves."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from sre_copilot.decision.approval.model import Refused, refused

VERSION = "1"
LONGEST = 600  # characters of a signed part


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link says: `group` is whom it was sent to ('': everybody who may), `until` epoch seconds."""

    plan_id: str
    fingerprint: str
    group: str
    until: int


def signed(link: Link, key: bytes) -> str:
    """The part of the address that proves it: `UNTIL.GROUP.SIGNATURE`."""
    group = base64.urlsafe_b64encode(link.group.encode()).decode().rstrip("=")
    return f"{link.until}.{group}.{_signature(link, key)}"


def checked(text: str, key: bytes, *, plan_id: str, fingerprint: str, now: float) -> Link | Refused:
    """The link that an address holds, for the plan as it is now."""
    until, _, rest = text[:LONGEST].partition(".")
    group = rest.partition(".")[0]
    if not until.isascii() or not until.isdecimal() or len(until) > 12:
        return refused("link")
    try:
        named = base64.urlsafe_b64decode(group + "=" * (-len(group) % 4)).decode()
    except (binascii.Error, ValueError):
        return refused("link")
    link = Link(plan_id=plan_id, fingerprint=fingerprint, group=named, until=int(until))
    if not hmac.compare_digest(
        signed(link, key).encode(), text.encode()
    ):  # the whole of it: codes of a name are not unique
        return refused("link")
    return refused("expired", plan=plan_id, since=float(link.until)) if now >= link.until else link


def form_proof(key: bytes, *, session: str, plan_id: str, fingerprint: str) -> str:
    """What the form of a page carries so that no other page can send it: bound to the session, the plan, and the plan as it was shown."""
    return _mac(key, "form", session, plan_id, fingerprint)


def _signature(link: Link, key: bytes) -> str:
    return _mac(key, "link", VERSION, link.plan_id, link.fingerprint, link.group, str(link.until))


def _mac(key: bytes, *parts: str) -> str:
    """Each part with its length before it, so that no two lists of parts are one text."""
    plain = b"".join(len(each.encode()).to_bytes(4, "big") + each.encode() for each in parts)
    return base64.urlsafe_b64encode(hmac.new(key, plain, hashlib.sha256).digest()).decode().rstrip("=")
