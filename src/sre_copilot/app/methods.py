"""The registered methods of detection and localisation."""

from __future__ import annotations

from functools import cache

from sre_copilot.incidents.investigation import Methods
from sre_copilot.plugins import load


@cache
def registered_methods() -> Methods:
    """All registered detectors and localisers."""
    return Methods(detectors=load("sre_copilot.detectors"), localisers=load("sre_copilot.localisers"))
