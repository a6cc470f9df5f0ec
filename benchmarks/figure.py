"""What a benchmark returns, and how it asks its peers.

A benchmark is a module of this package with `NAME`, a sentence `ABOUT`, and `measure(peers) -> Figure`. Peers are other people's
libraries; they live in an environment of their own (`benchmarks/requirements.txt`) and are run as scripts of `benchmarks/peers/`, which print one JSON document.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured speed.

    `ours` and `peer` are in `unit` (a rate: more is better); `ratio` is ours / peer; `of_limit` is the share of what the machine
    could do at best (reading or writing the same memory), measured in the same run. None: there is no such thing to compare with.
    `detail` holds whatever else was measured, by name.
    """

    unit: str
    ours: float
    peer: float | None = None
    of_limit: float | None = None
    detail: dict[str, float | str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times faster than the peer."""
        return self.ours / self.peer if self.peer else None


class Peers(Protocol):
    """Runs a script of `benchmarks/peers/` in the peers' own environment."""

    def run(self, script: str, *arguments: str) -> dict[str, Any]:
        """Return what it printed; raise `PeerMissing` with the reason when the environment cannot be had."""
        ...


class PeerMissing(Exception):  # noqa: N818 - it is no error of ours
    """The peers' environment is not there; the figure is then reported without a peer, and says so."""
