"""What people write, made harmless: their Markdown stays, what a page would load or run does not."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 8000  # characters of one message: more is a document
_KEPT_CONTROLS = "\n\t"
_IMAGE = re.compile(r"!\[([^\]\n]{0,500})\]\s*(?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,500}\])")
_LINK = re.compile(r"\[([^\]\n]{0,500})\]\s*(?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,500}\])")
_DEFINITION = re.compile(r"^[ ]{0,3}\[[^\]\n]{1,500}\]:[^\n]*$", re.MULTILINE)
_ADDRESS = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]{1,20})://", re.ASCII)


def harmless(text: str) -> str:
    """Text that may be shown as Markdown: no HTML, no image, no link that leads anywhere, no invisible characters."""
    text = "".join(map(_visible, text[:LONGEST]))
    text = _DEFINITION.sub("", text)
    while (shorter := _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))) != text:  # labels may hold further links
        text = shorter
    text = _ADDRESS.sub(r"\1[:]//", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").strip()


def _visible(character: str) -> str:
    """Nothing in place of characters that hide or reorder others."""
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"} and character not in _KEPT_CONTROLS
    return "" if hidden else character
