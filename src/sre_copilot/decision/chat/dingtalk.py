"""DingTalk: what is said to an app robot, signed over the time alone.

The signature does not cover the body: whoever reads one could send another body with it for an hour. So a signature that has brought one message brings no other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from sre_copilot.decision.chat.request import (
    LONGEST_TEXT,
    Answer,
    Handshake,
    Heard,
    Request,
    Sealing,
    Unreadable,
    Unverified,
    document,
    same,
    stamp,
    text_at,
)
from sre_copilot.settings.acting.approval_chat import DingTalkChat

TOLERANCE_S = 3600.0  # as DingTalk demands
SIGNATURE, TIMESTAMP = "sign", "timestamp"


class DingTalk:
    """One app robot."""

    def __init__(self, settings: DingTalkChat) -> None:
        self._secret = settings.app_secret.get_secret_value()

    def read(self, request: Request) -> Heard | Handshake | None:
        """What a request brings."""
        try:
            self._verify(request)
        except Unverified as refused:
            raise Unverified(str(refused), field=refused.field, claimed=_claimed(request)) from None
        return _heard(document(request.body), request.headers.get(SIGNATURE, ""))

    def answer(self, text: str, heard: Heard | None, sealing: Sealing) -> Answer:
        """Answers go to the address of the conversation."""
        return Answer(body=b"{}")

    def _verify(self, request: Request) -> None:
        moment, given = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, "")
        if not given:
            raise Unverified(f"{SIGNATURE}: is missing; only DingTalk may ask here", field=SIGNATURE)
        stamp(moment, now=request.now, tolerance_s=TOLERANCE_S, field=TIMESTAMP, unit=1000)
        made = hmac.new(self._secret.encode(), f"{moment}\n{self._secret}".encode(), hashlib.sha256).digest()
        if not same(given, base64.b64encode(made).decode()):
            raise Unverified(f"{SIGNATURE}: does not fit the time and the secret of the app", field=SIGNATURE)


def _claimed(request: Request) -> Heard | None:
    """What an unsigned request says, for the audit alone."""
    try:
        return _heard(document(request.body), "")
    except Unreadable:
        return None


def _heard(found: Mapping[str, Any], signature: str) -> Heard:
    """What was said; a picture says nothing, but uses its signature up like a text."""
    if "encrypt" in found:
        said = "encrypt: sealed messages of DingTalk are not read; switch the encryption of messages off in the app"
        raise Unreadable(said, field="encrypt")
    message = text_at(found, "msgId")
    if not message:
        raise Unreadable("msgId: is missing", field="msgId")
    written = text_at(found, "msgtype") == "text"
    return Heard(
        sender=text_at(found, "senderStaffId"),  # only of people of the own company: who has none is nobody's
        text=text_at(found, "text", "content", longest=LONGEST_TEXT) if written else "",
        event=f"message/{message}",
        signature=signature,
        back="address",
        where=text_at(found, "sessionWebhook", longest=1000),
    )
