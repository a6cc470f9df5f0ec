"""From a request to a script or manifest that passed its lint, with its explanation and risk; nothing here runs anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, Field

from sre_copilot.agents.prompts import prompt
from sre_copilot.agents.queries.explaining.anything import explain, unfenced
from sre_copilot.agents.queries.explaining.explained import Explained, Kind
from sre_copilot.agents.queries.schema import Schema
from sre_copilot.agents.queries.writing import write as write_query
from sre_copilot.agents.queries.written import Risk, Source
from sre_copilot.agents.scripts import bash, documents
from sre_copilot.agents.scripts.task import ScriptTask, task_of
from sre_copilot.domain.knowledge import Lang
from sre_copilot.llm.speaking import Ledger, Material, Question, Speaker

REPAIRS = 2
_KINDS: dict[str, Kind] = {"bash": "bash", "python": "python", "yaml": "kubernetes"}
_FORBIDDEN = re.compile(r"\beval\b|curl[^\n|]*\|\s*(?:ba)?sh\b|rm\s+-\w*r\w*f?\w*\s+/(?:\s|$)")
_SEVERITY = (("critical", r"critical|严重|紧急|P0|P1"), ("info", r"\binfo\b|提示"))


class Script(BaseModel):
    """A script that a model proposes."""

    code: str = Field(description="the whole script or manifest, nothing else")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What was written; '' where nothing could be, and then `problems` says why."""

    text: str
    kind: Kind
    explanation: tuple[str, ...] = ()
    risk: Risk = field(default_factory=Risk)
    problems: tuple[str, ...] = ()
    by: Source = "rules"


def write(
    words: str, lang: Lang, *, services: Sequence[str] = (), schema: Schema | None = None, speaker: Speaker, ledger: Ledger
) -> Code:  # fmt: skip
    """Write what is asked for, from a template where there is one, else by a model where there is one."""
    task = task_of(words, services)
    if task is not None and (made := _by_template(task, schema or Schema(), lang)) is not None:
        return made
    language = task.language if task is not None else "bash"
    if speaker.available and (proposed := _by_model(words, language, lang, speaker, ledger)) is not None:
        return proposed
    return Code(text="", kind=_KINDS[language], problems=(_missing(task, lang),))


def _by_template(task: ScriptTask, schema: Schema, lang: Lang) -> Code | None:
    if task.name == "alert_rule":
        return _alert(task, schema, lang)
    if task.name == "manifest":
        return judged(documents.manifest(task), "kubernetes", lang, by="rules") if task.service else None
    if task.language == "python" and (code := documents.python(task)):
        return judged(code, "python", lang, by="rules")
    text = bash.script(task)
    return judged(text, "bash", lang, by="rules") if text else None


def _alert(task: ScriptTask, schema: Schema, lang: Lang) -> Code | None:
    """An alert over an expression that the query rules write, if they are sure of its metric and its limit."""
    written = write_query(task.words, schema, "promql", lang=lang)
    if not written.query or not re.search(r"[<>]=?|[=!]=(?!~)|absent", written.query):
        return None
    name = (
        "".join(part.capitalize() for part in re.findall(r"[a-z]+", task.service.lower() or "generated"))
        + "Alert"
    )
    severity = next(
        (level for level, form in _SEVERITY if re.search(form, task.words, re.IGNORECASE)), "warning"
    )
    text = documents.alert_rule(written.query, name=name, severity=severity, summary=task.words[:120])
    found = judged(text, "alert_rule", lang, by="rules")
    return Code(
        text=found.text,
        kind=found.kind,
        explanation=found.explanation,
        risk=found.risk,
        problems=(*found.problems, *written.problems),
    )


def judged(text: str, kind: Kind, lang: Lang, *, by: Source) -> Code:
    """Code with its lint, explanation and risk."""
    found: Explained = explain(text, lang, kind=kind)
    return Code(
        text=text, kind=kind, explanation=found.lines, risk=found.risk, problems=found.problems, by=by
    )


def _by_model(words: str, language: str, lang: Lang, speaker: Speaker, ledger: Ledger) -> Code | None:
    """What a model writes, if it can be parsed and does nothing that no script of ours may; told why not, it tries twice again."""
    wrong = ""
    for _ in range(REPAIRS + 1):
        if ledger.exhausted():
            return None
        material = [
            Material(text=words, provenance="request"),
            *([Material(text=wrong, provenance="refused script and why")] if wrong else []),
        ]
        reply = speaker.ask(
            Question(
                role="code", instructions=prompt("code", lang).replace("{language}", language), text=f"Write the {language} for the request.", result=Script,
                material=tuple(material), max_calls=1, tier="strong",
            ),
            ledger=ledger,
        )  # fmt: skip
        if reply.value is None:
            return None
        code = judged(unfenced(reply.value.code) + "\n", _KINDS[language], lang, by="model")
        if not code.problems and not _FORBIDDEN.search(code.text):
            return code
        wrong = f"{code.text}\n{'; '.join(code.problems) or 'it runs text that nobody has seen, or deletes a root folder'}"
    return None


def _missing(task: ScriptTask | None, lang: Lang) -> str:
    if task is not None and task.name in bash.NEEDS_SERVICE | {"manifest"} and not task.service:
        return (
            "请指明服务、节点或部署的名称。"
            if lang == "zh"
            else "Name the service, node or deployment that it is for."
        )
    if task is not None and task.name == "alert_rule":
        return (
            "没有足够信息编写告警表达式：请指明已知的指标和阈值。"
            if lang == "zh"
            else "The alert needs a metric that is known here and a limit; name both."
        )
    return (
        "没有适用的模板，也没有配置模型。"
        if lang == "zh"
        else "There is no template for this, and no model is configured that could write it."
    )
