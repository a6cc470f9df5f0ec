"""Harder copies of a case: the same investigation with half of its findings lost.

A collection whose first suspects are all right says nothing about how often a weak lead is wrong. Thinned copies do: each finding is lost
with probability one half, as if that signal had not been recorded, and the suspects are ranked again. A calibration fitted on both is humbler where little was
seen. The idea is that of dropout (Srivastava et al., JMLR 15, 2014, section 4), applied to evidence.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from sre_copilot.cognition.rca.features import Features, features
from sre_copilot.cognition.rca.verdict import NOTHING
from sre_copilot.incidents.comparable import comparable
from sre_copilot.incidents.investigation import Investigation, Methods, localise

COPIES = 4  # enough that each finding is lost in some copy and kept in another, in 15 of 16 cases
KEPT = 0.5


@dataclass(frozen=True, slots=True)
class Thinned:
    """How the ranking of one copy leads, and whom it accuses."""

    features: Features
    first: str


def thinned(investigation: Investigation, methods: Methods) -> tuple[Thinned, ...]:
    """Rank the suspects of each copy; copies that accuse nobody are left out, as `no fault` is."""
    generator = random.Random(0)  # noqa: S311 (not for secrets; the same copies in every run)
    findings = sorted(investigation.considered, key=lambda finding: finding.id)
    made = []
    for _ in range(COPIES):
        left = tuple(finding for finding in findings if generator.random() < KEPT)
        suspects = localise(investigation.observation, left, methods.localisers)
        described = features(suspects, left, comparable(investigation.observation))
        if described.top >= NOTHING:
            made.append(Thinned(described, suspects[0].entity))
    return tuple(made)
