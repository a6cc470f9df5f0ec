"""Puts together what the experts found: all findings once, the kinds of fault that they point to, and what nobody could see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import ClassVar

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.agents.experts.expert import said
from sre_copilot.agents.grounding import claims_of
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.knowledge import Lang

TOLD = 8  # findings in the summary, the strongest of each entity first


class DiagnosisAgent:
    """Names the fault types that findings point to, and sums up."""

    name: ClassVar[str] = "diagnosis"
    tools: ClassVar[tuple[str, ...]] = ("detect_anomalies",)
    words: ClassVar[Mapping[Lang, str]] = {
        "en": "Puts together what the experts found: fault types, the strongest signs, what could not be seen.",
        "zh": "汇总各专家的发现：故障类型、最强的迹象，以及无法看到的部分。",
    }

    def description(self, lang: Lang) -> str:
        """One sentence on what it can be asked."""
        return self.words[lang]

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """Merge the experts' findings and let detectors that no expert has run too."""
        if desk.observation is None:
            return FaultDescription(agent=self.name, problem="there is nothing to look at")
        known = {name for each in desk.before.values() for name in each.data.get("detectors", ())}
        rest = [name for name in desk.core.detectors if name not in known]
        more, more_gaps = desk.core.detect(desk.observation, rest)
        findings = _once([*(f for each in desk.before.values() for f in each.findings), *more])
        told = _leading(findings)
        return FaultDescription(
            agent=self.name,
            claims=claims_of(told, [said(finding, desk) for finding in told]),
            findings=findings,
            gaps=tuple(dict.fromkeys([*(g for each in desk.before.values() for g in each.gaps), *more_gaps])),
            data={"fault_types": fault_types(findings)},
        )


def fault_types(findings: tuple[Finding, ...]) -> dict[str, float]:
    """Fault types that findings point to, with the nats that speak for each, the strongest first."""
    weights: defaultdict[str, float] = defaultdict(float)
    for finding in findings:
        if finding.fault_type:
            weights[finding.fault_type] += finding.weight
    return dict(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])))


def _once(findings: list[Finding]) -> tuple[Finding, ...]:
    found = {finding.id: finding for finding in findings}
    return tuple(sorted(found.values(), key=lambda finding: (-finding.weight, finding.id)))


def _leading(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    first = {finding.entity: finding for finding in reversed(findings)}
    return tuple(sorted(first.values(), key=lambda finding: (-finding.weight, finding.id)))[:TOLD]
