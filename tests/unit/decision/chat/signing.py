"""Requests as the platforms send them, signed and sealed by what their documentation says, with nothing of the product."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105 - nobody's
FEISHU_TOKEN = "a-verification-token-of-an-app"  # noqa: S105 - nobody's
FEISHU_KEY = "test key"
DINGTALK_SECRET = "a-secret-of-an-app-robot"  # noqa: S105 - nobody's
WECOM_TOKEN = "QDG6eK"  # noqa: S105 - nobody's
WECOM_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
WECOM_COMPANY = "wx5823bf96d3bd56c7"
CHAT: dict[str, Any] = {
    "slack": {"signing_secret": SLACK_SECRET},
    "feishu": {"verification_token": FEISHU_TOKEN, "encrypt_key": FEISHU_KEY},
    "dingtalk": {"app_secret": DINGTALK_SECRET},
    "wecom": {"token": WECOM_TOKEN, "encoding_aes_key": WECOM_KEY, "corp_id": WECOM_COMPANY},
}


def slack_headers(body: bytes, *, at: float, secret: str = SLACK_SECRET) -> dict[str, str]:
    base = b"v0:" + str(int(at)).encode() + b":" + body
    made = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": str(int(at)), "x-slack-signature": f"v0={made}"}


def slack_message(text: str, *, user: str = "U1", ts: str = "1770388222.000100", **event: Any) -> bytes:
    told = {"type": "message", "channel": "C1", "user": user, "text": text, "ts": ts, **event}
    envelope = {"type": "event_callback", "event_id": f"Ev{ts}", "team_id": "T1", "event": told}
    return json.dumps(envelope).encode()


def slack_button(
    verdict: str, plan: str, *, user: str = "U1", reason: str = "", trigger: str = "1.2.a", url: str = ""
) -> bytes:
    field = {
        "sre_copilot_reason": {"sre_copilot_reason": {"type": "plain_text_input", "value": reason or None}}
    }
    payload = {
        "type": "block_actions",
        "user": {"id": user, "team_id": "T1"},
        "trigger_id": trigger,
        "response_url": url,
        "state": {"values": field},
        "actions": [{"type": "button", "action_id": f"sre_copilot_{verdict}", "value": plan}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def slack_command(text: str, *, user: str = "U1", trigger: str = "1.2.c") -> bytes:
    fields = {"command": "/plan", "text": text, "user_id": user, "team_id": "T1", "trigger_id": trigger}
    return urlencode(fields).encode()


def _aes(key: bytes, start: bytes, plain: bytes, block: int) -> bytes:
    fill = block - len(plain) % block
    writing = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    return writing.update(plain + bytes([fill]) * fill) + writing.finalize()


def _opened(key: bytes, start: bytes, sealed: bytes) -> bytes:
    reading = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    plain = reading.update(sealed) + reading.finalize()
    return plain[: -plain[-1]]


def feishu_sealed(document: Any, *, key: str = FEISHU_KEY) -> bytes:
    start = bytes(range(16))
    made = _aes(hashlib.sha256(key.encode()).digest(), start, json.dumps(document).encode(), 16)
    return json.dumps({"encrypt": base64.b64encode(start + made).decode()}).encode()


def feishu_headers(body: bytes, *, at: float, key: str = FEISHU_KEY) -> dict[str, str]:
    moment, nonce = str(int(at)), "a-nonce"
    made = hashlib.sha256((moment + nonce + key).encode() + body).hexdigest()
    return {
        "x-lark-request-timestamp": moment,
        "x-lark-request-nonce": nonce,
        "x-lark-signature": made,
    }


def _feishu(kind: str, event: Any, *, at: float, number: str, unit: int, token: str) -> dict[str, Any]:
    header = {"event_id": number, "event_type": kind, "token": token, "create_time": str(int(at * unit))}
    return {"schema": "2.0", "header": header, "event": event}


def feishu_message(
    text: str,
    *,
    at: float,
    user: str = "ou_1",
    number: str = "e1",
    token: str = FEISHU_TOKEN,
    chat: str = "p2p",
) -> dict[str, Any]:
    message = {
        "message_id": "om_1",
        "chat_type": chat,
        "message_type": "text",
        "content": json.dumps({"text": text}),
    }
    event = {"sender": {"sender_id": {"open_id": user}, "sender_type": "user"}, "message": message}
    return _feishu("im.message.receive_v1", event, at=at, number=number, unit=1000, token=token)


def feishu_button(
    verdict: str, plan: str, *, at: float, user: str = "ou_1", number: str = "e1", reason: str = ""
) -> dict[str, Any]:
    action = {"tag": "button", "value": {"decision": verdict, "plan": plan}, "form_value": {"reason": reason}}
    event = {"operator": {"open_id": user}, "action": action, "context": {"open_message_id": "om_1"}}
    return _feishu("card.action.trigger", event, at=at, number=number, unit=1_000_000, token=FEISHU_TOKEN)


def dingtalk_headers(*, at: float, secret: str = DINGTALK_SECRET) -> dict[str, str]:
    moment = str(int(at * 1000))
    made = hmac.new(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256).digest()
    return {"timestamp": moment, "sign": base64.b64encode(made).decode()}


def dingtalk_message(text: str, *, user: str = "staff1", number: str = "msg1", **more: Any) -> bytes:
    told = {"msgtype": "text", "text": {"content": f" {text}"}, "msgId": number, "senderStaffId": user}
    return json.dumps({**told, **more}).encode()


def wecom_signature(moment: str, nonce: str, sealed: str) -> str:
    return hashlib.sha1("".join(sorted((WECOM_TOKEN, moment, nonce, sealed))).encode()).hexdigest()  # noqa: S324 - what WeCom signs with


def wecom_sealed(message: bytes, *, company: str = WECOM_COMPANY) -> str:
    key = base64.b64decode(WECOM_KEY + "=")
    whole = b"0123456789abcdef" + len(message).to_bytes(4, "big") + message + company.encode()
    return base64.b64encode(_aes(key, key[:16], whole, 32)).decode()


def wecom_opened(sealed: str) -> bytes:
    key = base64.b64decode(WECOM_KEY + "=")
    plain = _opened(key, key[:16], base64.b64decode(sealed))
    length = int.from_bytes(plain[16:20], "big")
    assert plain[20 + length :] == WECOM_COMPANY.encode()
    return plain[20 : 20 + length]


def wecom_message(text: str, *, user: str = "wang", number: str = "1") -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[{WECOM_COMPANY}]]></ToUserName><FromUserName><![CDATA[{user}]]></FromUserName>"
        f"<CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content>"
        f"<MsgId>{number}</MsgId><AgentID>218</AgentID></xml>"
    ).encode()


def wecom_request(message: bytes, *, at: float, company: str = WECOM_COMPANY) -> tuple[bytes, dict[str, str]]:
    sealed, moment = wecom_sealed(message, company=company), str(int(at))
    body = (
        f"<xml><ToUserName>{WECOM_COMPANY}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()
    )
    query = {"msg_signature": wecom_signature(moment, "n", sealed), "timestamp": moment, "nonce": "n"}
    return body, query
