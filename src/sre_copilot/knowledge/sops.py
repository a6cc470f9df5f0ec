"""Standard procedures as semi-structured Markdown: which indicators, which items to look at, in which order.

Indicators are a list; an item is `- name: what to look at` and may end with a tool in back quotes; the flow is numbered steps, of which
one may say `if …: go to 3` (zh: `如果…：转到 3`) or `end` (`结束`). Only the steps are needed: where no heading names the flow, all
numbered steps are it, and what no head says is taken from the title, the name of the file, and the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.knowledge import Lang, Scope
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.language import language
from sre_copilot.knowledge.markdown import listed, take_apart, words
from sre_copilot.knowledge.numbered import joined, numbered, out_of_order, unfenced

SECTIONS: Mapping[str, tuple[str, str]] = {
    "indicators": ("Indicators", "指标"),
    "items": ("Items", "诊断项"),
    "flow": ("Flow", "诊断流程"),
}
KEYS = ("id", "lang", "fault_type", "owner", "services", "severity")
EXAMPLE = """\
---
id: disk-full
services: [orders]
---
# Disk of a service is full
## Items
- disk: how full it is, and since when
## Flow
1. If the logs fill it: go to 3.
2. Ask the owner what else may be deleted; end.
3. Rotate the logs.
"""
_BULLET = re.compile(r"^\s*[-*+]\s+(.*\S)\s*$")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)[\s#:：]*$")
_TOOL = re.compile(r"`([a-z0-9_.-]+)`\s*$")
_JUMP = re.compile(r"(?:go (?:back )?to|转到|跳到|回到)(?:\s*step|\s*第)?\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something to look at, and the tool that does it where one is named."""

    name: str
    text: str
    tool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the flow; `jumps` are the steps that it may lead to instead of the next."""

    number: int
    text: str
    jumps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sop:
    """A procedure for one scene."""

    id: str
    title: str
    lang: Lang
    indicators: tuple[str, ...]
    items: tuple[Item, ...]
    flow: tuple[Step, ...]
    fault_type: str = ""
    owner: str = ""
    scope: Scope = field(default_factory=Scope)


def parse_sop(text: str, *, name: str = "sop") -> Sop:
    """Read a procedure.

    Raises
    ------
    UsageError : names the file, each field that is missing or wrong, and the way out
    """
    written = take_apart(text, name=name, headless=True)
    head, sections = written.head, {_plain(key): value for key, value in written.sections.items()}
    steps, problems = _flow(written.body, sections)
    problems = [*_wrong_head(head), *problems, *_without_list(sections)]
    if problems:
        whole = " ⏎ ".join(EXAMPLE.splitlines())  # errors are said on one line
        raise UsageError(f"{name}: is no procedure that can be read: {'; and '.join(problems)}. A whole one, line by line: {whole}")  # fmt: skip
    title = written.title or next(iter(_headings(written.body)), "") or _stem(name)
    return Sop(
        id=words(head, "id", name=name) or (_stem(name) if "." in name else title),
        title=title,
        lang=_language(words(head, "lang", name=name), written.body, sections),
        indicators=tuple(_bullets(_section(sections, "indicators") or "")),
        items=tuple(_item(line) for line in _bullets(_section(sections, "items") or "")),
        flow=steps,
        fault_type=words(head, "fault_type", name=name),
        owner=words(head, "owner", name=name),
        scope=Scope(
            services=listed(head, "services", name=name), severity=words(head, "severity", name=name)
        ),
    )


def _wrong_head(head: Mapping[str, object]) -> list[str]:
    wrong = [f"{each}: is no key of an SOP; there are: {', '.join(KEYS)}" for each in sorted(set(head) - set(KEYS))]  # fmt: skip
    fault_type = head.get("fault_type") or ""
    if fault_type and fault_type not in FAULT_TYPES:
        wrong.append(f"fault_type: {fault_type!r} is not known; there are: {', '.join(FAULT_TYPES)}")
    return wrong


def _flow(body: str, sections: Mapping[str, str]) -> tuple[tuple[Step, ...], list[str]]:
    """The steps: those below the heading that is meant for them, else all that are numbered; and what is wrong with them."""
    own = _section(sections, "flow")
    lists = numbered(body if own is None else own)
    where = f"below '## {SECTIONS['flow'][0]}' (or '## {SECTIONS['flow'][1]}', or any other heading)"
    if not lists:
        return (), [f"flow: is missing; write what is done as steps 1., 2., 3. …, each on its line, {where}"]
    if wrong := out_of_order(lists):
        return (), [f"flow: must be steps 1., 2., 3. …, each on its line; found {list(wrong)}"]
    steps = tuple(
        Step(number=place, text=said, jumps=_jumps(said)) for place, said in enumerate(joined(lists), 1)
    )
    return steps, [
        f"flow: step {step.number} leads to step {jump}, which there is not; the last is {len(steps)}"
        for step in steps
        for jump in step.jumps
        if not 0 < jump <= len(steps)
    ]


def _without_list(sections: Mapping[str, str]) -> list[str]:
    """A heading that is meant for a list and holds none was written in another form."""
    return [
        f"{each}: holds no list; write one a line with '- ' before it, or leave the heading out"
        for each in ("indicators", "items")
        if (own := _section(sections, each)) is not None and not _bullets(own)
    ]


def _language(said: str, body: str, sections: Mapping[str, str]) -> Lang:
    """As the head says, else as the headings or the words are written."""
    if said in ("en", "zh"):
        return "zh" if said == "zh" else "en"
    if any(zh in sections for _, zh in SECTIONS.values()):
        return "zh"
    return language(body)


def _section(sections: Mapping[str, str], field: str) -> str | None:
    return next((sections[_plain(each)] for each in SECTIONS[field] if _plain(each) in sections), None)


def _plain(heading: str) -> str:
    return heading.strip(" #:：").casefold()


def _headings(body: str) -> Sequence[str]:
    return [match[1] for line in unfenced(body) if (match := _HEADING.match(line))]


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _bullets(text: str) -> list[str]:
    return [match[1] for line in text.splitlines() if (match := _BULLET.match(line))]


def _item(line: str) -> Item:
    tool = _TOOL.search(line)
    rest = line[: tool.start()].strip() if tool else line
    parts = re.split(r"[:：]\s*", rest, maxsplit=1)
    return Item(name=parts[0].strip(), text=parts[-1].strip(), tool=tool[1] if tool else "")


def _jumps(text: str) -> tuple[int, ...]:
    return tuple(map(int, _JUMP.findall(text)))
