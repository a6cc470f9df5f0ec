"""Handling one alert: its context is read, rules and, where there is one, a model say what matters in it, and only what re-runs true is said.

    processor = AlertProcessor(lambda: open_for_investigation(settings), speaker=speaker)
    result = await processor.process_alert(of_event(event))
    result["metrics"], result.sentences("en")

It looks before the alert, so that it need not wait for anything; the investigation of the incident looks at all of it, later.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, Field

from sre_copilot.agents.answer import Claim
from sre_copilot.agents.printable import printable
from sre_copilot.agents.prompts import prompt
from sre_copilot.domain.evidence import Finding, Gap, Message, Refutation
from sre_copilot.domain.knowledge import Lang
from sre_copilot.domain.signals import Change, Window
from sre_copilot.errors import SourceError
from sre_copilot.evidence.verify import verify
from sre_copilot.incidents.casework.alert_context import Alert, Context, KnownChanges, context_of
from sre_copilot.incidents.casework.alert_findings import findings_of
from sre_copilot.incidents.report.words import say
from sre_copilot.llm.speaking import Material, Question, Silent, Speaker
from sre_copilot.perception.promql.rules import AlertRule
from sre_copilot.perception.source import Source

ROLE = "alert"
TASK: Mapping[Lang, str] = {
    "en": "Which findings explain why this alert fires?",
    "zh": "哪些发现能解释这条告警为何触发？",
}


class Chosen(BaseModel):
    """Which findings matter."""

    finding_ids: list[str] = Field(
        max_length=12, description="ids (F-…) of the findings that help, the most telling first; empty when none does"
    )  # fmt: skip


@runtime_checkable
class RuleSource(Protocol):
    """A source that knows the alerting rules of its server."""

    def alert_rules(self) -> tuple[AlertRule, ...]:
        """All of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisResult:
    """What was found about an alert. `findings` re-ran true and stand in the order of their weight; `chosen_by` says who ordered them; `struck` did not."""

    alert: Alert
    context: Context
    findings: tuple[Finding, ...]
    struck: tuple[Refutation, ...] = ()
    gaps: tuple[Gap, ...] = ()
    rule: AlertRule | None = None
    chosen_by: Literal["rules", "model"] = "rules"

    def __getitem__(self, key: str) -> Any:
        """A part of the context: `metrics`, `logs` or `service_info`."""
        return self.context[key]

    def claims(self, lang: Lang) -> tuple[Claim, ...]:
        """One sentence a finding."""
        return tuple(
            Claim(text=printable(say(finding.message, lang)), finding_ids=(finding.id,))
            for finding in self.findings
        )

    def sentences(self, lang: Lang) -> tuple[str, ...]:
        """What is said: each finding, then what could not be seen; one line where nothing was found."""
        said = [claim.text for claim in self.claims(lang)]
        if not said:
            said = [say(Message(key="alert.nothing", params=(("name", self.alert.name),)), lang)]
        return (*said, *(printable(say(gap.message, lang)) for gap in self.gaps))


class AlertProcessor:
    """Analyses alerts on the configured sources; each call opens them and closes them again.

    Parameters
    ----------
    examine : opens the sources: one of metrics that takes PromQL, one of logs, and what knows of services
    speaker : speaks to a model; its configured temperature counts (0.3 by default); without one, rules alone order what was found
    told : changes that pipelines told us of, in a window
    """

    def __init__(
        self,
        examine: Callable[[], Sequence[Source]],
        *,
        speaker: Speaker | None = None,
        told: KnownChanges | None = None,
        lang: Lang = "en",
    ) -> None:
        self._examine = examine
        self._speaker = speaker or Silent()
        self._told = told or _nothing
        self._lang: Lang = lang

    async def process_alert(self, alert: Alert) -> AnalysisResult:
        """Get the context, analyse it, and say what stands; the waiting is done in a thread."""
        return await asyncio.to_thread(self.process, alert)

    def process(self, alert: Alert) -> AnalysisResult:
        """The same for those who may wait."""
        context = self._get_context(alert)
        chosen, chosen_by = self._analyse(alert, context)
        return self._process_result(alert, context, chosen, chosen_by)

    def _get_context(self, alert: Alert) -> Context:
        sources = self._examine()
        try:
            rules, gaps = self._load_alert_rules(sources)
            context = context_of(alert, sources, rules=rules, told=self._told)
            return replace(context, gaps=(*context.gaps, *gaps))
        finally:
            for source in sources:
                source.close()

    def _load_alert_rules(self, sources: Sequence[Source]) -> tuple[Mapping[str, AlertRule], tuple[Gap, ...]]:
        """Rules by the name of their alert, as the servers have them now; what could not be asked is a gap."""
        found: dict[str, AlertRule] = {}
        gaps: list[Gap] = []
        for source in sources:
            if isinstance(source, RuleSource):
                try:
                    found = {**{rule.name: rule for rule in source.alert_rules()}, **found}
                except SourceError as error:
                    params = (("source", source.name), ("problem", error.problem))
                    gaps.append(Gap(modality="alerts", message=Message(key="gap.alert.rules", params=params)))
        return found, tuple(gaps)

    def _analyse(
        self, alert: Alert, context: Context
    ) -> tuple[tuple[Finding, ...], Literal["rules", "model"]]:
        """Let rules measure, and a model choose among what was measured."""
        findings = findings_of(alert, context)
        if len(findings) < 2 or not self._speaker.available:
            return findings, "rules"
        question = self._generate_prompt(alert, context, findings)
        reply = self._speaker.ask(question, ledger=self._speaker.ledger())
        known = {finding.id: finding for finding in findings}
        names = dict.fromkeys(reply.value.finding_ids if reply.value else ())
        chosen = tuple(known[name] for name in names if name in known)
        return (chosen, "model") if chosen else (findings, "rules")

    def _generate_prompt(
        self, alert: Alert, context: Context, findings: Sequence[Finding]
    ) -> Question[Chosen]:
        """The question to the model: the alert with its rule and its service, and the findings, all of it as data."""
        told = [f"[{finding.id}] {say(finding.message, self._lang)}" for finding in findings]
        return Question(
            role=ROLE,
            instructions=prompt(ROLE, self._lang),
            text=TASK[self._lang],
            result=Chosen,
            material=(
                Material(text=json.dumps(_facts(alert, context), ensure_ascii=False), provenance="the alert"),
                Material(text="\n".join(told), provenance="measured findings"),
            ),
            max_calls=2,
        )

    def _process_result(
        self,
        alert: Alert,
        context: Context,
        chosen: tuple[Finding, ...],
        chosen_by: Literal["rules", "model"],
    ) -> AnalysisResult:
        """Re-run what is to be said; what does not hold is struck out."""
        verified = verify(list(chosen), context.observation(alert))
        struck = {each.finding.id for each in verified.refuted}
        return AnalysisResult(
            alert=alert,
            context=context,
            findings=tuple(finding for finding in chosen if finding.id not in struck),
            struck=tuple(verified.refuted),
            gaps=context.gaps,
            rule=context.rule,
            chosen_by=chosen_by,
        )


def _facts(alert: Alert, context: Context) -> dict[str, Any]:
    """What a model is told of an alert besides the findings."""
    info, rule = context.service_info, context.rule
    return {
        "name": alert.name,
        "summary": alert.summary,
        "service": alert.service,
        "metric_query": alert.metric_query,
        "rule": {"expression": rule.expression, "for_seconds": rule.for_seconds, "labels": dict(rule.labels)}
        if rule
        else None,
        "called_by": list(info.upstream),
        "calls": list(info.downstream),
        "owner": info.owner,
    }


def _nothing(window: Window) -> Sequence[Change]:
    return ()
