"""E-mail over SMTP: one message for each address, its `Message-ID` made of the key, updates in the thread of the first."""

from __future__ import annotations

import hashlib
import html
import os
import re
import smtplib
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sre_copilot.action.exchange import trusted
from sre_copilot.action.notify.notifier import Delivered, Message
from sre_copilot.action.notify.outcomes import failed
from sre_copilot.action.notify.service import Service, address, bot
from sre_copilot.action.notify.settings import NotifierSettings, is_loopback
from sre_copilot.action.notify.text import cut, inert, key_line, line, links, plain
from sre_copilot.settings.alerting.notify import MAIL_FROM
from sre_copilot.settings.secret import Secret
from sre_copilot.telemetry import clean

SUBJECT = 200  # characters: mail programs show fewer
FILE_NAME = 100  # characters
BODY = 100_000  # characters: nobody reads more, and servers take it
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,253}")
_REFERENCE = re.compile(r"<[!-;=?-~]{1,250}>")
_AUTH = {530, 534, 535, 538}


class EmailSettings(NotifierSettings):
    """What e-mail can be told."""

    smarthost: str
    """Mail server, `HOST:PORT`; 587 for STARTTLS, 465 for implicit TLS."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """How the connection is secured; `none` only on the way to this machine, or with allow_plaintext."""
    from_address: str = Field(default_factory=lambda: os.environ.get(MAIL_FROM, ""))
    """Sender; default: the variable `ALERT_FROM_EMAIL`."""
    to: list[str] = Field(default_factory=list)
    """Addresses; each gets a message of its own."""
    to_people: bool = False
    """Also tell everybody who is on call, by the address `email` of the person."""
    auth_username: str = ""
    """User of the mail server."""
    auth_password: Secret | None = None
    """Password of the mail server."""
    ca_file: Path | None = None
    """Certificates to trust besides the system's own, PEM."""
    allow_plaintext: bool = False
    """Send in clear to another machine; off, for everyone between could read it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        host, _, port = self.smarthost.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("smarthost: is no HOST:PORT")
        if self.tls == "none" and not (self.allow_plaintext or is_loopback(host.strip("[]"))):
            raise ValueError(
                "tls: messages would travel in clear; use starttls, or set allow_plaintext: true"
            )
        if not self.from_address:
            raise ValueError(f"from_address: is missing; give it, or set {MAIL_FROM}")
        if not (self.to or self.to_people):
            raise ValueError("to: is empty; give addresses, or set to_people: true")
        if not all(_ADDRESS.fullmatch(each) for each in [self.from_address, *self.to]):
            raise ValueError("from_address and to: hold what is no address")
        if bool(self.auth_username) != bool(self.auth_password):
            raise ValueError("auth_username and auth_password: each needs the other")
        return self


class EmailNotifier(Service[EmailSettings]):
    """One mail server."""

    Settings = EmailSettings
    attaches = True

    def __init__(self, settings: EmailSettings) -> None:
        self.settings = settings
        self.addressees = tuple(settings.to)
        self.bot = bot("email", settings.smarthost, settings.auth_username)
        self._host, _, port = settings.smarthost.rpartition(":")
        self._host, self._port = self._host.strip("[]"), int(port)
        self._tls = trusted(settings.ca_file)

    def address_of(self, person: Mapping[str, Any]) -> str | None:
        """Their e-mail address."""
        if not self.settings.to_people:
            return None
        found = address(person, "email")
        return found if _ADDRESS.fullmatch(found) else ""

    def send(self, message: Message, *, timeout_s: float) -> Delivered:
        """Send one message; the reference is its `Message-ID`."""
        recipient = message.to or (self.addressees[0] if self.addressees else "")
        mail = compose(message, sender=self.settings.from_address, recipient=recipient)
        with _translated(self._hidden, timeout_s) as problem:
            self._hand_over(mail, recipient, timeout_s)
        return problem[0] if problem else Delivered(ok=True, reference=str(mail["Message-ID"]))

    def _hand_over(self, mail: EmailMessage, recipient: str, timeout_s: float) -> None:
        client = (
            _Client(timeout_s) if self.settings.tls != "implicit" else _SecureClient(timeout_s, self._tls)
        )
        try:
            client.reach(self._host, self._port)
            if self.settings.tls == "starttls":
                client.starttls(context=self._tls)
            if self.settings.auth_password:
                client.login(self.settings.auth_username, self.settings.auth_password.get_secret_value())
            client.send_message(mail, self.settings.from_address, [recipient])
            with suppress(smtplib.SMTPException, OSError):
                client.quit()  # it is delivered whatever comes of this
        finally:
            client.close()

    def _hidden(self, text: str) -> str:
        secret = self.settings.auth_password.get_secret_value() if self.settings.auth_password else ""
        return clean(text.replace(secret, "***") if secret else text)[:300]


class _Deadline:
    """All answers together take no longer than one time-out."""

    sock: Any
    connect: Any
    _until: float
    _host: str

    def reach(self, host: str, port: int) -> None:
        """Connect; its certificate must be for this name."""
        self._host = host
        self.connect(host, port)

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer within the time that is left."""
        if self.sock:
            self.sock.settimeout(max(0.01, self._until - time.monotonic()))
        found: tuple[int, bytes] = super().getreply()  # type: ignore[misc]
        return found


class _Client(_Deadline, smtplib.SMTP):
    def __init__(self, timeout_s: float) -> None:
        self._until = time.monotonic() + timeout_s
        super().__init__(timeout=timeout_s, local_hostname="sre-copilot.local")


class _SecureClient(_Deadline, smtplib.SMTP_SSL):
    def __init__(self, timeout_s: float, context: ssl.SSLContext) -> None:
        self._until = time.monotonic() + timeout_s
        super().__init__(timeout=timeout_s, local_hostname="sre-copilot.local", context=context)


def message_id(key: str, sender: str) -> str:
    """The `Message-ID` of a key: the same however often it is sent."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"


def compose(message: Message, *, sender: str, recipient: str) -> EmailMessage:
    """The message as text and as HTML."""
    mail = EmailMessage()
    mail["Subject"] = cut(line(message.title), limit=SUBJECT, language=message.language)
    mail["From"], mail["To"] = sender, recipient
    mail["Message-ID"] = message_id(message.key, sender)
    mail["Date"] = formatdate()
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Sre-Copilot-Key"] = (
        message.key if message.key.isascii() else message.key.encode("unicode_escape").decode()
    )
    if _REFERENCE.fullmatch(message.thread):
        mail["In-Reply-To"] = mail["References"] = message.thread
    mail.set_content(plain(message, limit=BODY, title=False))
    mail.add_alternative(_html(message), subtype="html")
    for each in message.attachments:
        main, _, sub = each.media.partition(";")[0].strip().partition("/")
        name = cut(line(each.name), limit=FILE_NAME)
        mail.add_attachment(each.content, maintype=main, subtype=sub or "octet-stream", filename=name)
    return mail


def _html(message: Message) -> str:
    rows = "".join(
        f"<tr><th align=left>{html.escape(line(name))}</th><td>{html.escape(line(value))}</td></tr>"
        for name, value in message.fields
    )
    text = html.escape(cut(inert(message.text), limit=BODY // 2, language=message.language))
    ours = "".join(
        f'<p><a href="{html.escape(url)}">{html.escape(label)}</a></p>' for url, label in links(message)
    )
    return (
        f"<!doctype html><html><body><h3>{html.escape(line(message.title))}</h3><table>{rows}</table>"
        f'<div style="white-space:pre-wrap">{text}</div>{ours}<p><small>{html.escape(key_line(message))}</small></p></body></html>'
    )


@contextmanager
def _translated(hidden: Any, timeout_s: float) -> Iterator[list[Delivered]]:
    """Turn what smtplib raises into an outcome."""
    problem: list[Delivered] = []
    try:
        yield problem
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        problem.append(_by_code(code, hidden(_text(said))))
    except smtplib.SMTPResponseException as error:
        problem.append(_by_code(error.smtp_code, hidden(_text(error.smtp_error))))
    except smtplib.SMTPNotSupportedError as error:
        problem.append(
            failed(
                f"the mail server cannot do this: {hidden(str(error))}", retry=False, cause="configuration"
            )
        )
    except TimeoutError:
        problem.append(failed(f"no answer within {timeout_s:g} s", retry=True, cause="timeout"))
    except ssl.SSLCertVerificationError as error:
        problem.append(
            failed(f"its certificate is not trusted: {hidden(str(error))}", retry=True, cause="connection")
        )
    except (smtplib.SMTPException, OSError) as error:
        problem.append(
            failed(
                f"no connection: {hidden(str(error)) or type(error).__name__}", retry=True, cause="connection"
            )
        )


def _by_code(code: int, said: str) -> Delivered:
    """4yz may pass later, 5yz does not."""
    words = f"answered {code}: {said}"
    if code in _AUTH:
        return failed(words, retry=False, cause="authError")
    if 400 <= code < 500:
        return failed(
            words, retry=True, cause="rateLimited" if code in (421, 450, 451, 452) else "serverError"
        )
    return failed(words, retry=False, cause="clientError")


def _text(said: bytes | str) -> str:
    return " ".join((said.decode("utf-8", "replace") if isinstance(said, bytes) else said).split())
