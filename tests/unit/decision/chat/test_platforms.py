"""What each chat platform sends, held to the examples of its own documentation and to an independent signer."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from tests.unit.decision.chat import signing

from sre_copilot.decision.chat.cipher import decoded, opened
from sre_copilot.decision.chat.platforms import platforms
from sre_copilot.decision.chat.request import (
    Handshake,
    Heard,
    Platform,
    Request,
    Sealing,
    Unreadable,
    Unverified,
)
from sre_copilot.settings.acting.approval_chat import ApprovalChat

NOW = 1_770_388_222.0
PLAN = "PLAN-20260206143022"
OTHER = "what-somebody-else-would-sign-with"
SEALING = Sealing(now=NOW, salt=b"0123456789abcdef")


def platform(name: str, **changes: Any) -> Platform:
    keys = {**signing.CHAT[name], **changes}
    return platforms(ApprovalChat.model_validate({name: keys}))[name]


def asked(
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    *,
    now: float = NOW,
) -> Request:
    return Request(headers=headers or {}, query=query or {}, body=body, now=now)


def slack(body: bytes, **changes: Any) -> Heard | Handshake | None:
    return platform("slack", **changes).read(asked(body, signing.slack_headers(body, at=NOW)))


def feishu(document: Any) -> Heard | Handshake | None:
    body = signing.feishu_sealed(document)
    return platform("feishu").read(asked(body, signing.feishu_headers(body, at=NOW)))


def heard(found: Heard | Handshake | None) -> Heard:
    assert isinstance(found, Heard), found
    return found


# -- Slack --------------------------------------------------------------------------------------------------------

DOCUMENTED = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
DOCUMENTED_HEADERS = {
    "x-slack-request-timestamp": "1531420618",
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


def test_the_request_that_slack_documents_is_slacks_and_one_changed_byte_makes_it_nobodys() -> None:
    there = platform("slack")
    found = heard(there.read(asked(DOCUMENTED, DOCUMENTED_HEADERS, now=1_531_420_700)))
    assert (found.sender, found.text, found.back) == ("U2CERLKJA", "", "body")
    for wrong in (
        asked(DOCUMENTED + b"x", DOCUMENTED_HEADERS, now=1_531_420_700),
        asked(DOCUMENTED, DOCUMENTED_HEADERS, now=1_531_420_618 + 301),
        asked(DOCUMENTED, DOCUMENTED_HEADERS, now=1_531_420_618 - 301),
        asked(DOCUMENTED, {**DOCUMENTED_HEADERS, "x-slack-request-timestamp": "soon"}, now=1_531_420_700),
        asked(DOCUMENTED, {"x-slack-request-timestamp": "1531420618"}, now=1_531_420_700),
        asked(DOCUMENTED, signing.slack_headers(DOCUMENTED, at=NOW, secret=OTHER), now=NOW),
    ):
        with pytest.raises(Unverified):
            there.read(wrong)


def test_slack_asks_whether_the_address_is_ours() -> None:
    found = slack(json.dumps({"type": "url_verification", "challenge": "3eZb", "token": "x"}).encode())
    assert isinstance(found, Handshake)
    assert json.loads(found.answer) == {"challenge": "3eZb"}


def test_what_a_person_writes_is_heard_and_edits_bots_and_other_events_are_not() -> None:
    found = heard(slack(signing.slack_message(f"REJECT {PLAN} a &lt; b &amp; c")))
    assert (found.sender, found.text, found.direct) == ("U1", f"REJECT {PLAN} a < b & c", False)
    assert (found.back, found.where, found.thread) == ("message", "C1", "1770388222.000100")
    assert heard(slack(signing.slack_message("hi", type="app_mention"))).direct
    assert heard(slack(signing.slack_message("hi", channel_type="im"))).direct
    assert (
        heard(slack(signing.slack_message("hi", type="app_mention"))).event
        == heard(slack(signing.slack_message("hi"))).event
    )
    for other in (
        {"bot_id": "B1"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"edited": {"user": "U1", "ts": "2"}},
        {"type": "reaction_added"},
    ):
        assert slack(signing.slack_message(f"APPROVE {PLAN}", **other)) is None, other
    assert slack(b'{"type": "app_rate_limited"}') is None
    assert slack(b"ssl_check=1&token=x") is None


def test_a_button_is_the_decision_that_it_says_with_the_reason_beside_it() -> None:
    url = "https://hooks.slack.com/actions/T1/1/a"
    found = heard(slack(signing.slack_button("approve", PLAN, reason="looks right", url=url)))
    assert (found.text, found.sender, found.where, found.back) == (f"APPROVE {PLAN}", "U1", url, "address")
    assert (
        heard(slack(signing.slack_button("reject", PLAN, reason="the sale is on"))).text
        == f"REJECT {PLAN} the sale is on"
    )
    assert heard(slack(signing.slack_button("reject", PLAN))).text == f"REJECT {PLAN}"
    assert slack(signing.slack_button("other", PLAN)) is None
    with pytest.raises(Unreadable, match="no id of a plan"):
        slack(signing.slack_button("approve", f"{PLAN} or so"))


def test_where_a_workspace_is_named_its_members_alone_are_somebody() -> None:
    body = signing.slack_message(f"APPROVE {PLAN}", user_team="T2")
    assert heard(slack(body, workspace="T1")).sender == ""
    assert heard(slack(body, workspace="T2")).sender == "U1"
    assert heard(slack(signing.slack_command("x"), workspace="T2")).sender == ""


def test_an_unsigned_request_is_read_for_the_audit_alone() -> None:
    with pytest.raises(Unverified) as refused:
        platform("slack").read(asked(signing.slack_message(f"APPROVE {PLAN}")))
    assert refused.value.claimed is not None
    assert refused.value.claimed.text == f"APPROVE {PLAN}"


# -- Feishu -------------------------------------------------------------------------------------------------------


def test_what_feishu_documents_is_opened() -> None:
    sealed = decoded("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=")
    key = hashlib.sha256(b"test key").digest()
    assert opened(sealed[16:], key=key, start=sealed[:16], block=16) == b"hello world"


def test_feishu_asks_whether_the_address_is_ours_sealed_and_without_a_signature() -> None:
    question = {"challenge": "1b6aef1a", "token": signing.FEISHU_TOKEN, "type": "url_verification"}
    there = platform("feishu")
    found = there.read(asked(signing.feishu_sealed(question)))
    assert isinstance(found, Handshake)
    assert json.loads(found.answer) == {"challenge": "1b6aef1a"}
    plain = json.dumps(question).encode()
    with pytest.raises(Unverified):
        there.read(asked(signing.feishu_sealed(question), signing.feishu_headers(b"another", at=NOW)))
    with pytest.raises(Unverified):
        there.read(asked(plain))
    with pytest.raises(Unverified):
        there.read(asked(signing.feishu_sealed({**question, "token": "another"})))
    assert isinstance(platform("feishu", encrypt_key=None).read(asked(plain)), Handshake)


def test_a_signed_message_and_a_signed_button_of_feishu_are_heard() -> None:
    found = heard(feishu(signing.feishu_message(f"@_user_1 APPROVE {PLAN}", at=NOW)))
    assert (found.sender, found.text, found.back, found.where) == (
        "ou_1",
        f"@_user_1 APPROVE {PLAN}",
        "message",
        "om_1",
    )
    pressed = heard(feishu(signing.feishu_button("reject", PLAN, at=NOW, reason="not now")))
    assert (pressed.text, pressed.sender) == (f"REJECT {PLAN} not now", "ou_1")
    toast = json.loads(platform("feishu").answer("done", pressed, SEALING).body)
    assert toast == {"toast": {"type": "info", "content": "done"}}


def test_feishu_without_its_signature_its_token_or_its_time_is_nobody() -> None:
    there, message = platform("feishu"), signing.feishu_message(f"APPROVE {PLAN}", at=NOW)
    body = signing.feishu_sealed(message)
    headers = signing.feishu_headers(body, at=NOW)
    strange = signing.feishu_sealed(signing.feishu_message("x", at=NOW, token=OTHER))
    old = signing.feishu_sealed(signing.feishu_message("x", at=NOW - 3700))
    for wrong in (
        asked(body),
        asked(body + b" ", headers),
        asked(body, signing.feishu_headers(body, at=NOW, key="another key")),
        asked(body, {**headers, "x-lark-request-nonce": "another"}),
        asked(strange, signing.feishu_headers(strange, at=NOW)),
        asked(old, signing.feishu_headers(old, at=NOW)),
        asked(json.dumps(message).encode(), headers),
    ):
        with pytest.raises(Unverified):
            there.read(wrong)


def test_without_an_encrypt_key_the_token_decides() -> None:
    there = platform("feishu", encrypt_key=None)
    good = json.dumps(signing.feishu_message(f"APPROVE {PLAN}", at=NOW)).encode()
    assert heard(there.read(asked(good))).text == f"APPROVE {PLAN}"
    wrong = json.dumps(signing.feishu_message(f"APPROVE {PLAN}", at=NOW, token=OTHER)).encode()
    with pytest.raises(Unverified) as refused:
        there.read(asked(wrong))
    assert refused.value.claimed is not None


# -- DingTalk -----------------------------------------------------------------------------------------------------


def test_a_message_of_dingtalk_is_heard_for_an_hour_and_only_with_its_signature() -> None:
    there, body = platform("dingtalk"), signing.dingtalk_message(f"APPROVE {PLAN}")
    headers = signing.dingtalk_headers(at=NOW)
    found = heard(there.read(asked(body, headers, now=NOW + 3599)))
    assert (found.sender, found.text.strip()) == ("staff1", f"APPROVE {PLAN}")
    for wrong in (
        asked(body, headers, now=NOW + 3601),
        asked(body, {**headers, "timestamp": str(int(NOW * 1000) + 1)}),
        asked(body, signing.dingtalk_headers(at=NOW, secret=OTHER)),
        asked(body),
    ):
        with pytest.raises(Unverified):
            there.read(wrong)


def test_of_dingtalk_pictures_say_nothing_and_sealed_messages_are_told_to_be_unreadable() -> None:
    there, headers = platform("dingtalk"), signing.dingtalk_headers(at=NOW)
    picture = there.read(asked(b'{"msgtype": "picture", "msgId": "m1", "senderStaffId": "s1"}', headers))
    assert isinstance(picture, Heard)
    assert (picture.text, picture.signature) == ("", headers["sign"])
    with pytest.raises(Unreadable, match="switch the encryption"):
        there.read(asked(b'{"encrypt": "x"}', headers))


# -- WeCom --------------------------------------------------------------------------------------------------------

ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
ECHO_QUERY = {
    "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
    "timestamp": "1409659589",
    "nonce": "263014780",
    "echostr": ECHO,
}


def test_what_wecom_documents_is_opened_and_verified() -> None:
    there = platform("wecom")
    found = there.read(asked(query=ECHO_QUERY, now=1_409_659_589))
    assert isinstance(found, Handshake)
    assert found.answer == b"1616140317555161061"
    for wrong in (
        asked(query={**ECHO_QUERY, "nonce": "1"}, now=1_409_659_589),
        asked(query=ECHO_QUERY, now=1_409_659_589 + 301),
        asked(query={"echostr": ECHO}, now=1_409_659_589),
    ):
        with pytest.raises(Unverified):
            there.read(wrong)


def test_a_message_of_wecom_is_not_read_to_whoever_asks_with_it() -> None:
    body, query = signing.wecom_request(signing.wecom_message("secret"), at=NOW)
    sealed = next(str(each.text) for each in fromstring(body) if each.tag == "Encrypt")
    with pytest.raises(Unverified, match="echostr"):
        platform("wecom").read(asked(query={**query, "echostr": sealed}))


def test_a_message_of_wecom_is_heard_and_answered_sealed() -> None:
    there = platform("wecom")
    body, query = signing.wecom_request(signing.wecom_message(f"APPROVE {PLAN}"), at=NOW)
    found = heard(there.read(asked(body, query=query)))
    assert (found.sender, found.text) == ("wang", f"APPROVE {PLAN}")
    answer = there.answer("批准 <b> & done", found, SEALING)
    parts = {each.tag: each.text for each in fromstring(answer.body)}
    assert parts["MsgSignature"] == signing.wecom_signature(
        parts["TimeStamp"], parts["Nonce"], parts["Encrypt"]
    )
    inner = {each.tag: each.text for each in fromstring(signing.wecom_opened(parts["Encrypt"]))}
    assert (inner["ToUserName"], inner["Content"]) == ("wang", "批准 <b> & done")


def test_what_was_sealed_for_another_company_is_nobodys() -> None:
    body, query = signing.wecom_request(signing.wecom_message("x"), at=NOW, company="ww-other")
    with pytest.raises(Unverified, match="another company"):
        platform("wecom").read(asked(body, query=query))


def test_xml_that_would_expand_or_load_something_is_unreadable() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'
    for body in (bomb, b"<xml>", b"", b"\xff\xfe", b'<?xml version="1.0" encoding="nonsense"?><xml/>'):
        with pytest.raises(Unreadable):
            platform("wecom").read(asked(body))
    inner, query = signing.wecom_request(b"<!DOCTYPE x><xml/>", at=NOW)
    with pytest.raises(Unreadable):
        platform("wecom").read(asked(inner, query=query))


# -- all ----------------------------------------------------------------------------------------------------------


def test_zero_characters_and_endless_texts_go_no_further() -> None:
    found = heard(slack(signing.slack_message("REJECT " + "\0x" * 10_000, user="U\0" + "9" * 500)))
    assert "\0" not in found.text + found.sender
    assert (len(found.text), len(found.sender)) == (4000, 200)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("slack", {"signing_secret": ""}),
        ("slack", {"signing_secret": "short"}),
        ("slack", {"base_url": "http://slack.example.org"}),
        ("feishu", {"encrypt_key": " "}),
        ("feishu", {"app_id": "cli_a"}),
        ("dingtalk", {"app_secret": ""}),
        ("wecom", {"token": ""}),
        ("wecom", {"encoding_aes_key": "short"}),
        ("wecom", {"encoding_aes_key": "?" * 43}),
    ],
)
def test_a_secret_that_protects_nothing_is_refused_and_not_repeated(name: str, keys: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(keys))) as refused:
        ApprovalChat.model_validate({name: {**signing.CHAT[name], **keys}})
    assert signing.CHAT[name].get(next(iter(keys)), "never") not in str(refused.value)


def test_nothing_is_taken_from_a_platform_that_is_not_configured() -> None:
    assert platforms(ApprovalChat()) == {}
    whole = ApprovalChat.model_validate(signing.CHAT)
    assert whole.platforms() == ("slack", "feishu", "dingtalk", "wecom")
    assert "8f742231" not in repr(whole)
