"""In which order the steps of a list are done: each after those that it needs."""

from __future__ import annotations

from collections.abc import Sequence

from sre_copilot.workflows.spec import Step


def needs_of(steps: Sequence[Step], place: int) -> tuple[str, ...]:
    """What a step needs; the one before it where nothing is said."""
    step = steps[place]
    if step.needs is not None:
        return step.needs
    return (steps[place - 1].name,) if place else ()


def waves(steps: Sequence[Step]) -> tuple[tuple[int, ...], ...]:
    """Places of steps that can be done at the same time, wave after wave."""
    done: set[str] = set()
    left = list(range(len(steps)))
    found: list[tuple[int, ...]] = []
    while left:
        ready = tuple(place for place in left if set(needs_of(steps, place)) <= done)
        if not ready:  # reading allows no such workflow
            raise ValueError(f"steps need each other: {[steps[place].name for place in left]}")
        found.append(ready)
        done |= {steps[place].name for place in ready}
        left = [place for place in left if place not in ready]
    return tuple(found)
