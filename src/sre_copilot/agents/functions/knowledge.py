"""Knowledge agent: quotes what documents say, and recalls known faults that fit what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.agents.functions.root_cause import Concluded
from sre_copilot.agents.planning import WHOLE_TEAM
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Lang, Recalled, Scope
from sre_copilot.knowledge.answering import Answered

QUOTED = 3  # passages: as many as a person reads
RECALLED = 3
ALIKE = 0.6  # match from which on a known fault whose checks do not all hold is still shown


class KnowledgeAgent:
    """Searches documents and recalls known faults; both steer what is read next, never the verdict."""

    name: ClassVar[str] = "knowledge"
    tools: ClassVar[tuple[str, ...]] = ("search_knowledge", "similar_incidents")
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Quotes your documents with page and heading, and recalls faults that were like this one.",
        "zh": "引用文档原文（含页码与标题），并回忆与此相似的故障。",
    }

    def description(self, lang: Lang) -> str:
        """One sentence on what it can be asked."""
        return self.words[lang]

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """After a conclusion: what is known of such a fault. Asked alone: what the documents say, or which faults were alike."""
        if desk.context.library is None:
            return FaultDescription(agent=self.name, problem=_NOTHING_KNOWN[desk.context.lang])
        if task.about.intent in WHOLE_TEAM:
            return self._known_of(desk)
        if task.about.intent == "similar":
            return self._alike(desk)
        return self._quoted(task, desk)

    def _known_of(self, desk: Desk) -> FaultDescription:
        cause = desk.before.get("root_cause")
        concluded = cause.data.get("concluded") if cause else None
        if (
            not isinstance(concluded, Concluded)
            or concluded.diagnosis.culprit is None
            or desk.context.library is None
        ):
            return FaultDescription(agent=self.name)
        culprit = concluded.diagnosis.culprit
        recalled = desk.context.library.recall(
            concluded.investigated.considered,
            observation=concluded.investigated.observation,
            fault_type=culprit.fault_type or "",
            limit=RECALLED,
        )
        fitting = tuple(each for each in recalled if _fits(each, culprit.fault_type or ""))
        return FaultDescription(agent=self.name, recalled=fitting)

    def _alike(self, desk: Desk) -> FaultDescription:
        observation: Observation | None = desk.context.scene.incident_observation()
        if observation is None or desk.context.library is None:
            return FaultDescription(agent=self.name, problem=_NO_INCIDENT[desk.context.lang])
        findings, _ = desk.core.detect(observation, desk.core.detectors)
        recalled = desk.context.library.recall(findings, observation=observation, limit=RECALLED)
        problem = "" if recalled else _NOTHING_ALIKE[desk.context.lang]
        return FaultDescription(agent=self.name, recalled=recalled, problem=problem)

    def _quoted(self, task: Task, desk: Desk) -> FaultDescription:
        if desk.context.library is None:
            return FaultDescription(agent=self.name, problem=_NOTHING_KNOWN[desk.context.lang])
        scope = Scope(services=task.services) if task.services else None
        answered = desk.context.library.answer(task.about.text, scope=scope, limit=QUOTED)
        if answered.quotes:
            return FaultDescription(agent=self.name, quotes=answered.quotes)
        return FaultDescription(agent=self.name, problem=_refusal(answered, desk))


def _fits(known: Recalled, fault_type: str) -> bool:
    """Whether a known fault is worth showing: its checks hold now, or it matches well and speaks of the same family of faults."""
    its = known.card.fault_type if known.card else (known.past.fault_type if known.past else "")
    same = not its or not fault_type or its.partition("/")[0] == fault_type.partition("/")[0]
    return same and (known.confirmed or known.match >= ALIKE)


def _refusal(answered: Answered, desk: Desk) -> str:
    """Why no document answers: what they do not speak of, and what they say about the same thing."""
    key = "team.no_answer_terms" if answered.missing else "team.no_answer"
    near = dict.fromkeys(each.passage.title for each in answered.nearest[:QUOTED])
    listed = Message(key="team.near", params=(("near", "; ".join(near)),))
    shown = desk.context.say(listed, desk.context.lang) if near else ""
    params = (("missing", ", ".join(answered.missing)), ("near", shown))
    return desk.context.say(Message(key=key, params=params), desk.context.lang)


_NOTHING_KNOWN: Mapping[Lang, str] = {
    "en": "No documents and no experience were added yet: sre-copilot knowledge add PATH.",
    "zh": "尚未添加任何文档或经验：sre-copilot knowledge add PATH。",
}
_NOTHING_ALIKE: Mapping[Lang, str] = {
    "en": "No known fault is like this one.",
    "zh": "没有与此相似的已知故障。",
}
_NO_INCIDENT: Mapping[Lang, str] = {
    "en": "Name an incident first, so that there is something to compare with: ask for its cause, or give --case.",
    "zh": "请先指明一个故障以便对比：询问其根因，或使用 --case。",
}
