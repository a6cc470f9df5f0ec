"""What a source is: a place that telemetry of an incident is read from."""

from __future__ import annotations

from typing import Protocol

from sre_copilot.domain.incident import Observation


class Source(Protocol):
    """Reads what was recorded, in the canonical form of `domain.signals`.

    The same telemetry gives the same observation, whatever order its rows arrive in. What was not recorded is None, what
    could only be read with a loss is a gap, and what cannot be read at all is an error with the way out.
    """

    def observe(self) -> Observation:
        """Return all that may be looked at; raise `SreCopilotError` when it cannot be read."""
        ...
