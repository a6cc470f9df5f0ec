"""All faults of the lab, one table; one file a family."""

from __future__ import annotations

from lab.faults import network, process, release, resource, security, store, traffic
from lab.faults.fault import Fault, Scene

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for family in (resource, release, network, store, process, security, traffic)
    for fault in family.FAULTS
}

__all__ = ["FAULTS", "Fault", "Scene"]
