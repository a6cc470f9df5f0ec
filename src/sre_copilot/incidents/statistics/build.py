"""The figures out of the facts: pure; each definition is one function, and the page about statistics has them in the same words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sre_copilot.incidents.statistics.facts import Case, Facts, Repair
from sre_copilot.incidents.statistics.figures import Figure, of_reduction, of_share, of_times
from sre_copilot.incidents.statistics.moments import Moments
from sre_copilot.incidents.statistics.targets import (
    DETECT_TARGET_S,
    DETECT_TRADITIONAL_S,
    REPAIR_TARGET,
    RESTORE_TARGET_S,
    RESTORE_TRADITIONAL_S,
)

FINISHED = ("succeeded", "rolled_back", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What people said of warnings: real problems among judged incidents, of those that people were told of."""

    told: int
    judged: int
    real: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """All figures of a window; counts beside them say what they are of."""

    since: float
    until: float
    figures: tuple[Figure, ...]
    incidents: int
    quiet: int
    false_alarms: int
    alerts: int
    messages: int
    repairs: int
    autonomous: int
    cut: bool
    earliest: float | None

    def figure(self, name: str) -> Figure:
        """One figure."""
        return next(each for each in self.figures if each.name == name)


def build(facts: Facts, precision: Precision, *, false_alarms: Collection[str] = ()) -> Statistics:
    """Compute all figures; incidents that people called a false alarm are none whose detection or repair counts."""
    real = [each for each in facts.cases if each.id not in set(false_alarms)]
    return Statistics(
        since=facts.since,
        until=facts.until,
        figures=(
            detected(real),
            told(real),
            acknowledged(real),
            identified(real),
            restored(real),
            repaired(facts.repairs),
            repair_time(facts.repairs),
            warnings(precision),
            of_reduction("noise_reduction", facts.messages, facts.alerts),
        ),
        incidents=len(real),
        quiet=facts.quiet,
        false_alarms=len(facts.cases) - len(real),
        alerts=facts.alerts,
        messages=facts.messages,
        repairs=len(facts.repairs),
        autonomous=sum(each.autonomous for each in facts.repairs),
        cut=facts.cut,
        earliest=facts.earliest,
    )


def detected(cases: Sequence[Case]) -> Figure:
    """MTTD: from the earliest beginning of an alert, by its source's word, until the incident was opened."""
    return _times(
        "mttd", cases, lambda times: times.detection_seconds, target=DETECT_TARGET_S, traditional=DETECT_TRADITIONAL_S
    )  # fmt: skip


def told(cases: Sequence[Case]) -> Figure:
    """MTTN: from the opening until the first message was delivered."""
    return _times("mttn", cases, lambda times: times.since_opened(times.told), lambda case: "not_delivered")


def acknowledged(cases: Sequence[Case]) -> Figure:
    """MTTA: from the opening until a person took it on for the first time."""
    return _times(
        "mtta", cases, lambda times: times.since_opened(times.acknowledged), lambda case: "not_acknowledged"
    )


def identified(cases: Sequence[Case]) -> Figure:
    """MTTI: from the opening until an investigation named a cause for the first time."""
    return _times("mtti", cases, lambda times: times.since_opened(times.identified), _unidentified)


def restored(cases: Sequence[Case]) -> Figure:
    """MTTR: from the same beginning as MTTD until it was resolved for the last time."""
    return _times(
        "mttr", cases, lambda times: times.repair_seconds, lambda case: "goes_on", target=RESTORE_TARGET_S,
        traditional=RESTORE_TRADITIONAL_S,
    )  # fmt: skip


def _times(
    name: str,
    cases: Sequence[Case],
    seconds: Callable[[Moments], float | None],
    why: Callable[[Case], str] = lambda case: "goes_on",
    **more: float,
) -> Figure:
    """A time of all that went wrong; what was only foretold is left out with that reason, the rest with its own."""
    known = {each.id: None if each.foretold else seconds(each.times) for each in cases}
    missing = Counter("foretold" if each.foretold else why(each) for each in cases if known[each.id] is None)
    return of_times(name, [each for each in known.values() if each is not None], missing=missing, **more)


def repaired(repairs: Sequence[Repair]) -> Figure:
    """Repair success: plans after which the signals that named the fault were well again, over plans that ended, did something, and had such signals."""
    over = [each for each in repairs if each.state in FINISHED]
    done = [each for each in over if each.acted]
    ended = [each for each in done if each.checked]
    good = sum(each.state == "succeeded" for each in ended)
    missing = {
        "cancelled": sum(each.state == "cancelled" for each in repairs),
        "goes_on": sum(each.state not in (*FINISHED, "cancelled") for each in repairs),
        "nothing_done": len(over) - len(done),
        "not_verified": len(done) - len(ended),
    }
    return of_share("repair_success", good, len(ended), missing=missing, target=REPAIR_TARGET)


def repair_time(repairs: Sequence[Repair]) -> Figure:
    """From the beginning of a plan that helped until that was verified."""
    good = [each for each in repairs if each.state == "succeeded" and each.checked and each.acted]
    times = [each.seconds for each in good if each.seconds is not None]
    return of_times("repair_time", times)


def warnings(precision: Precision) -> Figure:
    """Precision of warnings: real problems over judged incidents, by the word of people."""
    missing = {"not_judged": precision.told - precision.judged}
    return of_share("warning_precision", precision.real, precision.judged, missing=missing)


def _unidentified(case: Case) -> str:
    return case.outcome if case.outcome in ("no_fault", "inconclusive", "failed") else "not_investigated"
