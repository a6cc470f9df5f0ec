"""What a test of a hypothesis is, and the situation in which it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from sre_copilot.agents.core import Core
from sre_copilot.agents.hypotheses.hypothesis import Hypothesis, TestResult
from sre_copilot.agents.tool import Investigated
from sre_copilot.domain.evidence import Finding
from sre_copilot.evidence.evaluator import Evaluator


@dataclass(frozen=True)
class Situation:
    """An investigation, and what tests may use to look again."""

    investigated: Investigated
    core: Core[Investigated]
    evaluator: Evaluator

    @cached_property
    def findings(self) -> Mapping[str, Finding]:
        """All findings that were considered, by id."""
        return {finding.id: finding for finding in self.investigated.considered}

    def cited(self, hypothesis: Hypothesis) -> tuple[Finding, ...]:
        """The findings that a hypothesis rests on."""
        return tuple(self.findings[each] for each in hypothesis.finding_ids if each in self.findings)


class Test(Protocol):
    """Asks the telemetry something that is likelier to be so when the hypothesis is true.

    `if_true` and `if_false` are the shares of passes for the true cause and for the best rival, as measured on recorded
    incidents (Laplace's rule for what never happened); `cost` is in units of one selection over a table.
    """

    @property
    def name(self) -> str: ...
    @property
    def if_true(self) -> float: ...
    @property
    def if_false(self) -> float: ...
    @property
    def cost(self) -> float: ...

    def run(self, hypothesis: Hypothesis, situation: Situation) -> TestResult:
        """Test one hypothesis; what cannot be tested is `unknown`."""
        ...
