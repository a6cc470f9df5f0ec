"""WeCom: messages to an app, sealed, and signed over token, time, nonce and what is sealed; answered in the same way."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from markupsafe import escape

from sre_copilot.decision.chat.cipher import NotSealed, decoded, opened, sealed
from sre_copilot.decision.chat.request import (
    LONGEST_TEXT,
    Answer,
    Handshake,
    Heard,
    Request,
    Sealing,
    Unreadable,
    Unverified,
    same,
    stamp,
    text_at,
)
from sre_copilot.settings.acting.approval_chat import WeComChat

TOLERANCE_S = 300.0  # it repeats within seconds what was not taken; five minutes for clocks that go wrong
BLOCK = 32  # bytes that padding fills up to
SALT, LENGTH = 16, 4  # bytes before the message: by chance, and its length
LONGEST_BYTES = 2048  # of the text of an answer
MEDIA = "application/xml"


class WeCom:
    """One app."""

    def __init__(self, settings: WeComChat) -> None:
        self._token = settings.token.get_secret_value()
        self._key = base64.b64decode(settings.encoding_aes_key.get_secret_value() + "=")
        self._company = settings.corp_id

    def read(self, request: Request) -> Heard | Handshake | None:
        """What a request brings; one with `echostr` asks whether the address is ours."""
        echo = request.query.get("echostr", "")
        text = echo or _element(request.body, "Encrypt", longest=len(request.body))
        self._verify(request, text)
        plain = self._opened(text)
        if echo and not plain.isdigit():  # else whoever has a message that was sealed could read it here
            raise Unverified("echostr: holds no number, as WeCom's question does", field="echostr")
        if echo:
            return Handshake(answer=plain, media="text/plain")
        return _heard(plain, request.query.get("msg_signature", ""))

    def answer(self, text: str, heard: Heard | None, sealing: Sealing) -> Answer:
        """A sealed text; nothing where there is nothing to say."""
        if not text or heard is None:
            return Answer(media=MEDIA)
        said = text.encode()[:LONGEST_BYTES].decode("utf-8", "ignore")
        message = (
            f"<xml><ToUserName>{escape(heard.sender)}</ToUserName><FromUserName>{escape(self._company)}</FromUserName>"
            f"<CreateTime>{int(sealing.now)}</CreateTime><MsgType>text</MsgType><Content>{escape(said)}</Content></xml>"
        ).encode()
        return Answer(body=self._sealed(message, sealing), media=MEDIA)

    def _verify(self, request: Request, text: str) -> None:
        given, moment, nonce = (
            request.query.get(name, "") for name in ("msg_signature", "timestamp", "nonce")
        )
        if not (given and text):
            raise Unverified("msg_signature: is missing; only WeCom may ask here", field="msg_signature")
        stamp(moment, now=request.now, tolerance_s=TOLERANCE_S, field="timestamp")
        if not same(given, self._signature(moment, nonce, text)):
            said = "msg_signature: does not fit what was sent and the token of the app"
            raise Unverified(said, field="msg_signature")

    def _signature(self, moment: str, nonce: str, text: str) -> str:
        parts = "".join(sorted((self._token, moment, nonce, text)))
        return hashlib.sha1(parts.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()

    def _opened(self, text: str) -> bytes:
        """The message within; what was sealed for another company is refused."""
        try:
            plain = opened(decoded(text), key=self._key, start=self._key[:16], block=BLOCK)
        except NotSealed:
            raise Unverified("Encrypt: was not sealed with the key of the app", field="Encrypt") from None
        if len(plain) < SALT + LENGTH:
            raise Unreadable("Encrypt: is too short", field="Encrypt")
        (length,) = struct.unpack(">I", plain[SALT : SALT + LENGTH])
        rest = plain[SALT + LENGTH :]
        if not same(rest[length:].decode("utf-8", "replace"), self._company):
            raise Unverified("Encrypt: was sealed for another company", field="Encrypt")
        return rest[:length]

    def _sealed(self, message: bytes, sealing: Sealing) -> bytes:
        whole = (
            sealing.salt[:SALT].ljust(SALT, b"0")
            + struct.pack(">I", len(message))
            + message
            + self._company.encode()
        )
        text = base64.b64encode(sealed(whole, key=self._key, start=self._key[:16], block=BLOCK)).decode()
        moment, nonce = str(int(sealing.now)), sealing.salt.hex()[:16]
        signature = self._signature(moment, nonce, text)
        return (
            f"<xml><Encrypt>{text}</Encrypt><MsgSignature>{signature}</MsgSignature>"
            f"<TimeStamp>{moment}</TimeStamp><Nonce>{nonce}</Nonce></xml>"
        ).encode()


def _heard(plain: bytes, signature: str) -> Heard | None:
    found = _elements(plain)
    if found.get("MsgType") != "text":
        return None
    message = text_at(found, "MsgId")
    if not message:
        raise Unreadable("MsgId: is missing", field="MsgId")
    return Heard(
        sender=text_at(found, "FromUserName"),
        text=text_at(found, "Content", longest=LONGEST_TEXT),
        event=f"message/{message}",
        signature=signature,
    )


def _element(body: bytes, name: str, *, longest: int) -> str:
    return text_at(_elements(body), name, longest=longest)


def _elements(body: bytes) -> Mapping[str, str]:
    """The elements of a document, by name.

    Raises
    ------
    Unreadable : when it is no XML, or would load or expand what it names
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(f"body: is no XML as WeCom sends it ({type(error).__name__})") from None
    return {each.tag: each.text or "" for each in root}
