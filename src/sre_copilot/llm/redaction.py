"""Secrets and personal data in a text: what they look like, and what stands for them outside.

A secret is taken out and never comes back: `[secret jwt 1]`. Personal data get a pseudonym of this investigation, `EMAIL_qzt_1`,
which keeps one person apart from another, and is exchanged for the original again in what the model answers.
"""

from __future__ import annotations

import math
import re
import secrets
import string
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from ipaddress import ip_address
from itertools import pairwise

from sre_copilot.telemetry import clean

Found = tuple[int, int, str]  # start, end, kind

_KEYS = (
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|LTAI[0-9A-Za-z]{12,24}|AKID[0-9A-Za-z]{28,36}|AIza[0-9A-Za-z_-]{35}"
    r"|gh[oprsu]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,}|glpat-[0-9A-Za-z_-]{16,}|xox[abeprs]-[0-9A-Za-z-]{10,}"
    r"|sk-[0-9A-Za-z_-]{16,}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}|hf_[0-9A-Za-z]{20,}|npm_[0-9A-Za-z]{30,}"
    r"|pypi-[0-9A-Za-z_-]{30,}|SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}|dop_v1_[0-9a-f]{40,}|hvs\.[0-9A-Za-z_-]{20,}"
)
_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "key",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
    ),
    ("jwt", re.compile(r"eyJ[0-9A-Za-z_-]{6,}\.[0-9A-Za-z_-]{6,}(?:\.[0-9A-Za-z_-]*)?")),
    ("key", re.compile(rf"(?<![0-9A-Za-z])(?:{_KEYS})")),
    ("webhook", re.compile(r"(?<=hooks\.slack\.com/services/)[0-9A-Za-z/]{10,}")),
    ("password", re.compile(r"(?<=://)[^\s:/@\"']*:[^\s@\"'\[]+(?=@)")),  # scheme://user:password@host
    (
        "password",
        re.compile(
            r"(?:(?<=密码)|(?<=口令)|(?<=令牌)|(?<=密钥)|(?<=秘钥))\s*(?:[:：=]|是|为)\s*[^\s，。；、,;\[]{3,}"
        ),
    ),
    (
        "password",
        re.compile(r"(?i)(?<![a-z])(?:pwd|pass|accountkey|sharedaccesskey|passcode)=[^\s;,&\"'\[]{3,}"),
    ),
    ("cookie", re.compile(r"(?i)(?<=set-cookie: )[^\r\n\[]{6,}")),
)
_EMAIL = re.compile(
    r"[0-9A-Za-z._%+-]{1,64}@(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+[A-Za-z]{2,24}"
)
_NOT_WITHIN_HEX = r"(?<![0-9a-fA-F]{4})"  # a run of digits inside a trace id is no number of a person
_MOBILE = re.compile(
    rf"(?<![\d.]){_NOT_WITHIN_HEX}(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{{4}}[ -]?\d{{4}}(?!\d)(?!\.\d)(?![0-9a-fA-F]{{4}})"
)
_PHONE = re.compile(
    r"(?<![\w.])\+[1-9]\d{0,2}[ -]?(?:\(?\d{1,4}\)?[ -]?){2,5}\d{2,4}(?!\d)"
    r"|(?<![\d-])\(\d{3}\) ?\d{3}-\d{4}(?![\d-])|(?<![\d-])\d{3}-\d{3}-\d{4}(?![\d-])|(?<![\d-])0\d{2,3}-\d{7,8}(?![\d-])"
)
_ID_CARD = re.compile(rf"(?<![\d.]){_NOT_WITHIN_HEX}\d{{17}}[\dXx](?![0-9A-Za-z])")
_GROUPS = r"\d{4}(?:[ -]\d{4}){3}(?:[ -]\d{1,3})?|\d{4}[ -]\d{6}[ -]\d{5}|\d{15,19}"
_BANK_CARD = re.compile(  # looked for at each place, for a number may stand before it
    rf"(?<![\d.]){_NOT_WITHIN_HEX}(?=((?:{_GROUPS})(?![0-9A-Za-z])))"
)
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_RUN = re.compile(
    r"[0-9A-Za-z+/_-]{24,}={0,2}"
)  # 24 characters: a random text of fewer cannot be told from a name
_ISSUERS = re.compile(r"4|5[1-5]|2[2-7]|62|3[47]|6011|65|35|81")  # first digits that card schemes use


class Pseudonyms:
    """What stands for what in one investigation; safe to share between threads.

    The tag is random: a text from outside cannot hold a pseudonym, and have something exchanged for it.
    """

    def __init__(self, tag: str = "") -> None:
        self._tag = tag or "".join(secrets.choice("bcdfghjkmnpqrstvwxz") for _ in range(3))
        self._lock = threading.Lock()
        self._names: dict[tuple[str, str], str] = {}
        self._originals: dict[tuple[str, int], str] = {}
        self._secrets: dict[tuple[str, str], str] = {}
        self._pattern = re.compile(
            rf"(?i)(?<![0-9A-Za-z_])(EMAIL|PHONE|IDCARD|BANKCARD|ADDRESS)[_\-\s\\]{{0,3}}{self._tag}[_\-\s\\]{{0,3}}(\d+)"
        )

    def of(self, kind: str, original: str) -> str:
        """The pseudonym of a person's datum; the same for the same."""
        with self._lock:
            if (kind, original) not in self._names:
                number = 1 + sum(1 for known, _ in self._names if known == kind)
                self._names[kind, original] = f"{kind}_{self._tag}_{number}"
                self._originals[kind, number] = original
            return self._names[kind, original]

    def secret(self, kind: str, original: str) -> str:
        """What stands for a secret; the same for the same, and no way back."""
        with self._lock:
            if (kind, original) not in self._secrets:
                number = 1 + sum(1 for known, _ in self._secrets if known == kind)
                self._secrets[kind, original] = f"[secret {kind} {number}]"
            return self._secrets[kind, original]

    def restored(self, text: str) -> str:
        """The text with what pseudonyms stand for; one that was made up stands for nothing known."""
        return self._pattern.sub(self._original, text)

    def _original(self, found: re.Match[str]) -> str:
        return self._originals.get((found[1].upper(), int(found[2])), "[not known]")


def redacted(text: str, book: Pseudonyms, *, public_addresses: bool = False) -> str:
    """A text fit to be sent: no secret in it, and pseudonyms instead of personal data."""
    hidden = without_secrets(text, book)
    hidden = _replaced(hidden, _random_runs(hidden), book.secret)
    for finder in (_emails, _id_cards, _bank_cards, _phones):
        hidden = _replaced(hidden, finder(hidden), book.of)
    return _replaced(hidden, _public(hidden), book.of) if public_addresses else hidden


def without_secrets(text: str, book: Pseudonyms) -> str:
    """A text fit to be shown to whoever may see it: nothing in it that has the form of a secret."""
    hidden = clean(text).replace("***", "[secret]")
    for kind, pattern in _SECRETS:
        hidden = pattern.sub(lambda found, kind=kind: book.secret(kind, found[0]), hidden)  # type: ignore[misc]
    return hidden


def _replaced(text: str, found: Iterator[Found], name: Callable[[str, str], str]) -> str:
    parts, end = [], 0
    for start, stop, kind in found:
        parts += [text[end:start], name(kind, text[start:stop])]
        end = stop
    return "".join([*parts, text[end:]])


def _emails(text: str) -> Iterator[Found]:
    yield from ((*found.span(), "EMAIL") for found in _EMAIL.finditer(text)) if "@" in text else ()


def _phones(text: str) -> Iterator[Found]:
    spans = sorted({found.span() for each in (_MOBILE, _PHONE) for found in each.finditer(text)})
    end = 0
    for start, stop in spans:
        if start >= end and not _is_size(text[start:stop]):
            yield start, stop, "PHONE"
            end = stop


def _is_size(text: str) -> bool:
    """Whether digits are whole mebibytes, as limits of memory are: of a million numbers of telephones one is."""
    return text.isdigit() and int(text) % 2**20 == 0


def _id_cards(text: str) -> Iterator[Found]:
    yield from ((*found.span(), "IDCARD") for found in _ID_CARD.finditer(text) if is_id_card(found[0]))


def _bank_cards(text: str) -> Iterator[Found]:
    end = 0
    for found in _BANK_CARD.finditer(text):
        start, stop = found.span(1)
        if start >= end and is_bank_card(found[1]):
            yield start, stop, "BANKCARD"
            end = stop


def _public(text: str) -> Iterator[Found]:
    for found in _IPV4.finditer(text):
        try:
            if ip_address(found[0]).is_global:
                yield *found.span(), "ADDRESS"
        except ValueError:
            continue


def _random_runs(text: str) -> Iterator[Found]:
    yield from ((*found.span(), "random") for found in _RUN.finditer(text) if is_random(found[0]))


def is_id_card(text: str) -> bool:
    """Whether 18 characters are a Chinese resident identity number: a date of birth and a right check digit (GB 11643)."""
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    weighted = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(text[:17]))
    return "10X98765432"[weighted % 11] == text[17].upper()


def is_bank_card(text: str) -> bool:
    """Whether 15 to 19 digits are a card's number: an issuer's first digits and a right check digit (ISO/IEC 7812, Luhn)."""
    digits = [int(each) for each in text if each.isdigit()]
    if not _ISSUERS.match("".join(map(str, digits))):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_random(text: str) -> bool:
    """Whether a run of characters looks drawn by lot, as keys are: all classes of characters, often changing, seldom repeated.

    Hexadecimal runs are not: trace ids, digests and commits look the same as a key, and telemetry is full of them. A capital and the
    small letter after it count as one class: names change at the borders of words alone, in one of six places, random text in four of ten.
    """
    classes = [_class(each) for each in text]
    if not {"lower", "upper", "digit"} <= set(classes):
        return False
    pairs = pairwise(classes)
    changes = sum(1 for one, other in pairs if one != other and (one, other) != ("upper", "lower"))
    shares = [count / len(text) for count in Counter(text).values()]
    entropy = -sum(share * math.log2(share) for share in shares)
    return changes >= len(text) * 0.24 and entropy >= 3.6


def _class(character: str) -> str:
    if character in string.digits:
        return "digit"
    if character in string.ascii_lowercase:
        return "lower"
    return "upper" if character in string.ascii_uppercase else "other"
