"""What the product said of recorded telemetry, as plain data that travels between processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sre_copilot.cognition.rca.features import Features
from sre_copilot.domain.incident import Diagnosis, Outcome, Suspect
from sre_copilot.eval.rca.thinning import Thinned


@dataclass(frozen=True, slots=True)
class Planted:
    """A false finding that was handed to the product, and whether it was struck out."""

    mutation: str
    kind: str
    struck: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The answer to one case, final before anything of the truth is read.

    `ranking` holds all candidates, best first; `tied` says that the first two are told apart by name alone; `error` is
    the message of a case that could not be judged.
    """

    case: str
    set: str
    outcome: Outcome = Outcome.INCONCLUSIVE
    probability: float = 0.0
    ranking: tuple[str, ...] = ()
    tied: bool = False
    fault_type: str | None = None
    features: Features | None = None
    seconds: float = 0.0
    peak_rss_mb: float = 0.0
    planted: tuple[Planted, ...] = ()
    thinned: tuple[Thinned, ...] = ()
    error: str = ""

    @property
    def verdict(self) -> tuple[str, ...]:
        """The answer in one line: the outcome, and for a fault the culprit and the type."""
        if self.outcome is not Outcome.FAULT:
            return (self.outcome.value,)
        return (self.outcome.value, *self.ranking[:1], self.fault_type or "")


def judgement_of(
    diagnosis: Diagnosis,
    features: Features,
    *,
    case: str,
    set_name: str,
    planted: tuple[Planted, ...] = (),
) -> Judgement:
    """Keep of a diagnosis what is scored."""
    suspects = strict_ranking(diagnosis.suspects)
    return Judgement(
        case=case,
        set=set_name,
        outcome=diagnosis.outcome,
        probability=diagnosis.probability,
        ranking=tuple(suspect.entity for suspect in suspects),
        tied=len(suspects) > 1 and suspects[0].score == suspects[1].score,
        fault_type=suspects[0].fault_type if suspects else None,
        features=features,
        planted=planted,
    )


def is_candidate(entity: str) -> bool:
    """Whether an entity can be a suspect: names that begin with `_` are points of measurement, not services."""
    return not entity.startswith("_")


def strict_ranking(suspects: Sequence[Suspect]) -> tuple[Suspect, ...]:
    """Suspects in their order, each once, without pseudo-services; equal scores by name, so that no rank is shared."""
    kept: dict[str, Suspect] = {}
    for _, tied in groupby(suspects, key=lambda suspect: suspect.score):
        for suspect in sorted(tied, key=lambda suspect: suspect.entity):
            if is_candidate(suspect.entity):
                kept.setdefault(suspect.entity, suspect)
    return tuple(kept.values())
