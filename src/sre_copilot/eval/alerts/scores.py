"""How many messages a run spares people, how many of its incidents are right, which phases they show, and what chance would give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sre_copilot.eval.alerts.dataset import Scenario
from sre_copilot.eval.alerts.fates import Fate, fates
from sre_copilot.eval.alerts.told import Incident, Run

ROUNDS = 50  # random assignments; the mean is then known to about a hundredth


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of one scenario, or of all: strict ones count only incidents that woke somebody.

    `reduction` is 1 - messages / alerts. `precision` is the share of the `told` incidents of whose alerts more than half are of one phase; `chance` what it is
    when the scenario's alerts are dealt to incidents of the same sizes at random. `visible` phases are the majority of a told incident, `listed_visible` of any
    incident (`listed` of them), told or only listed. `fates` says of each phase what became of its alerts.
    """

    scenario: str
    alerts: int
    messages: int
    told: int
    right: int
    chance: float
    phases: int
    visible: int
    listed: int
    listed_visible: int
    missing: tuple[str, ...]
    fates: tuple[Fate, ...]

    @property
    def reduction(self) -> float:
        """Share of messages that people are spared."""
        return 1 - self.messages / self.alerts

    @property
    def precision(self) -> float:
        """Share of the told incidents that are right."""
        return self.right / self.told if self.told else 0.0

    def as_dict(self) -> dict[str, Any]:
        """What `--json` writes."""
        return {**asdict(self), "reduction": self.reduction, "precision": self.precision}


def score(scenario: Scenario, run: Run) -> Scores:
    """Compare a run with the labels of its scenario."""
    phases = set(scenario.phases) - {""}
    visible = {each.majority for each in run.told} - {""}
    listed = {each.majority for each in run.incidents} - {""}
    return Scores(
        scenario=run.scenario,
        alerts=run.alerts,
        messages=run.messages,
        told=len(run.told),
        right=sum(bool(each.majority) for each in run.told),
        chance=chance_of(scenario.phases, run.told),
        phases=len(phases),
        visible=len(visible),
        listed=len(run.incidents),
        listed_visible=len(listed),
        missing=tuple(sorted(phases - visible)),
        fates=fates(scenario, run),
    )


def together(parts: Sequence[Scores]) -> Scores:
    """All scenarios as one: counts are added; chance is weighted by told incidents."""
    told = sum(each.told for each in parts)
    sums = {
        name: sum(getattr(each, name) for each in parts)
        for name in ("alerts", "messages", "right", "phases", "visible", "listed", "listed_visible")
    }
    chance = sum(each.chance * each.told for each in parts) / told if told else 0.0
    missing = tuple(f"{each.scenario}: {phase}" for each in parts for phase in each.missing)
    ends = tuple(fate for each in parts for fate in each.fates)
    return Scores(scenario="all", told=told, chance=chance, missing=missing, fates=ends, **sums)


def chance_of(phases: Sequence[str], told: Iterable[Incident], *, seed: int = 0) -> float:
    """Precision when alerts are dealt at random to incidents of these sizes."""
    sizes = np.array([each.size for each in told])
    if not len(sizes):
        return 0.0
    names = sorted({"", *phases})
    codes = np.searchsorted(names, phases)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    random = np.random.default_rng(seed)
    shares = []
    for _ in range(ROUNDS):
        dealt = random.permutation(codes)[: sizes.sum()]
        most = np.zeros(len(sizes))
        for code in range(1, len(names)):
            most = np.maximum(most, np.add.reduceat(dealt == code, starts, dtype=np.int64))
        shares.append(float(np.mean(2 * most > sizes)))
    return float(np.mean(shares))
