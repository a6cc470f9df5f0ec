"""E-mail against a mail server of our own."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.action.notify.email import message_id
from sre_copilot.action.notify.notifier import Attachment
from sre_copilot.action.notify.registry import open_notifier
from sre_copilot.action.notify.service import Service
from sre_copilot.errors import SettingsError
from sre_copilot.testing.notifier_contract import HOSTILE, KEY, SECRET, NotifierContract, a_message
from sre_copilot.testing.receivers import MailLog, Received, ReceiverLog, smtp_receiver

RIGHT = "right"


def made(at: ReceiverLog, **settings: Any) -> Service[Any]:
    assert isinstance(at, MailLog)
    usual = {
        "type": "email",
        "smarthost": at.smarthost,
        "tls": "none",
        "from_address": "sre@sre.example",
        "to": ["a@team.example"],
    }
    return open_notifier({**usual, **settings}, place="test")


class TestEmail(NotifierContract):
    speaks_http = False
    most = 400_000

    def receiver(self) -> AbstractContextManager[ReceiverLog]:
        return smtp_receiver()

    def notifier(self, receiver: ReceiverLog) -> Service[Any]:
        return made(receiver)

    def shown(self, received: Received) -> str:
        assert received.mail is not None
        return f"{received.mail['Subject']}\n{received.mail.get_body(('plain',)).get_content()}"  # type: ignore[union-attr]

    def measured(self, received: Received) -> int:
        return len(self.shown(received))

    def not_ours(self, received: Received) -> str:
        assert received.mail is not None
        shown = str(received.mail.get_body(("html",)).get_content())  # type: ignore[union-attr]
        return shown.replace("](", "")  # a link in Markdown, none in HTML

    def test_the_message_id_is_made_of_the_key_and_updates_stand_in_the_thread(self, at: ReceiverLog) -> None:
        first = self.send(at)
        assert first.reference == message_id(KEY, "sre@sre.example")
        self.send(at, a_message(key="k2", thread=first.reference))
        mail = at.all[1].mail
        assert mail is not None
        assert mail["In-Reply-To"] == mail["References"] == first.reference
        assert mail["X-Sre-Copilot-Key"] == "k2"

    def test_files_go_along_with_their_names_and_types(self, at: ReceiverLog) -> None:
        files = (
            Attachment(name="INC-7.pdf", media="application/pdf", content=b"%PDF-1.7\n\x00"),
            Attachment(name="报告\r\nBcc: x.html", media="text/html; charset=utf-8", content=b"<p>x</p>"),
        )
        assert self.send(at, a_message(attachments=files)).ok
        mail = at.all[0].mail
        assert mail is not None
        found = [(each.get_filename(), each.get_content_type()) for each in mail.iter_attachments()]  # type: ignore[attr-defined]
        assert found == [("INC-7.pdf", "application/pdf"), ("报告 Bcc: x.html", "text/html")]
        assert next(mail.iter_attachments()).get_payload(decode=True) == files[0].content  # type: ignore[attr-defined]
        assert mail["Bcc"] is None

    def test_a_line_break_in_a_title_is_no_header(self, at: ReceiverLog) -> None:
        self.send(at, a_message(title="x\r\nBcc: everybody@evil.example"))
        mail = at.all[0].mail
        assert mail is not None
        assert mail["Bcc"] is None
        assert at.all[0].recipients == ("a@team.example",)

    @pytest.mark.parametrize(("status", "retry"), [(421, True), (451, True), (550, False), (554, False)])
    def test_codes_of_the_mail_server_decide_whether_another_attempt_can_help(
        self, at: ReceiverLog, status: int, retry: bool
    ) -> None:
        at.misbehave("status", status=status)
        found = self.send(at)
        assert (found.ok, found.retry) == (False, retry), found

    def test_html_of_an_alert_is_shown_as_text(self, at: ReceiverLog) -> None:
        self.send(at, a_message(text=HOSTILE))
        assert "&lt;script&gt;" in self.not_ours(at.all[0])


def test_a_login_that_is_refused_is_not_tried_again_and_hides_the_password() -> None:
    with smtp_receiver(login=("sre", RIGHT)) as server:
        assert made(server, auth_username="sre", auth_password=RIGHT).send(a_message(), timeout_s=5).ok
        found = made(server, auth_username="sre", auth_password=SECRET).send(a_message(), timeout_s=5)
    assert (found.ok, found.retry, found.cause) == (False, False, "authError")
    assert SECRET not in repr(found)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    if not shutil.which("openssl"):
        pytest.skip("no openssl command")
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-keyout",
            key,
            "-out",
            pem,
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    return pem, context


@pytest.mark.parametrize("implicit", [False, True])
def test_tls_is_used_and_its_certificate_is_checked(
    certificate: tuple[Path, ssl.SSLContext], implicit: bool
) -> None:
    pem, context = certificate
    tls = "implicit" if implicit else "starttls"
    with smtp_receiver(tls=context, implicit=implicit) as server:
        assert made(server, tls=tls, ca_file=pem).send(a_message(), timeout_s=5).ok
        unknown = made(server, tls=tls).send(a_message(), timeout_s=5)
    assert not unknown.ok
    assert "certificate" in unknown.reason
    assert server.total == 1


def test_starttls_that_the_server_does_not_offer_is_no_reason_to_send_in_clear() -> None:
    with smtp_receiver() as server:
        found = made(server, tls="starttls").send(a_message(), timeout_s=5)
    assert (found.ok, found.retry, found.cause) == (False, False, "configuration")
    assert server.total == 0


def test_the_variable_is_the_default_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_FROM_EMAIL", "alerts@sre.example")
    with smtp_receiver() as server:
        notifier = open_notifier(
            {"type": "email", "smarthost": server.smarthost, "tls": "none", "to": ["a@b.example"]},
            place="test",
        )
        assert notifier.send(a_message(), timeout_s=5).ok
    assert server.all[0].mail is not None
    assert server.all[0].mail["From"] == "alerts@sre.example"


def test_mail_in_clear_to_another_machine_is_refused() -> None:
    with pytest.raises(SettingsError, match="clear"):
        open_notifier(
            {
                "type": "email",
                "smarthost": "mail.example:25",
                "tls": "none",
                "from_address": "a@b.example",
                "to": ["c@d.example"],
            },
            place="test",
        )
