"""HTML by markitdown, after what a reader does not see was taken out."""

from __future__ import annotations

import io
import re
from typing import Any

from sre_copilot.knowledge.blocks import Document, DocumentError, Limits
from sre_copilot.knowledge.formats.markdown import parsed

EXTRA = "needs sre-copilot[documents]; install it, or save the document as Markdown or text"
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)"
    r"|font-size\s*:\s*[01](?:\.\d+)?(?:px|pt|em|%)?\s*(?:;|$)|(?:left|top|text-indent)\s*:\s*-\d{3,}|clip\s*:\s*rect\(0"
    r"|(?<![-\w])color\s*:\s*(?:white|transparent|#fff(?:fff)?|rgba?\(255,\s*255,\s*255)",
    re.IGNORECASE,
)
_DARK = re.compile(r"background", re.IGNORECASE)
_FURNITURE = ("script", "style", "noscript", "template", "iframe", "object", "svg", "nav", "form")


def read(data: bytes, name: str, limits: Limits) -> Document:
    """Blocks of a web page; links and pictures are kept as text, nothing is fetched."""
    try:
        from bs4 import BeautifulSoup  # noqa: PLC0415
        from markitdown import MarkItDown, StreamInfo  # noqa: PLC0415
    except ImportError:
        raise DocumentError(f"HTML {EXTRA}") from None
    soup = BeautifulSoup(data, "html.parser")
    for tag in soup.find_all(_FURNITURE):
        tag.decompose()
    hidden = tuple(text for tag in soup.find_all(_unseen) if (text := _taken(tag)))
    title = _taken(soup.title) if soup.title else ""  # it is shown beside the page, not on it
    stream = io.BytesIO(str(soup).encode())
    try:
        result = MarkItDown(enable_plugins=False).convert_stream(
            stream,
            stream_info=StreamInfo(extension=".html", mimetype="text/html", charset="utf-8"),
            escape_asterisks=False,
            escape_underscores=False,
        )
    except RecursionError:
        raise DocumentError("is nested too deeply to be read") from None
    document = parsed(result.markdown, title or name)
    return Document(title=title or document.title, blocks=document.blocks, hidden=hidden + document.hidden)


def _unseen(tag: Any) -> bool:
    style = str(tag.get("style", ""))
    dark = _DARK.search(style) is not None and "color" in style
    return tag.has_attr("hidden") or (_UNSEEN.search(style) is not None and not dark)


def _taken(tag: Any) -> str:
    """Take an element out of its tree and return its text."""
    if tag.decomposed:
        return ""
    text = str(tag.get_text(" ", strip=True))
    tag.decompose()
    return text
