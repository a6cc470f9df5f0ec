"""What is noted from a message: facts, tasks, decisions. The text is read as data; nothing in it is carried out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sre_copilot.agents.room.members import called
from sre_copilot.agents.understanding.entities import find_services
from sre_copilot.agents.understanding.moments import Calendar
from sre_copilot.agents.understanding.parameters import named_metrics
from sre_copilot.agents.understanding.times import find_times
from sre_copilot.agents.understanding.wording import blanked, narrow, pattern, plain, quoted
from sre_copilot.clock import rfc3339

NoteKind = Literal["fact", "task", "decision"]
REFUSAL_BEFORE = 4  # characters before a decision in which a refusal stands (不同意, 还没决定)
LONGEST_NOTE = 500  # characters: a note is a line

_SYMPTOMS = tuple(
    (name, pattern(words))
    for name, words in (
        ("timeout", r"\btim(?:es?[\s-]?outs?|ed\s+out|ing\s+out)\b|超时"),
        (
            "slow",
            r"\bslow(?:er|ly|ness)?\b|\bsluggish\b|\blatency\b.{0,20}\b(?:up|high|rose|spik\w+)|慢|卡顿|延迟.{0,6}(?:高|上升|飙)",
        ),
        ("errors", r"\berrors?\b|\b5\d\d\b|\bfail(?:s|ed|ing|ures?)\b|\bexceptions?\b|报错|错误|失败|异常"),
        (
            "down",
            r"\bdown\b|\bunavailable\b|\bunreachable\b|\bcrash\w*|\bnot\s+(?:working|responding)\b|挂了|宕机|不可用|崩|打不开|连不上",
        ),
        ("restarts", r"\brestart(?:s|ed|ing)\b|\boom\b|重启了|反复重启|频繁重启"),
        (
            "full",
            r"\b(?:is|was|got|nearly|almost)\s+full\b|\bexhausted\b|\brun(?:s|ning)?\s+out\b|打满|写满|耗尽|满了",
        ),
        ("recovered", r"\brecovered\b|\bback\s+to\s+normal\b|\bresolved\b|恢复(?:了|正常)|已恢复"),
    )
)
_NOT_SO = pattern(r"(?:\b(?:no|not|n't|without|never)\s+(?:\w+\s+){0,2}|没有?|未|不是?|无)$")
_CALL = pattern(
    r"@(?P<name>[a-z][\w-]*(?:\s+agent\b)?|[\u3400-\u9fff]{1,8}?(?=[\s帮查看负来去处跟给确对]|$))[\s,:,:]*(?P<what>[^@\n]*)"
)
_NAME = r"[A-Z][a-z]+(?:\s[A-Z][a-z]+)?"
_TO_PERSON_EN = re.compile(
    rf"\b(?:assign|give|hand(?:\s+over)?)\s+(?P<what>[^.;\n]{{3,200}}?)\s+to\s+@?(?P<who>{_NAME})\b"
    rf"|(?:^|[.;,!]\s*|\n)@?(?P<who2>{_NAME}),?\s+(?:will|shall|please|to|is\s+going\s+to|takes?(?:\s+care\s+of)?|owns?|handles?)\s+(?P<what2>[^.;\n]{{3,200}})"
)
_ZH_NAME = (
    r"(?:[\u4e00-\u9fff]{1,2}(?:工|总|师傅|经理|老师|哥|姐)|[小老][\u4e00-\u9fff]|[\u4e00-\u9fff]{2,3}?)"
)
_TO_PERSON_ZH = re.compile(
    rf"(?:^|[,。;,;\s])@?(?P<who>{_ZH_NAME}|[A-Za-z][\w.-]{{1,30}})\s*(?:来?负责|来?处理|来?跟进|去(?=查|看|确认|联系|执行|做)|来(?=查|看|确认|联系|执行|做))\s*(?P<what>[^。;,\n]{{2,120}})"
    rf"|(?:请|让|由|安排|交给|交由|麻烦)\s*@?(?P<who2>{_ZH_NAME}|[A-Za-z][\w.-]{{1,30}})\s*(?:来|去|负责|处理|跟进)?\s*(?P<what2>[^。;,\n]{{2,120}})"
)
_NOBODY = frozenset(
    {
        "我们",
        "你们",
        "他们",
        "大家",
        "谁来",
        "现在",
        "今天",
        "马上",
        "先",
        "谁",
        "系统",
        "服务",
        "这个",
        "那个",
        "由谁",
        "已经",
        "需要",
        "有人",
        "没人",
        "专人",
    }
)
_NO_PERSON = frozenset(
    {
        "we",
        "it",
        "this",
        "that",
        "they",
        "you",
        "i",
        "who",
        "someone",
        "nobody",
        "the",
        "there",
        "he",
        "she",
        "what",
        "if",
        "then",
    }
)
_DECIDED = re.compile(
    r"(?:^|\n|[.!;]\s*)\s*(?:decide[ds]?|decision|agreed|resolution|verdict)\s*(?:[:\-]|that\b|to\b)\s*(?P<a>[^\n]{3,400})"
    r"|(?:^|\n|[.!;,]\s*)\s*(?P<b>(?:we(?:'ll| will| are going to|'re going to| have decided to)?|let'?s)\s+(?:roll(?:ing)?\s?back|restart|scale|fail\s?over|switch|stop|disable|enable|isolate|drain|revert|escalate|wait|degrade|throttle|deploy|hot-?fix|close)\b[^.;\n]{0,300})"
    r"|(?:决定|决议|结论|定了|拍板|一致同意|同意)\s*(?:[:,是为]|先)?\s*(?P<c>[^。;\n]{2,300})"
    r"|(?:^|[。;,\n])\s*(?P<d>我们?(?:先|就|马上|现在|立即|直接|决定)?(?:回滚|重启|扩容|切流|切换|降级|限流|熔断|下线|隔离|升级处理|观察)[^。;\n]{0,200})",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"[?]\s*$|吗\s*$|要不要|是否|should\s+we|shall\s+we|怎么|为什么|不同意|don't|do\s+not|won't|not\s+decided|没决定|未决定|还没",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something noted. `about`: service, time or symptom of a fact, `agent` or `person` of a task; `who` has to do it, or decided it."""

    kind: NoteKind
    about: str
    text: str
    who: str = ""
    state: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """As the store keeps it."""
        fields = {
            "kind": self.kind,
            "about": self.about,
            "text": self.text[:LONGEST_NOTE],
            "who": self.who[:200],
        }
        return {**fields, "state": self.state, "data": dict(self.data)}


def noted(
    text: str,
    *,
    author: str,
    now: float,
    services: Sequence[str],
    aliases: Mapping[str, str] | None = None,
    utc_offset_hours: float = 0.0,
) -> tuple[Note, ...]:
    """Facts, tasks and decisions in what a person said; a question decides nothing."""
    calendar = Calendar(now=now, offset_s=utc_offset_hours * 3600.0)
    facts = facts_in(text, calendar=calendar, services=services, aliases=aliases or {})
    return (*facts, *tasks_in(text), *decisions_in(text, author=author))


def facts_in(
    text: str, *, calendar: Calendar, services: Sequence[str], aliases: Mapping[str, str]
) -> tuple[Note, ...]:
    """Services, times and symptoms that are said; what is denied or asked is none."""
    smooth = plain(text)
    bare = blanked(smooth, quoted(smooth))
    mentions = find_services(smooth, services=services, aliases=aliases)
    marked = blanked(bare, (each.span for each in mentions), by="@")
    named = dict.fromkeys(each.service for each in mentions)
    found = [Note(kind="fact", about="service", text=service) for service in named]
    for said in find_times(marked, calendar):
        if said.window is not None:
            start, end = rfc3339(said.window.start), rfc3339(said.window.end)
            words = text[slice(*said.span)].strip()
            found.append(Note(kind="fact", about="time", text=words, data={"start": start, "end": end}))
    if _ASKS.search(smooth):
        return tuple(found)
    about = {"services": list(named), "metrics": list(named_metrics(marked))}
    for name, words_ in _SYMPTOMS:
        match = words_.search(bare)
        if match and not _NOT_SO.search(bare[: match.start()]):
            found.append(
                Note(
                    kind="fact",
                    about="symptom",
                    text=name,
                    data={**about, "words": text[slice(*match.span())]},
                )
            )
    return tuple(found)


def tasks_in(text: str) -> tuple[Note, ...]:
    """Who was asked to do what: agents that are called by `@`, people by name."""
    text = narrow(text)
    found: list[Note] = []
    for match in _CALL.finditer(plain(text)):
        what = text[match.start("what") : match.end("what")].strip(" ,:.")
        member = called(match["name"])
        who = member.name if member else text[slice(*match.span("name"))]
        if what:
            about = "agent" if member else "person"
            found.append(Note(kind="task", about=about, text=what, who=who, state="open"))
    taken = {note.text for note in found}
    found += [note for note in _of_people(text) if not any(note.text in each for each in taken)]
    return tuple(found)


def _of_people(text: str) -> list[Note]:
    if _ASKS.search(text):
        return []
    found = []
    for words in (_TO_PERSON_EN, _TO_PERSON_ZH):
        for match in words.finditer(text):
            who = (match["who"] or match["who2"] or "").strip()
            what = (match["what"] or match["what2"] or "").strip()
            if who.lower() not in _NO_PERSON and who not in _NOBODY and what and "@" not in what:
                found.append(Note(kind="task", about="person", text=what, who=who, state="open"))
    return found


def decisions_in(text: str, *, author: str) -> tuple[Note, ...]:
    """What was decided, by whoever says so; a question or a refusal is no decision."""
    text = narrow(text)
    found = []
    for match in _DECIDED.finditer(text):
        said = next(value for value in match.groups() if value).strip(" ,:.")
        sentence = text[max(0, match.start() - REFUSAL_BEFORE) : match.end()]
        if not _ASKS.search(sentence) and not _ASKS.search(_sentence_end(text, match.end())):
            found.append(Note(kind="decision", about="", text=said, who=author))
    return tuple(found)


def _sentence_end(text: str, position: int) -> str:
    """What closes the sentence: a decision with a question mark behind it is a question."""
    return text[position : position + 1]
