"""From judgements and truths to the figures of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest

from sre_copilot.cognition.rca.calibration import Calibration
from sre_copilot.cognition.rca.features import Features
from sre_copilot.cognition.rca.verdict import decide
from sre_copilot.domain.incident import Outcome
from sre_copilot.eval.rca.folds import FEWEST, fit_with_copies, out_of_fold
from sre_copilot.eval.rca.judgement import Judgement, Planted
from sre_copilot.eval.rca.matching import means
from sre_copilot.eval.rca.scores import Scored, SetScores, mean, rank_of, score_set
from sre_copilot.eval.rca.truth import Truth

PLANTED_WANTED = 200

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A case that was answered wrongly or not at all; `said` and `true` are entity and type."""

    case: str
    set: str
    outcome: str
    probability: float
    rank: int | None
    said: tuple[str, str]
    true: tuple[str, str]
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Verdicts that differ under other names; `first_changed` are those whose first suspect differs though it was not tied."""

    n: int
    changed: tuple[str, ...]
    first_changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All figures; None stands for what was not there to be measured."""

    sets: Mapping[str, SetScores]
    no_fault_by_set: Mapping[str, float]
    no_fault_n: int
    planted: tuple[Planted, ...]
    peak_rss_mb: float
    misses: tuple[Miss, ...]
    renamed: Comparison | None = None
    shifted: Mapping[str, Mapping[str, SetScores]] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def no_fault_accuracy(self) -> float | None:
        """Mean of the sets' shares of fault-free telemetry that was answered `no fault`."""
        return mean(self.no_fault_by_set.values())

    @property
    def survivors(self) -> int | None:
        """Planted findings that were not struck out."""
        return sum(not each.struck for each in self.planted) if self.planted else None

    def as_dict(self) -> Json:
        """Plain data for JSON."""
        document: Json = {
            "sets": {name: scores.as_dict() for name, scores in self.sets.items()},
            "no_fault": {
                "n": self.no_fault_n,
                "accuracy": self.no_fault_accuracy,
                "by_set": dict(self.no_fault_by_set),
            },
            "planted": len(self.planted),
            "planted_survivors": self.survivors,
            "peak_rss_mb": self.peak_rss_mb,
            "misses": [asdict(miss) for miss in self.misses],
        }
        if self.calibration:
            document["calibration"] = asdict(self.calibration)
        if self.renamed:
            document["renamed"] = asdict(self.renamed)
        if self.shifted:
            document["shifted"] = {
                shift: {name: scores.as_dict() for name, scores in sets.items()}
                for shift, sets in self.shifted.items()
            }
        return document


def summarise(
    plain: Sequence[Judgement],
    truths: Mapping[str, Truth],
    *,
    windows: Sequence[Judgement] = (),
    variants: Mapping[str, Sequence[Judgement]] | None = None,
    peak_rss_mb: float = 0.0,
) -> Evaluation:
    """Score what was judged.

    Parameters
    ----------
    plain : judgements of the cases as they were recorded
    truths : answers, by case; a case without one is not scored
    windows : judgements of telemetry without a fault
    variants : judgements of perturbed cases: `renamed`, or the shift of the onset
    """
    ordered = sorted(plain, key=lambda judgement: (judgement.set, judgement.case))
    variants = variants or {}
    fault_free = [*windows, *(each for each in ordered if each.case in truths and truths[each.case].no_fault)]
    scored = score_cases(ordered, truths)
    return Evaluation(
        sets=_by_set(ordered, scored),
        no_fault_by_set=_no_fault(fault_free),
        no_fault_n=len(fault_free),
        planted=choose_planted(ordered),
        peak_rss_mb=max([peak_rss_mb, *(each.peak_rss_mb for each in (*plain, *windows))]),
        misses=_misses(ordered, scored, truths, fault_free),
        calibration=calibrate(ordered, truths),
        renamed=compare(ordered, variants["renamed"]) if "renamed" in variants else None,
        shifted={
            name: _by_set(judged, score_cases(judged, truths))
            for name, judged in variants.items()
            if name != "renamed"
        },
    )


def score_cases(judgements: Sequence[Judgement], truths: Mapping[str, Truth]) -> dict[str, Scored]:
    """Score each case with a known fault, its probability out of fold and its outcome decided by that."""
    faults = [each for each in judgements if each.case in truths and not truths[each.case].no_fault]
    described = _described(faults)
    probabilities = out_of_fold(
        [features for _, features in described],
        _right(described, truths),
        [(each.set, truths[each.case].entity) for each, _ in described],
        [each.probability for each, _ in described],
        _copies(described, truths),
    )
    decided = {
        each.case: (probability, decide(features, probability))
        for (each, features), probability in zip(described, probabilities, strict=True)
    }
    return {
        each.case: _score(each, truths[each.case], *decided.get(each.case, (each.probability, each.outcome)))
        for each in faults
    }


def calibrate(judgements: Sequence[Judgement], truths: Mapping[str, Truth]) -> Calibration | None:
    """The calibration fitted on all cases, to be shipped; None when there are too few."""
    described = _described(
        [each for each in judgements if each.case in truths and not truths[each.case].no_fault]
    )
    if len(described) < FEWEST:
        return None
    every = range(len(described))
    found = [features for _, features in described]
    return fit_with_copies(found, _right(described, truths), _copies(described, truths), every)


def _described(faults: Sequence[Judgement]) -> list[tuple[Judgement, Features]]:
    # `no fault` accuses nobody, whatever the probability: there is nothing in it to calibrate
    accusing = (each for each in faults if each.outcome is not Outcome.NO_FAULT)
    return [(each, each.features) for each in accusing if each.features is not None]


def _right(described: Sequence[tuple[Judgement, Features]], truths: Mapping[str, Truth]) -> list[bool]:
    return [rank_of(truths[each.case].entity, each.ranking) == 1 for each, _ in described]


def _copies(
    described: Sequence[tuple[Judgement, Features]], truths: Mapping[str, Truth]
) -> list[list[tuple[Features, bool]]]:
    return [
        [(copy.features, copy.first == truths[each.case].entity) for copy in each.thinned]
        for each, _ in described
    ]


def compare(plain: Sequence[Judgement], renamed: Sequence[Judgement]) -> Comparison:
    """Which verdicts differ, the names of the renamed cases being mapped back."""
    before = {each.case: each for each in plain}
    pairs = [(before[each.case], each) for each in renamed]
    return Comparison(
        n=len(pairs),
        changed=tuple(sorted(a.case for a, b in pairs if a.verdict != b.verdict)),
        first_changed=tuple(
            sorted(a.case for a, b in pairs if a.ranking[:1] != b.ranking[:1] and not (a.tied and b.tied))
        ),
    )


def choose_planted(judgements: Sequence[Judgement], wanted: int = PLANTED_WANTED) -> tuple[Planted, ...]:
    """As many planted findings as wanted, the sets and the mutations in turn, over as many cases as there are."""
    turns: dict[tuple[str, str], list[Planted]] = {}
    for judgement in judgements:
        for each in judgement.planted:
            turns.setdefault((judgement.set, each.mutation), []).append(each)
    columns = zip_longest(*(turns[key] for key in sorted(turns)))
    return tuple(each for column in columns for each in column if each is not None)[:wanted]


def _score(judgement: Judgement, truth: Truth, probability: float, outcome: Outcome) -> Scored:
    answered = outcome is not Outcome.NO_FAULT
    rank = rank_of(truth.entity, judgement.ranking) if answered else None
    named = judgement.fault_type if answered else None
    right = means(truth, named) if truth.fault_type else None
    return Scored(
        case=judgement.case,
        rank=rank,
        candidates=len(judgement.ranking),
        outcome=outcome,
        probability=probability,
        type_right=right,
        full_match=bool(rank == 1 and right) if truth.taxonomy is not None else None,
    )


def _by_set(judgements: Sequence[Judgement], scored: Mapping[str, Scored]) -> dict[str, SetScores]:
    sets: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        sets.setdefault(judgement.set, []).append(judgement)
    return {
        name: score_set(
            [scored[each.case] for each in members if each.case in scored],
            seconds=[each.seconds for each in members if not each.error],
        )
        for name, members in sorted(sets.items())
    }


def _no_fault(judgements: Sequence[Judgement]) -> dict[str, float]:
    sets: dict[str, list[bool]] = {}
    for judgement in judgements:
        sets.setdefault(judgement.set, []).append(judgement.outcome is Outcome.NO_FAULT)
    return {name: sum(right) / len(right) for name, right in sorted(sets.items())}


def _misses(
    judgements: Sequence[Judgement],
    scored: Mapping[str, Scored],
    truths: Mapping[str, Truth],
    fault_free: Sequence[Judgement],
) -> tuple[Miss, ...]:
    faults = [
        _miss(each, truths[each.case], scored[each.case])
        for each in judgements
        if each.case in scored and not (scored[each.case].right and scored[each.case].type_right is not False)
    ]
    alarms = [
        _miss(each, Truth(no_fault=True), None) for each in fault_free if each.outcome is not Outcome.NO_FAULT
    ]
    known = {each.case for each in (*faults, *alarms)}
    unread = [_miss(each, Truth(), None) for each in judgements if each.error and each.case not in known]
    return (*faults, *alarms, *unread)


def _miss(judgement: Judgement, truth: Truth, scored: Scored | None) -> Miss:
    return Miss(
        case=judgement.case,
        set=judgement.set,
        outcome=scored.outcome if scored else judgement.outcome,
        probability=scored.probability if scored else judgement.probability,
        rank=scored.rank if scored else None,
        said=(judgement.ranking[0] if judgement.ranking else "", judgement.fault_type or ""),
        true=(truth.entity, truth.fault_type),
        error=judgement.error,
    )
