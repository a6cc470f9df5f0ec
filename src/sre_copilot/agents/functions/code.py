"""Code agent: writes queries, scripts and manifests, explains those that are given; it never runs anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.agents.queries.explaining.anything import explain
from sre_copilot.agents.queries.explaining.explained import Explained
from sre_copilot.agents.queries.running import QueryScene, discovered
from sre_copilot.agents.queries.schema import Schema
from sre_copilot.agents.queries.text import Text
from sre_copilot.agents.queries.writing import write as write_query
from sre_copilot.agents.queries.written import LANGUAGES, Language, Risk
from sre_copilot.agents.scripts.writing import write as write_code
from sre_copilot.domain.knowledge import Lang

_FENCES = {
    "bash": "bash",
    "python": "python",
    "alert_rule": "yaml",
    "kubernetes": "yaml",
    "compose": "yaml",
    "elasticsearch": "json",
    "topology": "json",
}


class CodeAgent:
    """Writes and explains; what it writes is linted, weighed and explained, and left to a person to run."""

    name: ClassVar[str] = "code"
    tools: ClassVar[tuple[str, ...]] = ("run_query",)
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Writes queries, scripts and manifests with their risk, and explains those that you give; it never runs them.",
        "zh": "编写查询、脚本和清单并标明风险，也解释给出的内容；从不执行。",
    }

    def description(self, lang: Lang) -> str:
        """One sentence on what it can be asked."""
        return self.words[lang]

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """Write or explain."""
        if task.about.intent == "explain":
            return self._explained(task, desk)
        if task.about.intent == "write_query":
            return self._query(task, desk)
        return self._code(task, desk)

    def _explained(self, task: Task, desk: Desk) -> FaultDescription:
        given = given_code(task.about.text)
        found = explain(given, desk.context.lang)
        if found.kind == "unknown":
            return FaultDescription(agent=self.name, problem="; ".join(found.problems))
        return FaultDescription(
            agent=self.name, body=told(found, desk.context.lang), data={"explained": found}
        )

    def _query(self, task: Task, desk: Desk) -> FaultDescription:
        said = task.about.parameters.get("language", "")
        language: Language | None = next((each for each in LANGUAGES if each == said), None)
        lang = desk.context.lang
        written = write_query(
            task.about.text,
            schema_at(desk),
            language,
            lang=lang,
            now=desk.context.scene.now(),
            speaker=desk.speaker,
            ledger=desk.ledger,
        )
        if not written.query:
            return FaultDescription(agent=self.name, problem=" ".join(written.problems))
        parts = [
            fenced(written.query, written.language),
            written.explanation,
            risk_words(written.risk, lang),
            *written.problems,
            never_run(lang),
        ]
        return FaultDescription(
            agent=self.name, body="\n".join(filter(None, parts)), data={"written": written}
        )

    def _code(self, task: Task, desk: Desk) -> FaultDescription:
        lang = desk.context.lang
        needs_metrics = any(word in task.about.text.lower() for word in ("alert", "告警", "报警"))
        schema = schema_at(desk) if needs_metrics else Schema()
        code = write_code(
            task.about.text,
            lang,
            services=task.services,
            schema=schema,
            speaker=desk.speaker,
            ledger=desk.ledger,
        )
        if not code.text:
            return FaultDescription(agent=self.name, problem=" ".join(code.problems))
        parts = [
            fenced(code.text.rstrip(), code.kind),
            *code.explanation,
            risk_words(code.risk, lang),
            *code.problems,
            never_run(lang),
        ]
        return FaultDescription(agent=self.name, body="\n".join(filter(None, parts)), data={"code": code})


def schema_at(desk: Desk) -> Schema:
    """What there is to ask for where the agent stands: of live sources by discovery, of a recording its services alone."""
    scene = desk.context.scene
    services = scene.services()
    return (
        discovered(scene.query_sources(), services)
        if isinstance(scene, QueryScene)
        else Schema(services=services)
    )


def given_code(text: str) -> str:
    """What is to be explained: what stands between fences or quotes, after a colon, or on the lines after the first."""
    if "```" in text:
        return text
    quotes = [quote for quote, _ in Text(text).quotes]
    if quotes and (longest := max(quotes, key=len)) and len(longest) > 0.4 * len(text):
        return longest
    first, _, rest = text.partition("\n")
    if rest.strip():
        return rest.strip() if len(first) < 200 else text
    for mark in (":", "："):
        head, found, tail = text.partition(mark)
        if found and tail.strip() and " " in head.strip() + " " and not any(sign in head for sign in "{[("):
            return tail.strip()
    return max(quotes, key=len, default=text)


def told(found: Explained, lang: Lang) -> str:
    """An explanation as text."""
    return "\n".join(filter(None, [*found.lines, risk_words(found.risk, lang), *found.problems]))


def fenced(text: str, kind: str) -> str:
    """Code between fences."""
    return f"```{_FENCES.get(kind, kind)}\n{text}\n```"


def risk_words(risk: Risk, lang: Lang) -> str:
    """A risk in words."""
    names = {"none": "无", "low": "低", "medium": "中", "high": "高", "critical": "严重"}
    reasons = " ".join(risk.reasons)
    return (
        f"风险：{names[risk.level]}。{reasons}" if lang == "zh" else f"Risk: {risk.level}. {reasons}".strip()
    )


def never_run(lang: Lang) -> str:
    """That nothing was run."""
    return "以上内容未执行。" if lang == "zh" else "It was not run."
