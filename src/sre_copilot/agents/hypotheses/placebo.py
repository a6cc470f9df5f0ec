"""The placebo test: would the same check have accused it at a time when nothing was wrong?

References
----------
Abadie, Diamond and Hainmueller, Comparative politics and the synthetic control method, 2015, section "in-time placebos".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sre_copilot.agents.hypotheses.hypothesis import Hypothesis, TestResult
from sre_copilot.agents.hypotheses.testing import Situation
from sre_copilot.domain.evidence import Check, Finding, Message, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Window

STRETCHES = (
    12  # calm stretches looked at: one in twelve is already more than a threshold of 0.7 should let through
)
FEWEST = 4  # with fewer nothing can be said
SHARE = (
    0.5  # of calm stretches in which a check may hold: what is there as often as not is no sign of this fault
)
MARGIN_S = 60.0  # the onset is known to a minute or so


@dataclass(frozen=True, slots=True)
class Placebo:
    """Passes when most of what the hypothesis rests on was not so in calm stretches before."""

    name: str = "placebo"
    if_true: float = 0.97  # of 29 true causes that could be tested all passed
    if_false: float = 0.96  # of 49 rivals 48 did
    cost: float = float(STRETCHES)

    def run(self, hypothesis: Hypothesis, situation: Situation) -> TestResult:
        """Move each check that has a window to calm stretches of the same length."""
        shares = {
            finding.id: share
            for finding in situation.cited(hypothesis)
            if (share := calm_share(finding, situation)) is not None
        }
        if not shares:
            return _result(hypothesis, "unknown")
        unspecific = tuple(name for name, share in shares.items() if share > SHARE)
        lasting = sum(situation.findings[name].weight for name in shares if name not in unspecific)
        untested = sum(finding.weight for finding in situation.cited(hypothesis) if finding.id not in shares)
        return _result(hypothesis, "for" if lasting + untested > 0 else "against", unspecific)


def _result(hypothesis: Hypothesis, side: str, unspecific: tuple[str, ...] = ()) -> TestResult:
    return TestResult(
        test="placebo",
        entity=hypothesis.entity,
        side=side,  # type: ignore[arg-type]
        message=Message(
            key=f"test.placebo.{side}",
            params=(("entity", hypothesis.entity), ("unspecific", len(unspecific))),
        ),
        unspecific=unspecific,
    )


def calm_share(finding: Finding, situation: Situation) -> float | None:
    """Share of calm stretches in which the finding's present-time checks hold too; None when too few can be looked at."""
    present = [check for check in finding.checks if _of_present(check.query, finding.window)]
    if not present or finding.window is None:
        return None
    held, seen = 0, 0
    for start in calm_starts(situation.investigated.observation, finding.window):
        moved = [_moved(check, finding.window, start) for check in present]
        observed = [situation.evaluator.evaluate(check) for check in moved]
        if any(each.value is None for each in observed):
            continue
        seen += 1
        held += all(each.holds for each in observed)
    return held / seen if seen >= FEWEST else None


def _of_present(query: Query, window: Window | None) -> bool:
    return window is not None and query.origin == "incident" and query.window == window


def calm_starts(observation: Observation, window: Window) -> Iterator[float]:
    """Starts of stretches as long as `window` that end before the onset, the latest first."""
    incident = observation.incident
    if incident.onset is None or incident.window is None:
        return
    end = min(incident.onset - MARGIN_S, window.start)
    for number in range(1, STRETCHES + 1):
        start = end - number * max(window.seconds, 1.0)
        if start < incident.window.start:
            return
        yield start


def _moved(check: Check, window: Window, start: float) -> Check:
    return replace(
        check,
        query=_at(check.query, window, start),
        against=_at(check.against, window, start) if check.against else None,
    )


def _at(query: Query, window: Window, start: float) -> Query:
    if not _of_present(query, window):
        return query
    return replace(query, window=Window(start, start + window.seconds))
