"""In chat: the report of an incident, or a workflow made of it, for whoever asks for that and nothing else; both come from the records, as by REST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from sre_copilot.agents.answer import Answer, AnswerKind, Understood
from sre_copilot.agents.grounding import said
from sre_copilot.agents.printable import printable
from sre_copilot.agents.understanding.wording import language, plain
from sre_copilot.app.reporting import Reporting
from sre_copilot.app.serving import Service
from sre_copilot.app.workflow_desk import WorkflowDesk
from sre_copilot.app.workflow_making import Made, Making
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import UsageError
from sre_copilot.incidents.postmortem.model import Line, Postmortem
from sre_copilot.incidents.report.words import moment, say, word
from sre_copilot.llm.speaking import Speaker
from sre_copilot.settings.section import Role, at_least
from sre_copilot.store.alerting.audit import actor, noted
from sre_copilot.store.tokens import Token

Thing = Literal["workflow", "report"]
THINGS: tuple[Thing, ...] = ("workflow", "report")
NEEDED: Role = "responder"  # as to generate one by REST
MOST_LINES = 8  # of each section in an answer: the report itself has all
LONGEST = 200  # characters of a message that asks for this alone
_INCIDENT = re.compile(r"\binc-[0-9]{1,12}(?![0-9a-z_-])", re.ASCII)
_LATIN = {
    "verb": r"generate|create|make|write|draft|prepare|build|show|give",
    "workflow": r"workflows?",
    "report": r"reports?|post-?mortems?",
    "filler": r"a|an|the|for|of|from|about|on|me|us|please|incident|fault|diagnosis|diagnostic|repair|can|could|you",
}
_CHINESE = {
    "verb": r"生成|创建|制作|编写|起草|写|查看|显示",
    "workflow": r"工作流",
    "report": r"报告|复盘",
    "filler": r"请|帮我|给我|为|给|对|根据|按|把|的|出|一个|一份|事件|事故|故障|诊断|修复|处置",
}
_ONE = {name: re.compile(rf"\b(?:{form})\b|{_CHINESE[name]}", re.ASCII) for name, form in _LATIN.items()}
_ANY = re.compile(
    rf"\b(?:{'|'.join(_LATIN.values())})\b|{'|'.join(_CHINESE.values())}|[\s,.!?，。！？、]+", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentWish:
    """What is wanted of which incident."""

    thing: Thing
    incident_id: str


def wish_of(text: str) -> IncidentWish | None:
    """`write the report of INC-7`, `为 INC-7 生成工作流`; None of any other text. The whole message must be it."""
    if len(text) > LONGEST:
        return None
    low = plain(text)
    named = set(_INCIDENT.findall(low))
    things = [thing for thing in THINGS if _ONE[thing].search(low)]
    if len(named) != 1 or len(things) != 1 or not _ONE["verb"].search(low):
        return None
    rest = _ANY.sub("", _INCIDENT.sub(" ", low))
    return IncidentWish(thing=things[0], incident_id=named.pop().upper()) if not rest else None


@dataclass(frozen=True)
class IncidentChat:
    """Answers such wishes for a service; `speaker` proposes steps of workflows where a model is configured."""

    service: Service
    speaker: Speaker | None = None

    def answer(self, wish: IncidentWish, *, text: str, token: Token, lang: Lang | None) -> Answer:
        """The report, or a draft that nothing runs; or why there is none."""
        spoken = lang or language(text)
        if wish.thing == "report":
            return self._report(wish.incident_id, text, token, spoken)
        return self._workflow(wish.incident_id, text, token, spoken)

    def _report(self, key: str, text: str, token: Token, lang: Lang) -> Answer:
        service = self.service
        reporting = Reporting(settings=service.settings, database=service.database, clock=service.clock)
        found = reporting.report(key, hidden=not self._sees_all(token))
        if found is None:
            return _answer("unknown", "declined", text, lang, incident=key)
        headline = word("postmortem.title", lang, incident=found.incident_id, title=found.title)
        understood = Understood(text=text, lang=lang, intent="report", confidence=1.0)
        answer = said("listing", headline, understood=understood, lang=lang)
        return replace(answer, body="\n".join(map(printable, _lines(found, lang))))

    def _workflow(self, key: str, text: str, token: Token, lang: Lang) -> Answer:
        if not at_least(token.role, NEEDED):
            return _answer("role", "declined", text, lang, needed=NEEDED, role=token.role)
        if not self._sees_all(token):
            return _answer("hidden", "declined", text, lang, incident=key)
        try:
            draft, made = self._drafted(key, token)
        except UsageError as problem:
            return _answer("refused", "declined", text, lang, incident=key, problem=str(problem))
        answer = _answer("made", "code", text, lang, incident=key, draft=draft, by=made.by)
        return replace(answer, body="\n".join((*(f"# {each}" for each in made.repaired.repairs), made.text)))

    def _drafted(self, key: str, token: Token) -> tuple[str, Made]:
        service, origin = self.service, f"incident {key}"
        who = actor(token)
        with noted(service.database, service.clock, "workflow.generate", who=who, subject=origin, way="chat"):
            made = Making(service.settings, service.database, service.clock, self.speaker).from_incident(key)
            desk = WorkflowDesk(service.settings, service.database, service.clock)
            kept = desk.draft(
                made.text, who=token.name, origin=origin, made_by=made.by, repairs=made.repaired.repairs
            )
        return str(kept["id"]), made

    def _sees_all(self, token: Token) -> bool:
        return all(at_least(token.role, needed.see) for needed in self.service.roles.values())


def _lines(report: Postmortem, lang: Lang) -> Iterator[str]:
    yield report.headline.text(lang)
    for section in report.sections:
        yield f"\n{word(f'postmortem.heading.{section.name}', lang)}"
        yield from (f"- {_told(each, lang)}" for each in section.lines[:MOST_LINES])
        if (more := len(section.lines) - MOST_LINES) > 0:
            yield f"- {word('incident.chat.more', lang, count=more)}"
    yield f"\n{word('incident.chat.whole', lang, incident=report.incident_id)}"


def _told(each: Line, lang: Lang) -> str:
    return each.text(lang) if each.at is None else f"{moment(each.at, lang)} {each.text(lang)}"


def _answer(key: str, kind: AnswerKind, text: str, lang: Lang, **params: str) -> Answer:
    headline = say(Message(key=f"incident.chat.{key}", params=tuple(params.items())), lang)
    understood = Understood(text=text, lang=lang, intent="act", confidence=1.0)
    return said(kind, headline, understood=understood, lang=lang)
