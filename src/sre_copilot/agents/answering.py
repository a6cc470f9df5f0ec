"""From what the team returned to an answer: what is said first, what supports it, what is left unsaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sre_copilot.agents.agent import Desk, FaultDescription, Task
from sre_copilot.agents.answer import Answer, AnswerKind, Claim, Understood
from sre_copilot.agents.functions.root_cause import Concluded
from sre_copilot.agents.grounding import Draft, Grounds, claims_of, ground
from sre_copilot.agents.printable import printable_quote, printable_recall
from sre_copilot.agents.prose import reworded
from sre_copilot.agents.scene import Scene
from sre_copilot.agents.tool import Say
from sre_copilot.agents.verdict import verdict_message
from sre_copilot.domain.evidence import Finding, Message
from sre_copilot.domain.incident import Outcome
from sre_copilot.domain.knowledge import Recalled, Retrieved

ABNORMAL = ("tool.anomaly.above", "tool.anomaly.below")
TOLD = 8  # claims that an answer shows; the findings hold the rest


def answer_of(
    understood: Understood,
    desk: Desk,
    done: Mapping[str, FaultDescription],
    tasks: Sequence[Task],
) -> Answer:
    """Form the answer from what each task returned; the last task speaks where no cause was looked for."""
    grounds = Grounds(desk.context.scene)
    for each in done.values():
        for result in each.data.get("results", ()):
            grounds.add(result.findings, result.observation)
        grounds.add(each.findings, desk.observation)
    cause = done.get("root_cause")
    if cause is not None and isinstance(cause.data.get("concluded"), Concluded):
        return _diagnosis(understood, desk, done, grounds, cause.data["concluded"])
    return _measured(understood, desk, done[tasks[-1].id], grounds)


def _diagnosis(
    understood: Understood,
    desk: Desk,
    done: Mapping[str, FaultDescription],
    grounds: Grounds,
    concluded: Concluded,
) -> Answer:
    diagnosis = concluded.diagnosis
    grounds.add(concluded.investigated.considered, concluded.investigated.observation)
    culprit = diagnosis.culprit
    headline = Claim(
        text=desk.context.say(verdict_message(diagnosis), understood.lang),
        finding_ids=culprit.finding_ids if culprit else (),
    )
    claims = _about(understood, done, done["root_cause"].claims)
    of_services = understood.intent == "anomalies" and bool(understood.services)
    if of_services:
        headline, claims = _of_services(understood, desk, done, headline)
    knowledge = done.get("knowledge") or FaultDescription(agent="knowledge")
    draft = Draft(
        kind="measured" if understood.intent == "anomalies" else "diagnosis",
        lang=understood.lang,
        understood=understood,
        headline=headline,
        fallback=desk.context.say(Message(key=f"verdict.{Outcome.INCONCLUSIVE.value}"), understood.lang),
        claims=reworded(claims[:TOLD], desk),
        gaps=diagnosis.gaps,
        reasons=() if of_services else diagnosis.reasons,
        next_steps=() if of_services else diagnosis.next_steps,
        investigated=concluded.investigated,
        diagnosis=None if of_services else diagnosis,
        quotes=knowledge.quotes,
        recalled=knowledge.recalled,
        asked=desk.context.scene.asked(),
    )
    return ground(draft, grounds)


def _of_services(
    understood: Understood, desk: Desk, done: Mapping[str, FaultDescription], verdict: Claim
) -> tuple[Claim, tuple[Claim, ...]]:
    """Whether the services that were asked about are abnormal, whoever is the cause; the verdict on the whole comes after it.

    "Nothing abnormal" is said only of what was judged, and rests on those judgements; what nothing could judge is said to be so.
    """
    changes = {finding.id for finding in done["change"].findings} if "change" in done else set()
    own = tuple(claim for claim in _about(understood, done, ()) if not changes & set(claim.finding_ids))
    results = done["monitor"].data.get("results", ()) if "monitor" in done else ()
    judged = [finding for result in results for finding in result.findings]
    abnormal = [finding for finding in judged if finding.kind in ABNORMAL]
    told = claims_of(abnormal, [desk.context.say(each.message, understood.lang) for each in abnormal])
    if own or told:
        first = (*own, *told)[0]
        return first, (*own, *told, verdict)
    key = "team.nothing_abnormal" if judged else "team.not_judged"
    params = (("services", ", ".join(understood.services)), ("series", len(judged)))
    text = desk.context.say(Message(key=key, params=params), understood.lang)
    return Claim(text=text, finding_ids=tuple(finding.id for finding in judged)), (verdict,)


def _measured(understood: Understood, desk: Desk, description: FaultDescription, grounds: Grounds) -> Answer:
    kind = _kind(understood.intent)
    silent = not (description.claims or description.quotes or description.body or description.recalled)
    problem = description.problem or (desk.context.say(Message(key="team.nothing"), understood.lang))
    plainly = problem if silent else _first_words(description, desk, understood)
    headline, claims = _led(description, grounds) or (Claim(text=plainly, finding_ids=()), description.claims)
    draft = Draft(
        kind="declined" if silent else kind,
        lang=understood.lang,
        understood=understood,
        headline=headline,
        fallback=plainly,
        claims=reworded(claims[:TOLD], desk),
        gaps=description.gaps,
        quotes=description.quotes,
        recalled=description.recalled,
        asked=description.asked,
        body=description.body,
    )
    answer = ground(draft, grounds)
    if draft.claims and not answer.claims:
        return declined(desk.context.scene, desk.context.say, understood, "team.not_reproduced")
    return answer


def _led(description: FaultDescription, grounds: Grounds) -> tuple[Claim, tuple[Claim, ...]] | None:
    """The strongest judgement as the headline, and the claims with all judgements first; None where nothing was judged."""
    judged = [name for name in description.data.get("judged", ()) if grounds.holds(name)]
    if not judged:
        return None

    def rank(name: str) -> tuple[bool, float]:
        found = grounds.finding(name)
        return (found is not None and found.kind in ABNORMAL, found.weight if found else 0.0)

    place = {name: at for at, name in enumerate(sorted(judged, key=rank, reverse=True))}
    last = len(place)
    ordered = sorted(
        description.claims,
        key=lambda claim: min((place.get(each, last) for each in claim.finding_ids), default=last),
    )
    return ordered[0], tuple(ordered)


def with_quotes(answer: Answer, found: Sequence[Retrieved], say: Say) -> Answer:
    """The answer with passages that answer too; a refusal becomes an answer."""
    shown = tuple(printable_quote(each) for each in found)
    if answer.kind != "declined":
        return replace(answer, quotes=shown)
    return replace(
        answer, kind="knowledge", headline=say(Message(key="team.found"), answer.lang), quotes=shown
    )


def with_recalled(answer: Answer, known: Recalled) -> Answer:
    """The answer with the fault that was recognised at once before the others that are alike."""
    shown = printable_recall(known)
    others = tuple(each for each in answer.recalled if (each.card, each.past) != (shown.card, shown.past))
    return replace(answer, recalled=(shown, *others))


def declined(scene: Scene, say: Say, understood: Understood, key: str, **params: str) -> Answer:
    """An answer that says why there is none."""
    return ground(plain(say, understood, key, kind="declined", **params), Grounds(scene))


def plain(say: Say, understood: Understood, key: str, *, kind: AnswerKind, **params: str) -> Draft:
    """A draft of one sentence that states nothing about telemetry."""
    text = say(Message(key=key, params=tuple(params.items())), understood.lang)
    return Draft(
        kind=kind,
        lang=understood.lang,
        understood=understood,
        headline=Claim(text=text, finding_ids=()),
        fallback=text,
    )


def _kind(intent: str) -> AnswerKind:
    if intent in ("knowledge", "similar"):
        return "knowledge"
    if intent in ("write_query", "explain"):
        return "query"
    if intent == "code":
        return "code"
    return "listing" if intent in ("topology", "incidents") else "measured"


def _first_words(description: FaultDescription, desk: Desk, understood: Understood) -> str:
    """A headline that states nothing: the claims below it do."""
    window = understood.window
    key = "team.measured" if description.claims else "team.found"
    params: tuple[tuple[str, str | float | int], ...] = (
        ("services", ", ".join(understood.services)),
        ("agent", description.agent),
    )
    if window is not None and description.claims:
        key, params = "team.measured_between", (*params, ("from_at", window.start), ("to_at", window.end))
    return desk.context.say(Message(key=key, params=params), understood.lang)


def _about(
    understood: Understood, done: Mapping[str, FaultDescription], leading: tuple[Claim, ...]
) -> tuple[Claim, ...]:
    """The claims that support the cause, then what else was found about the services that were asked about."""
    wanted = set(understood.services)
    found = {finding.id: finding for each in done.values() for finding in each.findings}
    about = [
        claim
        for name in ("monitor", "log", "trace", "trade", "change", "cmdb", "diagnosis")
        if name in done
        for claim in done[name].claims
        if any(found[each].entity in wanted for each in claim.finding_ids if each in found)
    ]
    return tuple(dict.fromkeys([*leading, *about]))


def joined(understood: Understood, answers: Sequence[Answer]) -> Answer:
    """The answers to the parts of a compound question as one; each of its claims was checked with its own part."""
    diagnosed = next((each for each in answers if each.diagnosis is not None), answers[0])
    return replace(
        diagnosed,
        understood=understood,
        headline=" ".join(each.headline for each in answers),
        claims=tuple(dict.fromkeys(claim for each in answers for claim in each.claims)),
        findings=tuple({f.id: f for each in answers for f in each.findings}.values()),
        observed={name: values for each in answers for name, values in each.observed.items()},
        struck=tuple(struck for each in answers for struck in each.struck),
        gaps=tuple(dict.fromkeys(gap for each in answers for gap in each.gaps)),
        quotes=tuple(quote for each in answers for quote in each.quotes),
        recalled=tuple(known for each in answers for known in each.recalled),
        asked=tuple(dict.fromkeys(asked for each in answers for asked in each.asked)),
        body="\n\n".join(each.body for each in answers if each.body),
    )


def cited(answer: Answer) -> tuple[Finding, ...]:
    """The findings that the printed claims rest on."""
    names = {name for claim in answer.claims for name in claim.finding_ids}
    return tuple(finding for finding in answer.findings if finding.id in names)
