"""Labels of data sets that record telemetry of running services, and the product's fault types that mean the same.

The product's own types (`domain.faults`) need no row: a recording may name them directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ACCEPTED: Final[Mapping[str, frozenset[str]]] = {
    # Contention by a neighbour and consumption by the service itself look the same from outside: one type.
    "cpu_contention": frozenset({"resource/cpu"}),
    "cpu_consumed": frozenset({"resource/cpu"}),
    "network_delay": frozenset({"network/delay"}),
    "exception": frozenset({"code/exception"}),
    "return": frozenset({"code/missing-step"}),
    # Recordings that hold latency and availability of nodes alone cannot tell causes apart.
    "latency/availability issue": frozenset({"degradation/latency", "degradation/availability"}),
}


def means(label: str, fault_type: str | None) -> bool:
    """Whether the product's fault type says what a data set's label says."""
    return fault_type is not None and fault_type in ACCEPTED.get(label, frozenset({label}))
