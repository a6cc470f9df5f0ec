"""Markdown: blocks are the lines of the source itself, so that a quotation is what was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sre_copilot.domain.knowledge import Kind, Scope
from sre_copilot.knowledge.blocks import Block, BlockKind, Document, Limits
from sre_copilot.knowledge.formats.text import decoded

_FRONT = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_KINDS: Mapping[str, BlockKind] = {
    "paragraph_open": "text",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "blockquote_open": "text",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
    "html_block": "text",
}


def read(data: bytes, name: str, limits: Limits) -> Document:
    """Blocks of a Markdown file; what its front matter says of kind, services, severity and labels holds for all of it."""
    return parsed(decoded(data), name)


def parsed(source: str, name: str) -> Document:
    """The document that a Markdown text is."""
    front, body = _front(source)
    hidden = tuple(text for each in _COMMENT.findall(body) if (text := each.strip()))
    # the number of lines stays, for blocks are told by theirs
    body = _COMMENT.sub(lambda found: "\n" * found.group().count("\n"), body)
    blocks = tuple(_blocks(body))
    first = next((block.text for block in blocks if block.kind == "heading"), name)
    kind = front.get("kind")
    return Document(
        title=str(front.get("title") or first),
        blocks=blocks,
        hidden=hidden,
        kind=cast(Kind, kind) if kind in get_args(Kind) else "document",
        scope=_scope(front),
    )


def _front(source: str) -> tuple[Mapping[str, Any], str]:
    found = _FRONT.match(source)
    if found is None:
        return {}, source
    try:
        front = yaml.safe_load(found.group(1))
    except yaml.YAMLError:  # a document that only looks so
        return {}, source
    return (front, source[found.end() :]) if isinstance(front, dict) else ({}, source)


def _scope(front: Mapping[str, Any]) -> Scope:
    services = front.get("services") or front.get("service") or ()
    labels = front.get("labels")
    return Scope(
        services=(services,) if isinstance(services, str) else tuple(map(str, services)),
        severity=str(front.get("severity") or ""),
        labels=tuple((str(key), str(value)) for key, value in labels.items())
        if isinstance(labels, dict)
        else (),
    )


def _blocks(body: str) -> Iterator[Block]:
    lines = body.split("\n")
    parser = MarkdownIt("commonmark").enable("table")
    for token in parser.parse(body):
        if token.level or token.map is None:
            continue
        text = "\n".join(lines[token.map[0] : token.map[1]]).rstrip()
        if token.type == "heading_open":
            yield Block(kind="heading", text=_heading(text), level=int(token.tag[1]))
        elif token.type in _KINDS:
            yield Block(kind=_KINDS[token.type], text=_shown(token, text))


def _heading(text: str) -> str:
    return re.sub(r"\s*#*\s*$", "", re.sub(r"^\s*#{1,6}\s*", "", text.split("\n", maxsplit=1)[0]))


def _shown(token: Token, text: str) -> str:
    """Markup that is not shown is no text of the document."""
    return _TAG.sub("", text) if token.type == "html_block" else text
