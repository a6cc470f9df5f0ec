"""Quotes: text of documents and cards as lines that anyone can look up where the statement says that they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sre_copilot.agents.toolkit.measuring import Measurer, fact, rows
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Telemetry


class Quotes:
    """Keeps texts as lines of state beside an observation, and states that they stand there."""

    def __init__(self, observation: Observation | None = None) -> None:
        self.observation = observation or Observation(incident=Incident(id="quotes"), current=Telemetry())
        self._measurer: Measurer | None = None

    def add(self, key: str, lines: Sequence[str]) -> None:
        """Keep lines under a name."""
        state = {**(self.observation.current.state or {}), key: "\n".join(lines)}
        self.observation = replace(self.observation, current=replace(self.observation.current, state=state))
        self._measurer = None

    def finding(self, kind: str, key: str, line: str, **params: str | float | int) -> Finding | None:
        """That a line stands under a name; None where it does not."""
        self._measurer = self._measurer or Measurer(self.observation)
        count = self._measurer.measure(rows("state", {"key": key, "line": line}, None), "count")
        if count is None or not count.value:
            return None
        return fact(kind, key, "state", (count.check,), window=None, line=line, **params)
