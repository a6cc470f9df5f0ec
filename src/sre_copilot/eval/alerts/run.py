"""Measure what becomes of labelled alerts, scenario by scenario, with a simple grouping beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sre_copilot.eval.alerts.dataset import Scenario, read_scenarios
from sre_copilot.eval.alerts.direct import play
from sre_copilot.eval.alerts.grouping import grouped
from sre_copilot.eval.alerts.scores import Scores, score, together
from sre_copilot.eval.alerts.through import play_through
from sre_copilot.eval.alerts.told import Run
from sre_copilot.settings.alerting.correlation import Correlation

Player = Callable[[Scenario, Correlation], Run]
LIMITS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Minimum worths among which leaving one out chooses."""
REDUCTION, PRECISION = 0.999, 0.3
"""What a limit must keep on the scenarios by which it is chosen."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A scenario judged with the minimum worth that was best on the others."""

    limit: float
    scores: Scores


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of each scenario and of all, of the peer, and with each scenario left out when the limit was chosen (where asked for)."""

    scenarios: tuple[Scores, ...]
    peer: tuple[Scores, ...]
    left_out: tuple[LeftOut, ...]
    minimum_worth: float
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """What `--json` writes."""
        return {
            "alerts": {
                "all": together(self.scenarios).as_dict(),
                "scenarios": {each.scenario: each.as_dict() for each in self.scenarios},
                "peer": {
                    "all": together(self.peer).as_dict(),
                    "scenarios": {each.scenario: each.as_dict() for each in self.peer},
                },
                "left_out": {
                    each.scores.scenario: {"minimum_worth": each.limit, **each.scores.as_dict()}
                    for each in self.left_out
                },
                "minimum_worth": self.minimum_worth,
                "seconds": self.seconds,
            }
        }


def evaluate(
    path: Path,
    settings: Correlation | None = None,
    *,
    leave_one_out: bool = False,
    pipeline: bool = False,
    progress: Callable[[str], None] = lambda name: None,
) -> Evaluation:
    """Let the alerts of each scenario come in, to correlation alone or to the whole pipeline; labels are looked at when all is decided.

    Raises
    ------
    UsageError : when there are no labelled alerts
    """
    settings = settings or Correlation()
    scenarios = read_scenarios(path)
    player = play_through if pipeline else play
    began = time.perf_counter()
    own, peer = [], []
    for each in scenarios:
        progress(each.name)
        own.append(score(each, player(each, settings)))
        peer.append(score(each, grouped(each)))
    seconds = time.perf_counter() - began
    left = _left_out(scenarios, settings, player) if leave_one_out else ()
    return Evaluation(tuple(own), tuple(peer), left, settings.minimum_worth, seconds)


def _left_out(scenarios: Sequence[Scenario], settings: Correlation, player: Player) -> tuple[LeftOut, ...]:
    """Choose the limit on all scenarios but one, judge it on that one; each in turn."""
    tried = {
        limit: [
            score(each, player(each, settings.model_copy(update={"minimum_worth": limit})))
            for each in scenarios
        ]
        for limit in LIMITS
    }
    found = []
    for place in range(len(scenarios)):
        limit = max(LIMITS, key=lambda each: _merit(tried[each], without=place))
        found.append(LeftOut(limit, tried[limit][place]))
    return tuple(found)


def _merit(parts: Sequence[Scores], *, without: int) -> tuple[bool, int, float]:
    """What is kept comes first, then phases that are visible, then precision."""
    others = [each for place, each in enumerate(parts) if place != without]
    if not others:
        return False, 0, 0.0
    whole = together(others)
    kept = whole.reduction >= REDUCTION and whole.precision >= PRECISION
    return kept, whole.visible, whole.precision
