"""Standard procedures as semi-structured Markdown: which indicators, which items to look at, in which order.

Indicators are a list; an item is `- name: what to look at` and may end with a tool in back quotes; the flow is numbered steps, of which
one may say `if …: go to 3` (zh: `如果…：转到 3`) or `end` (`结束`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.knowledge import Lang, Scope
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.markdown import Written, listed, take_apart, words

SECTIONS: Mapping[str, tuple[str, str]] = {
    "indicators": ("Indicators", "指标"),
    "items": ("Items", "诊断项"),
    "flow": ("Flow", "诊断流程"),
}
KEYS = ("id", "lang", "fault_type", "owner", "services", "severity")
_BULLET = re.compile(r"^\s*[-*]\s+(.*\S)\s*$")
_STEP = re.compile(r"^\s*(\d+)[.)、．]\s*(.*\S)\s*$")
_TOOL = re.compile(r"`([a-z0-9_.-]+)`\s*$")
_JUMP = re.compile(r"(?:go to|转到|跳到)(?:\s*step|\s*第)?\s*(\d+)", re.IGNORECASE)


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
    UsageError : names the file, the field and the way out
    """
    written = take_apart(text, name=name)
    head = written.head
    if unknown := sorted(set(head) - set(KEYS)):
        raise UsageError(f"{name}: {unknown[0]}: is no key of an SOP; there are: {', '.join(KEYS)}")
    fault_type = words(head, "fault_type", name=name)
    if fault_type and fault_type not in FAULT_TYPES:
        raise UsageError(
            f"{name}: fault_type: {fault_type!r} is not known; there are: {', '.join(FAULT_TYPES)}"
        )
    if not written.title or not words(head, "id", name=name):
        raise UsageError(f"{name}: {'id' if written.title else 'title'}: is missing")
    flow = _flow(_section(written, "flow", name), name)
    return Sop(
        id=words(head, "id", name=name),
        title=written.title,
        lang="zh" if any(zh in written.sections for _, zh in SECTIONS.values()) else "en",
        indicators=tuple(_bullets(_section(written, "indicators", name), "indicators", name)),
        items=tuple(_item(line) for line in _bullets(_section(written, "items", name), "items", name)),
        flow=flow,
        fault_type=fault_type,
        owner=words(head, "owner", name=name),
        scope=Scope(
            services=listed(head, "services", name=name), severity=words(head, "severity", name=name)
        ),
    )


def _section(written: Written, field: str, name: str) -> str:
    for heading in SECTIONS[field]:
        if heading in written.sections:
            return written.sections[heading]
    raise UsageError(
        f"{name}: {field}: is missing; write it below '## {SECTIONS[field][0]}' (or '## {SECTIONS[field][1]}')"
    )


def _bullets(text: str, field: str, name: str) -> list[str]:
    found = [match[1] for line in text.splitlines() if (match := _BULLET.match(line))]
    if not found:
        raise UsageError(f"{name}: {field}: holds no list; write one a line with '- ' before it")
    return found


def _item(line: str) -> Item:
    tool = _TOOL.search(line)
    rest = line[: tool.start()].strip() if tool else line
    parts = re.split(r"[:：]\s*", rest, maxsplit=1)
    return Item(name=parts[0].strip(), text=parts[-1].strip(), tool=tool[1] if tool else "")


def _flow(text: str, name: str) -> tuple[Step, ...]:
    steps = [
        Step(number=int(match[1]), text=match[2], jumps=tuple(map(int, _JUMP.findall(match[2]))))
        for line in text.splitlines()
        if (match := _STEP.match(line))
    ]
    numbers = [step.number for step in steps]
    if numbers != list(range(1, len(steps) + 1)) or not steps:
        raise UsageError(f"{name}: flow: must be steps 1., 2., 3. …, each on its line; found {numbers}")
    for step in steps:
        if missing := [jump for jump in step.jumps if jump not in numbers]:
            raise UsageError(
                f"{name}: flow: step {step.number} leads to step {missing[0]}, which there is not"
            )
    return tuple(steps)
