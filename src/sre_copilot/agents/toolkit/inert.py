"""Text that came from outside, made harmless to show: no control code, no hidden letter, nothing that a viewer would fetch or follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 control codes: terminals obey them
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"  # marks, bidi overrides, joiners
    "\ud800-\udfff"  # lone surrogates cannot be encoded
    "\U000e0000-\U000e0fff]"  # tags: letters that nobody sees
)
_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,500})\](?:\([^()\n]{0,2000}(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]\n]{0,200}\])"
)
_DEFINITION = re.compile(r"(?m)^[ \t]{0,3}\[[^\]\n]{1,200}\]:[ \t]*\S+.*$")
_TAG = re.compile(r"<(?=[/!a-zA-Z])")
_ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,15}):(?=//)")
_SCHEME = re.compile(r"(?i)\b(javascript|data|vbscript|mailto):(?=\S)")
_NESTED = 5  # rounds: a link within a link shows its inner part at the first, and nobody nests deeper on an honest day


def inert(text: str) -> str:
    """Return the text without control codes, direction marks, remote images, links and HTML; addresses stay readable and cannot be followed."""
    text = _HIDDEN.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    text = _DEFINITION.sub("", text)
    for _ in range(_NESTED):
        shorter = _LINK.sub(r"\1", text)
        if shorter == text:
            break
        text = shorter
    text = text.replace("![", "! [").replace("](", "] (")  # what was cut off or nested deeper
    return _SCHEME.sub(r"\1[:]", _ADDRESS.sub(r"\1[:]", _TAG.sub("‹", text)))


def inert_line(text: str, limit: int = 240) -> str:
    """The same on one line, the end cut off what is longer than `limit` characters."""
    line = " ".join(inert(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def inert_value(value: Any) -> Any:
    """The same for every text in a structure of mappings and lists."""
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Mapping):
        return {inert(str(key)): inert_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [inert_value(each) for each in value]
    return value
