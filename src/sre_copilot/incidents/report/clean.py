"""Telemetry is hostile: what may be shown of it, and how it is written down in each format."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 control codes, DEL: terminals obey them
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"  # marks, bidi overrides, joiners
    "\ud800-\udfff"  # lone surrogates: cannot be encoded
    "\U000e0000-\U000e0fff]"  # tags: invisible text
)
_SPACE = re.compile(r"[\s\x0b\x0c]+")
_MARKDOWN = re.compile(
    r"[\\`*_\[\]<>#|~!$&]"  # emphasis, code, links, images, HTML, cells, entities, formulas
    r"|:(?=//)|(?<=www)\."  # addresses that become links by themselves
    r"|^[-+=]"  # lists and headings
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_CUT = 240


def visible(text: str) -> str:
    """Make every control code and invisible or direction-changing character visible (`\\x1b`, `\\u202e`)."""
    return _HIDDEN.sub(lambda found: _escape(found.group()), text)


def one_line(text: str, limit: int = _CUT) -> str:
    """Fold white space, make the rest visible, and cut the middle out of what is longer than `limit`."""
    folded = visible(_SPACE.sub(" ", text).strip())
    return folded if len(folded) <= limit else f"{folded[: limit * 2 // 3]} … {folded[-(limit // 4) :]}"


def raw(text: str, limit: int = 300) -> str:
    """Keep a raw line as it is, columns included; make visible what is not, and cut the end of what is longer."""
    line = visible(text.rstrip().expandtabs().replace("\n", " "))
    return line if len(line) <= limit else f"{line[:limit]} …"


def markdown(text: str) -> str:
    """Write `text` as literal Markdown: no emphasis, link, image, table cell, HTML, mention or address comes of it."""
    escaped = _NUMBERED.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\g<0>", one_line(text, 2000)))
    return escaped.replace("@", "@\u200b")  # a mention or mail address is found after escapes are resolved


def width(text: str) -> int:
    """Columns that `text` takes in a fixed-width face: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def shorten(text: str, columns: int) -> str:
    """Cut the middle out of `text` so that it takes at most `columns`; names differ at both ends."""
    if width(text) <= columns:
        return text
    tail, head = _take(text[::-1], (columns - 1) // 2)[::-1], ""
    head = _take(text, columns - 1 - width(tail))
    return f"{head}…{tail}"


def _take(text: str, columns: int) -> str:
    taken = ""
    for letter in text:
        if width(taken + letter) > columns:
            break
        taken += letter
    return taken


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
