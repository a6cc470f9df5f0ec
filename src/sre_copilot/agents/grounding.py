"""What may be printed: claims whose findings hold when they are looked up again. Nothing else makes an `Answer`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sre_copilot.agents.answer import Answer, AnswerKind, Claim, Understood
from sre_copilot.agents.printable import printable, printable_quote, printable_recall
from sre_copilot.agents.scene import Scene
from sre_copilot.agents.tool import Investigated
from sre_copilot.domain.evidence import Finding, Gap, Message, Refutation
from sre_copilot.domain.incident import Diagnosis, Observation, Outcome, Suspect
from sre_copilot.domain.knowledge import Lang, Recalled, Retrieved
from sre_copilot.domain.signals import Window
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.evidence.verify import verify
from sre_copilot.llm.speaking import Usage
from sre_copilot.perception.source import Asked


class Grounds:
    """All findings of one answer, each with the telemetry that it is about."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._findings: dict[str, tuple[Finding, Observation | None]] = {}
        self._evaluators: dict[int, tuple[Observation, Evaluator]] = {}
        self._verdicts: dict[str, Refutation | None] = {}
        self._observed_values: dict[str, tuple[float | None, ...]] = {}

    def add(self, findings: Iterable[Finding], observation: Observation | None = None) -> None:
        """Keep findings; without an observation they are looked up in the scene."""
        for finding in findings:
            self._findings.setdefault(finding.id, (finding, observation))

    def finding(self, name: str) -> Finding | None:
        """A finding by its id."""
        return self._findings[name][0] if name in self._findings else None

    def holds(self, name: str) -> bool:
        """Whether a finding is known and each of its checks holds now."""
        return name in self._findings and self._refutation(name) is None

    def struck(self) -> tuple[Refutation, ...]:
        """What was looked up and did not hold."""
        return tuple(each for each in self._verdicts.values() if each is not None)

    def observed(self, names: Iterable[str]) -> dict[str, tuple[float | None, ...]]:
        """What the checks of findings that were looked up evaluated to."""
        return {name: self._observed_values[name] for name in names if name in self._observed_values}

    def _refutation(self, name: str) -> Refutation | None:
        if name not in self._verdicts:
            finding, observation = self._findings[name]
            found = observation or self._observed(finding)
            verification = verify([finding], found, evaluator=self._evaluator(found))
            self._verdicts[name] = verification.refuted[0] if verification.refuted else None
            self._observed_values |= verification.observed
        return self._verdicts[name]

    def _evaluator(self, observation: Observation) -> Evaluator:
        kept = self._evaluators.get(id(observation))
        if kept is None or kept[0] is not observation:
            kept = (observation, Evaluator(observation))
            self._evaluators[id(observation)] = kept
        return kept[1]

    def _observed(self, finding: Finding) -> Observation:
        recorded = self._scene.incident_observation()
        if recorded is not None:
            return recorded
        return self._scene.observe(_span(finding, self._scene.bounds()))


def _span(finding: Finding, bounds: Window) -> Window:
    """From the earliest to the latest time that the checks of a finding ask for."""
    queries = [
        query for check in finding.checks for query in (check.query, check.against) if query is not None
    ]
    windows = [query.window for query in queries if query.window is not None]
    if not windows:
        return finding.window or bounds
    return Window(min(each.start for each in windows), max(each.end for each in windows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer before it was checked."""

    kind: AnswerKind
    lang: Lang
    understood: Understood
    headline: Claim
    fallback: str
    claims: tuple[Claim, ...] = ()
    gaps: tuple[Gap, ...] = ()
    reasons: tuple[Message, ...] = ()
    next_steps: tuple[Message, ...] = ()
    investigated: Investigated | None = None
    diagnosis: Diagnosis | None = None
    quotes: tuple[Retrieved, ...] = ()
    recalled: tuple[Recalled, ...] = ()
    asked: tuple[Asked, ...] = ()
    body: str = ""
    partial: str = ""
    usage: Usage = field(default_factory=Usage)


def ground(draft: Draft, grounds: Grounds) -> Answer:
    """Turn a draft into an answer: each claim is kept only when all of its findings hold, and none without findings is.

    The headline falls back to `fallback`, which states nothing about telemetry, when what it rests on does not hold; the diagnosis is
    then inconclusive.
    """
    kept = tuple(
        replace(claim, text=printable(claim.text)) for claim in draft.claims if _carried(claim, grounds)
    )
    stands = not draft.headline.finding_ids or _carried(draft.headline, grounds)
    names = dict.fromkeys(
        name for claim in ((draft.headline,) if stands else ()) + kept for name in claim.finding_ids
    )
    findings = tuple(found for name in names if (found := grounds.finding(name)) is not None)
    return Answer(
        kind=draft.kind,
        lang=draft.lang,
        headline=printable(draft.headline.text if stands else draft.fallback),
        understood=draft.understood,
        claims=kept,
        findings=findings,
        observed=grounds.observed(names),
        struck=grounds.struck(),
        gaps=draft.gaps,
        reasons=draft.reasons if stands else (),
        next_steps=draft.next_steps if stands else (),
        diagnosis=draft.diagnosis if stands or draft.diagnosis is None else _withdrawn(draft.diagnosis),
        investigated=draft.investigated if stands else None,
        quotes=tuple(printable_quote(quote) for quote in draft.quotes),
        recalled=tuple(printable_recall(known) for known in draft.recalled),
        asked=draft.asked,
        body=draft.body,
        partial=draft.partial,
        usage=draft.usage,
    )


def said(kind: AnswerKind, headline: str, *, understood: Understood, lang: Lang) -> Answer:
    """An answer that states nothing about telemetry, as what came of a command."""
    return Answer(kind=kind, lang=lang, headline=printable(headline), understood=understood)


def _carried(claim: Claim, grounds: Grounds) -> bool:
    return bool(claim.finding_ids) and all(grounds.holds(name) for name in claim.finding_ids)


def _withdrawn(diagnosis: Diagnosis) -> Diagnosis:
    return replace(diagnosis, outcome=Outcome.INCONCLUSIVE)


def blamed_changes(diagnosis: Diagnosis, culprit: Suspect) -> tuple[Finding, ...]:
    """Findings of changes that may be blamed: their content was read, and they touch the culprit itself."""
    return tuple(
        finding
        for finding in diagnosis.findings
        if finding.modality == "changes" and finding.entity == culprit.entity and _content_read(finding)
    )


def _content_read(finding: Finding) -> bool:
    words = ("contains", "kind")
    return any(
        name in words or name.startswith("detail.")
        for check in finding.checks
        for name, _ in check.query.where
    )


def sound_culprit(diagnosis: Diagnosis) -> Diagnosis:
    """Leave out of the culprit's support the changes that may not be blamed."""
    culprit = diagnosis.culprit
    if culprit is None:
        return diagnosis
    changes = {finding.id for finding in diagnosis.findings if finding.modality == "changes"}
    allowed = {finding.id for finding in blamed_changes(diagnosis, culprit)}
    kept = tuple(name for name in culprit.finding_ids if name not in changes - allowed)
    if kept == culprit.finding_ids:
        return diagnosis
    if not kept:
        return replace(diagnosis, outcome=Outcome.INCONCLUSIVE)
    return replace(diagnosis, suspects=(replace(culprit, finding_ids=kept), *diagnosis.suspects[1:]))


def claims_of(findings: Sequence[Finding], sentences: Sequence[str]) -> tuple[Claim, ...]:
    """One claim a finding, in the finding's own sentence."""
    pairs = zip(findings, sentences, strict=True)
    return tuple(Claim(text=sentence, finding_ids=(finding.id,)) for finding, sentence in pairs)
