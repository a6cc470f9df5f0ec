"""Known faults that fit what is seen now. What is recalled steers wording, the order of hypotheses and the next test; it is never the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Card, PastFault, Recalled
from sre_copilot.knowledge.probes import Holds, Probe, holding
from sre_copilot.knowledge.signature import SUFFERED, Token, contradicted, parse_token, similarity, tokens_of
from sre_copilot.knowledge.text import likeness

NEAR = (
    0.3  # match below which a known fault is not worth mentioning: less than a third of the signs is shared
)
CERTAIN_MATCH = 0.75  # three quarters of the signs both ways: what is left is within what two recordings of one fault differ by
CERTAIN_MARGIN = 0.1  # to the next one that says something else: a tie is no recognition
CERTAIN_TRUST = 0.5  # more right than wrong so far
PROBED = 0.8  # of the weight of the stored checks must hold again
WORDS = 0.05  # what words may add: they break ties among equal signs and decide nothing else
ANOTHER_FAMILY = 0.5  # of the match that remains when the asked fault type is of another family
CANDIDATES = 12  # entities that are considered as the culprit: those with the strongest findings

Look = Callable[[Observation], tuple[Finding, ...]]
"""A quick look: the findings that cost little."""


@dataclass(frozen=True)
class Known:
    """A card or a past fault, ready to be compared."""

    card: Card | None = None
    past: PastFault | None = None
    probes: tuple[Probe, ...] = ()

    @property
    def id(self) -> str:
        """Its id."""
        return self._one.id

    @property
    def fault_type(self) -> str:
        """The fault that it says it is."""
        return self._one.fault_type

    @property
    def services(self) -> tuple[str, ...]:
        """Where it is said to hold; none: everywhere."""
        return self.card.scope.services if self.card else (self._past.service,)

    @property
    def trusted(self) -> bool:
        """Whether it was accepted and has not failed more often than it held."""
        trust = self.card.trust if self.card else CERTAIN_TRUST
        return self._one.standing == "accepted" and trust >= CERTAIN_TRUST

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Its signs; a card without any is recognised by its fault type."""
        signs = tuple(parse_token(text) for text in self._one.signature)
        return signs or (Token(kind="", fault_type=self.fault_type),)

    @cached_property
    def text(self) -> str:
        """Its words."""
        if self.card:
            return " ".join((self.card.title, self.card.root_cause, self.card.manifestation))
        return self._past.summary

    @property
    def _one(self) -> Card | PastFault:
        return self.card or self._past

    @property
    def _past(self) -> PastFault:
        if self.past is None:
            raise ValueError("neither a card nor a past fault")
        return self.past


def recall(
    known: Iterable[Known],
    findings: Sequence[Finding],
    *,
    observation: Observation,
    holds: Holds,
    fault_type: str = "",
    limit: int = 5,
    words: str = "",
) -> tuple[Recalled, ...]:
    """Known faults that fit findings, best first; `holds` re-runs checks on the present telemetry."""
    seen = _Seen(findings, observation, holds)
    text = words or observation.incident.complaint.text
    fits = [fit for each in known if (fit := _best(each, seen, fault_type, text)) and fit.match >= NEAR]
    return _ranked(fits, seen, limit)


def recall_instantly(
    known: Iterable[Known],
    *,
    observation: Observation,
    look: Look,
    look_closely: Look,
    holds: Holds,
    entities: Sequence[str],
) -> Recalled | None:
    """The known fault that this is, when it is certain: by the stored checks and a look, without an investigation.

    A quick look is enough for a fault that has its cause in itself. One whose signs a service may also have because it suffers from
    another is held against everything that can be seen: `look_closely` brings what the quick look left out.
    """
    able = [each for each in known if each.trusted and each.probes]
    places = {entity: found for entity in entities if (found := _held(able, entity, observation, holds))}
    if not places:
        return None
    looked = look(observation)
    first = _first(places, looked, observation, holds)
    if first is None or not first.certain or _family(_type(first)) not in SUFFERED:
        return first if first and first.certain else None
    seen = (*looked, *look_closely(observation))
    again = recall(able, seen, observation=observation, holds=holds, limit=1)
    same = bool(again) and (again[0].entity, _type(again[0])) == (first.entity, _type(first))
    return again[0] if same and again[0].certain else None


def _first(
    places: Mapping[str, Sequence[tuple[Known, tuple[Finding, ...]]]],
    looked: tuple[Finding, ...],
    observation: Observation,
    holds: Holds,
) -> Recalled | None:
    """The best of those whose stored checks hold, beside what a look shows."""
    seen = _Seen(looked, observation, holds, {finding.modality for finding in looked} | {"metrics", "state"})
    fits = []
    for entity, found in places.items():
        for each, held in found:
            tokens = seen.joined(held).tokens(entity)
            fits.append(_Fit(each, entity, _match(each, tokens, seen.modalities, ""), _strange(each, tokens)))
    return next(iter(_ranked([fit for fit in fits if fit.match >= NEAR], seen, 1)), None)


def _type(recalled: Recalled) -> str:
    known = recalled.card or recalled.past
    return known.fault_type if known else ""


def _held(
    known: Iterable[Known], entity: str, observation: Observation, holds: Holds
) -> list[tuple[Known, tuple[Finding, ...]]]:
    found = []
    for each in known:
        if each.services and entity not in each.services:
            continue
        if held := _enough(each, entity, observation, holds):
            found.append((each, held))
    return found


def _enough(known: Known, entity: str, observation: Observation, holds: Holds) -> tuple[Finding, ...]:
    """The stored checks that hold, when they are enough; the strongest is asked first, and most end there."""
    first, *rest = known.probes
    held = holding((first,), entity, observation, holds)
    if not held:
        return ()
    held += holding(rest, entity, observation, holds)
    whole = sum(probe.weight for probe in known.probes)
    return held if sum(finding.weight for finding in held) >= PROBED * whole else ()


@dataclass(frozen=True, slots=True)
class _Fit:
    known: Known
    entity: str
    match: float
    strange: bool
    """Whether something strong is seen that it does not explain."""

    @property
    def says(self) -> tuple[str, str]:
        return self.known.fault_type, self.entity


class _Seen:
    """What is seen now, looked at from any entity."""

    def __init__(
        self,
        findings: Sequence[Finding],
        observation: Observation,
        holds: Holds,
        modalities: set[str] | None = None,
    ) -> None:
        self.findings = [each for each in findings if each.modality not in ("changes", "alerts")]
        self.observation = observation
        self.holds = holds
        self.modalities = modalities
        self._tokens: dict[str, tuple[Token, ...]] = {}

    def tokens(self, entity: str) -> tuple[Token, ...]:
        if entity not in self._tokens:
            self._tokens[entity] = tokens_of(self.findings, entity, self.observation.topology)
        return self._tokens[entity]

    def joined(self, held: Sequence[Finding]) -> _Seen:
        return _Seen([*self.findings, *held], self.observation, self.holds, self.modalities)

    @cached_property
    def entities(self) -> tuple[str, ...]:
        strength: dict[str, float] = {}
        for finding in self.findings:
            strength[finding.entity] = strength.get(finding.entity, 0.0) + max(0.0, finding.weight)
        return tuple(sorted(strength, key=lambda name: (-strength[name], name))[:CANDIDATES])


def _best(known: Known, seen: _Seen, fault_type: str, text: str) -> _Fit | None:
    places = [each for each in seen.entities if not known.services or each in known.services]
    fits = [
        _Fit(known, each, _match(known, tokens, None, fault_type), _strange(known, tokens))
        for each in places
        for tokens in (seen.tokens(each),)
    ]
    best = max(fits, key=lambda fit: fit.match, default=None)
    if best is None or not text or best.match <= 0:
        return best
    return replace(best, match=min(1.0, best.match + WORDS * likeness(text, known.text)))


def _match(known: Known, present: Sequence[Token], modalities: set[str] | None, fault_type: str) -> float:
    tokens: Iterable[Token] = known.tokens
    if modalities is not None:  # a sign that was not looked for is no sign that is missing
        probed = {(probe.token.kind, probe.token.fault_type) for probe in known.probes}
        tokens = [
            each
            for each in known.tokens
            if (each.kind, each.fault_type) in probed or _MODALITY.get(each.modality) in modalities
        ]
    value = similarity(tokens, present, fault_type=known.fault_type)
    return (
        value * ANOTHER_FAMILY if fault_type and _family(fault_type) != _family(known.fault_type) else value
    )


def _strange(known: Known, present: Sequence[Token]) -> bool:
    return contradicted(known.tokens, present, fault_type=known.fault_type)


_MODALITY: Mapping[str, str] = {
    "metric": "metrics",
    "log": "logs",
    "trace": "traces",
    "transaction": "transactions",
    "state": "state",
}


def _family(fault_type: str) -> str:
    return fault_type.partition("/")[0]


def _ranked(fits: Sequence[_Fit], seen: _Seen, limit: int) -> tuple[Recalled, ...]:
    """Rank, best first.

    A rival is what its own checks bear out, and, at the same entity, what something points to: there another name for the same signs
    is no certainty. A card that claims what nothing points to takes no certainty from others.
    """
    ordered = sorted(fits, key=lambda fit: (-fit.match, fit.known.card is None, fit.known.id))
    confirmed = {id(fit) for fit in ordered if _confirmed(fit, seen)}
    pointed = {
        id(fit) for fit in ordered if _family(fit.known.fault_type) in _pointing(fit.entity, seen.findings)
    }
    found = []
    for fit in ordered[:limit]:
        rivals = [
            other.match
            for other in ordered
            if other.says != fit.says
            and (id(other) in confirmed or (other.entity == fit.entity and id(other) in pointed))
        ]
        found.append(_recalled(fit, max(rivals, default=0.0), confirmed=id(fit) in confirmed))
    return tuple(found)


def _recalled(fit: _Fit, rival: float, *, confirmed: bool) -> Recalled:
    margin = max(0.0, fit.match - rival)
    close = fit.match >= CERTAIN_MATCH and margin >= CERTAIN_MARGIN and not fit.strange
    return Recalled(
        match=fit.match,
        margin=margin,
        confirmed=confirmed,
        certain=close and confirmed and fit.known.trusted,
        entity=fit.entity,
        card=fit.known.card,
        past=fit.known.past,
    )


def _confirmed(fit: _Fit, seen: _Seen) -> bool:
    """Whether its checks hold now, and something that is seen points to the fault that is claimed: a card that calls it otherwise stays a hint."""
    if fit.known.probes:
        shown = _enough(fit.known, fit.entity, seen.observation, seen.holds)
    else:
        signs = {token.kind for token in fit.known.tokens if token.role == "culprit"}
        mine = [each for each in seen.findings if each.entity == fit.entity and each.kind in signs]
        shown = tuple(each for each in mine if each.checks and all(map(seen.holds, each.checks)))
    return bool(shown) and _family(fit.known.fault_type) in _pointing(fit.entity, (*shown, *seen.findings))


def _pointing(entity: str, findings: Iterable[Finding]) -> set[str]:
    """The families of faults that findings about an entity point to."""
    return {_family(each.fault_type) for each in findings if each.entity == entity and each.fault_type}
