"""What a worker does: one incident, one arm; the bare core beside it, and every printed claim looked up once more."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from sre_copilot.agents.answer import Answer
from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.app.core import RegisteredCore
from sre_copilot.app.team import make_copilot
from sre_copilot.domain.incident import Diagnosis, Observation, Outcome
from sre_copilot.errors import SreCopilotError
from sre_copilot.eval.agents.actors import liar, strong
from sre_copilot.eval.agents.arms import Arm
from sre_copilot.eval.agents.attacks import planted
from sre_copilot.eval.agents.knowing import library_of
from sre_copilot.eval.rca.judge import read_facts
from sre_copilot.eval.rca.judgement import strict_ranking
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.evidence.verify import verify
from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.speaking import Silent, Speaker
from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.settings.llm import LanguageModel, Llm

NOBODY = "a-service-that-is-not-there"
Verdict = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One case in one arm."""

    folder: Path
    name: str
    arm: Arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the team said, as plain data. `unreproduced` counts printed claims with a finding that does not re-run true."""

    case: str
    set: str
    arm: str
    core: Verdict = ("", "", "")
    team: Verdict = ("", "", "")
    ranking: tuple[str, ...] = ()
    claims: int = 0
    unreproduced: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    partial: str = ""
    error: str = ""

    @property
    def kept(self) -> bool:
        """Whether the verdict is the core's, or inconclusive."""
        return self.team == self.core or self.team[0] == Outcome.INCONCLUSIVE.value


def judge(task: Task) -> Judged:
    """Do one task; a case that cannot be read is an error of its own."""
    facts = read_facts(task.folder)
    set_name = str(facts.get("set") or "unnamed")
    try:
        observation = RecordedSource(task.folder).observe()
        if task.arm.injected:
            observation = planted(observation)
        return _judged(observation, task, set_name)
    except SreCopilotError as error:
        return Judged(case=task.folder.name, set=set_name, arm=task.name, error=str(error))


def _judged(observation: Observation, task: Task, set_name: str) -> Judged:
    core = RegisteredCore()(observation).diagnosis
    copilot = make_copilot(
        RecordedScene(observation, name=task.folder.name),
        speaker=speaker_of(task.arm, observation),
        library=library_of(task.arm.known),
        reflecting=task.arm.reflecting,
    )
    started = time.perf_counter()
    answer = copilot.investigate(observation)
    seconds = time.perf_counter() - started
    diagnosis = answer.diagnosis
    if diagnosis is None:
        raise SreCopilotError(f"{task.folder.name}: the team gave no diagnosis")
    claims, unreproduced = looked_up(answer, observation)
    return Judged(
        case=task.folder.name,
        set=set_name,
        arm=task.name,
        core=verdict_of(core),
        team=verdict_of(diagnosis),
        ranking=tuple(suspect.entity for suspect in strict_ranking(diagnosis.suspects)),
        claims=claims,
        unreproduced=unreproduced,
        calls=answer.usage.calls,
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
        seconds=seconds,
        partial=answer.partial,
    )


def verdict_of(diagnosis: Diagnosis) -> Verdict:
    """Outcome, culprit and type."""
    culprit = diagnosis.culprit
    return (
        diagnosis.outcome.value,
        culprit.entity if culprit else "",
        (culprit.fault_type or "") if culprit else "",
    )


def looked_up(answer: Answer, observation: Observation) -> tuple[int, int]:
    """How many claims were printed, the headline of a fault among them, and how many have a finding that does not hold on the raw tables."""
    known = {finding.id: finding for finding in answer.findings}
    cited = [claim.finding_ids for claim in answer.claims]
    if answer.diagnosis is not None and answer.diagnosis.culprit is not None:
        cited.append(answer.diagnosis.culprit.finding_ids)
    evaluator = Evaluator(observation)
    findings = [known[name] for names in cited for name in names if name in known]
    true = {finding.id for finding in verify(findings, observation, evaluator=evaluator).confirmed}
    return len(cited), sum(not names or not set(names) <= true for names in cited)


def speaker_of(arm: Arm, observation: Observation) -> Speaker:
    """The speaker of an arm; the liar names a candidate that is not the core's."""
    if arm.actor == "none":
        return Silent()
    if arm.actor == "local":
        model = LanguageModel(model="openai/local", url=arm.url, timeout_seconds=300)
        return make_speaker(Llm(models={"fast": model, "strong": model}))
    actor = strong() if arm.actor == "strong" else liar(_wrong(RegisteredCore()(observation).diagnosis))
    return make_speaker(Llm(), models={"fast": actor, "strong": actor})


def _wrong(core: Diagnosis) -> str:
    named = core.culprit.entity if core.culprit else ""
    return next((each.entity for each in reversed(core.suspects) if each.entity != named), NOBODY)
