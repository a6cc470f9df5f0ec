"""Localise: the deterministic core's suspects, with the findings that it verified."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import Investigated, TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.measuring import fact
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.times import usual_window, window_of
from sre_copilot.domain.evidence import Check, Finding
from sre_copilot.domain.incident import Outcome, Suspect

SUSPECTS = 5  # named, as in a report
CITED = 4  # findings a suspect that are told, the strongest first


class LocaliseArguments(TimeArguments):
    """Of which incident."""

    entity: str = Field(
        default="", max_length=200, description="Service that is complained of; empty: as reported"
    )
    complaint: str = Field(default="", max_length=500, description="What is complained of, in words")


class Localise(ReadingTool):
    """Names suspects with probability and evidence, or says that there is no fault or that it cannot be told."""

    name = "localise"
    Arguments = LocaliseArguments
    said: ClassVar = {
        "en": "Names the likely root causes of the incident with their evidence, or says that there is none.",
        "zh": "给出本次故障最可能的根因及其证据，或说明没有故障、无法判断。",
    }

    def answer(self, arguments: LocaliseArguments, context: ToolContext) -> ToolResult:
        """Investigate the window by the core."""
        found = investigated(arguments, context)
        diagnosis = found.diagnosis
        by_id = {finding.id: finding for finding in diagnosis.findings}
        digest = Digest(context)
        digest.remark(
            "tool.asked.localise", outcome=diagnosis.outcome.value, probability=round(100 * diagnosis.probability),
            suspects=len(diagnosis.suspects),
        )  # fmt: skip
        for rank, suspect in enumerate(diagnosis.suspects[:SUSPECTS], start=1):
            cited = [by_id[each] for each in suspect.finding_ids if each in by_id]
            if cited:
                digest.state(_suspect(suspect, rank, cited))
            for finding in cited[:CITED]:
                digest.state(finding)
        for reason in diagnosis.reasons[:2]:
            digest.remark(reason.key, **dict(reason.params))
        table = pl.DataFrame(
            [(each.entity, each.score, each.fault_type or "") for each in diagnosis.suspects],
            schema={"entity": pl.String, "score": pl.Float64, "fault_type": pl.String},
            orient="row",
        )
        result = digest.result(found.observation, rows=table, gaps=diagnosis.gaps, diagnosis=diagnosis)
        blind = not digest.findings and diagnosis.outcome is Outcome.INCONCLUSIVE
        return replace(result, outcome="no_data") if blind else result


def investigated(arguments: LocaliseArguments, context: ToolContext) -> Investigated:
    """The core's conclusion on the incident as it is, or on the window that was named."""
    entity = service_of(arguments.entity, context) if arguments.entity else ""
    observation = context.scene.incident_observation()
    if arguments.start or arguments.end or entity or arguments.complaint or observation is None:
        window = window_of(arguments.start, arguments.end, context)
        observation = context.scene.observe(window, complaint=arguments.complaint, entity=entity)
    elif context.incident_window is not None and observation.incident.window != context.incident_window:
        observation = context.scene.observe(usual_window(context))
    return context.investigate(observation)


def _suspect(suspect: Suspect, rank: int, cited: list[Finding]) -> Finding:
    """That somebody is suspect rests on what was found of it: the checks are those of its findings."""
    checks: tuple[Check, ...] = tuple(
        dict.fromkeys(check for finding in cited[:CITED] for check in finding.checks)
    )
    return fact(
        "tool.suspect", suspect.entity, cited[0].modality, checks, window=cited[0].window,
        rank=rank, fault_type=suspect.fault_type or "", findings=len(cited),
    )  # fmt: skip
