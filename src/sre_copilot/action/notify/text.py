"""Text on its way to a platform: nothing in it becomes a mention, a link or markup, and what is cut is said to be cut.

What an alert says comes from outside. It is sent as plain text wherever the platform knows plain text, and what a client would make a link or a
mention of by itself is taken apart by a character that is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson

from sre_copilot.action.notify.notifier import Message

_UNSEEN = "\u200b"
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_ADDRESS = re.compile(r"(?<=\w):(?=//)|(?<=\bwww)\.|(?<=[\w.+-])@|@|＠")
_MOST_LINKS = 5
_LONGEST_LINK = 1000  # characters: longer ones are no addresses that anybody wrote
CUT = {"en": "… (cut: {more} more characters)", "zh": "……（已截断，还有 {more} 个字符）"}
KEY = {"en": "Key", "zh": "编号"}
ON_CALL = {"en": "On call", "zh": "值班"}


def inert(text: str) -> str:
    """The text without control codes, in which no client finds a mention or an address."""
    shown = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\t", " "))
    return _ADDRESS.sub(lambda found: found.group() + _UNSEEN, shown)


def line(text: str) -> str:
    """The same on one line."""
    return inert(" ".join(text.split()))


def links(message: Message) -> tuple[tuple[str, str], ...]:
    """The links of a message that are addresses of the web, without credentials in them; the first few."""
    return tuple((url, line(text) or "link") for url, text in message.links if _is_web(url))[:_MOST_LINKS]


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        plain = bool(parts.hostname) and parts.username is None and parts.password is None
    except ValueError:
        return False
    safe = len(url) <= _LONGEST_LINK and url.isprintable() and not re.search(r"[\s<>\"'`|()\[\]\\]", url)
    return parts.scheme in ("http", "https") and plain and safe


def key_line(message: Message) -> str:
    """The line with which a message carries its key."""
    return f"{KEY[message.language]}: {message.key}"


def plain(message: Message, *, limit: int, measure: Callable[[str], int] = len, title: bool = True) -> str:
    """A message as one plain text that is at most `limit` long; title, links and key are kept, the body is cut, which is said."""
    head = line(message.title) + "\n" if title else ""
    body = "\n".join(
        [*(f"{line(name)}: {line(value)}" for name, value in message.fields), inert(message.text)]
    )
    tail = "".join(f"\n{text}: {url}" for url, text in links(message)) + f"\n{key_line(message)}"
    room = limit - measure(head) - measure(tail)
    if room < measure(CUT[message.language]) + 20:  # no room for links: title and key are what counts
        tail = f"\n{key_line(message)}"
        head = cut(head, limit=max(0, limit - measure(tail)), measure=measure, language=message.language)
        room = limit - measure(head) - measure(tail)
    return head + cut(body, limit=max(0, room), measure=measure, language=message.language) + tail


def cut(text: str, *, limit: int, measure: Callable[[str], int] = len, language: str = "en") -> str:
    """The text, or as much of its beginning as fits together with the words that say how much is missing."""
    if measure(text) <= limit:
        return text
    low, high = 0, min(len(text), limit)  # a character measures at least one
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle] + CUT[language].format(more=len(text) - middle)) <= limit:
            low = middle
        else:
            high = middle - 1
    found = text[:low] + CUT[language].format(more=len(text) - low)
    return found if measure(found) <= limit else ""


def json_octets(text: str) -> int:
    """Bytes of a text within a JSON document."""
    return len(orjson.dumps(text.encode("utf-8", "replace").decode())) - 2


def octets(text: str) -> int:
    """Bytes of a text as UTF-8."""
    return len(text.encode("utf-8", "replace"))
