"""What a process is asked to be, for those who ask and for those who are it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """What a process does; `lease_s` is how long the dead keep what they held, where it is not as usual."""

    command: str
    config: str
    log: str
    port: int = 0
    lease_s: float | None = None
