"""Markdown with a head of YAML: `---`, keys, `---`, a title, and sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sre_copilot.errors import UsageError

LARGEST = 200_000  # characters: a card or an SOP is read by people
_HEAD = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A document taken apart: its head, its title (`# …`), and the text below each `## …`."""

    head: Mapping[str, Any]
    title: str
    sections: Mapping[str, str]
    body: str = ""


def take_apart(text: str, *, name: str, headless: bool = False) -> Written:
    """Read a document; with `headless` it may go without a head.

    Raises
    ------
    UsageError : names the document, the field and the way out
    """
    if len(text) > LARGEST:
        raise UsageError(
            f"{name}: has more than {LARGEST:,} characters; a card or SOP is one fault or one procedure"
        )
    text = text.replace("\r\n", "\n")
    match = _HEAD.match(text)
    if match is None and not headless:
        raise UsageError(
            f"{name}: has no head; begin with a line ---, keys such as id: and fault_type:, and a line ---"
        )
    body = text[match.end() :] if match else text
    title, sections = _sections(body)
    return Written(head=_head(match[1], name) if match else {}, title=title, sections=sections, body=body)


def _head(text: str, name: str) -> Mapping[str, Any]:
    try:
        head = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: head: is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(head, dict) or not all(isinstance(key, str) for key in head):
        raise UsageError(f"{name}: head: must be keys with values, for example id: cpu-exhausted")
    return head


def _sections(body: str) -> tuple[str, dict[str, str]]:
    title, current, fenced = "", "", False
    sections: dict[str, list[str]] = {}
    for line in body.splitlines():
        fenced ^= bool(_FENCE.match(line))
        if not fenced and line.startswith("# ") and not title:
            title = line[2:].strip()
        elif not fenced and line.startswith("## "):
            current = line[3:].strip()
            sections[current] = []
        elif current:
            sections[current].append(line)
    return title, {name: "\n".join(lines).strip() for name, lines in sections.items()}


def put_together(head: Mapping[str, Any], title: str, sections: Mapping[str, str]) -> str:
    """Write a document that `take_apart` reads back; keys and sections without a value are left out."""
    kept = {key: value for key, value in head.items() if value not in ("", None, [], {})}
    parts = [
        "---",
        yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=1000).strip(),
        "---",
        "",
        f"# {title}",
    ]
    for name, text in sections.items():
        if text:
            parts += ["", f"## {name}", "", text.strip()]
    return "\n".join(parts) + "\n"


def words(head: Mapping[str, Any], key: str, *, name: str) -> str:
    """A value that is one line of text.

    Raises
    ------
    UsageError : when it is something else
    """
    value = head.get(key, "")
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool) or "\n" in str(value):
        raise UsageError(f"{name}: {key}: must be one line of text")
    return str(value).strip()


def listed(head: Mapping[str, Any], key: str, *, name: str) -> tuple[str, ...]:
    """A value that is a list of texts.

    Raises
    ------
    UsageError : when it is something else
    """
    value = head.get(key) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageError(f"{name}: {key}: must be a list of texts, one a line with a dash before it")
    return tuple(each.strip() for each in value)
