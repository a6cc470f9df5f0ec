"""Names in `alerting.people` that must be those of something that is there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

LISTED = 12  # names that an error lists: enough to find the right one
WORDS = {"persons": "person", "teams": "team", "schedules": "schedule", "policies": "policy"}


class Named(NamedTuple):
    """A place that names something: its path, the section in which that must be, and the name."""

    path: str
    section: str
    name: str


def check_names(named: Sequence[Named], known: Mapping[str, Sequence[str]]) -> None:
    """See whether everything that is named is there.

    Raises
    ------
    ValueError : names each place, and the name that was probably meant
    """
    problems = [_problem(each, known[each.section]) for each in named if each.name not in known[each.section]]
    if problems:
        raise ValueError("; ".join(problems))


def _problem(named: Named, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(named.name, known, n=1)
    listed = ", ".join(known[:LISTED]) + (f" and {len(known) - LISTED} more" if len(known) > LISTED else "")
    way_out = f"did you mean {near[0]}?" if near else f"there are: {listed or 'none; add it'}"
    return f"{named.path}: {named.name!r} is no {WORDS[named.section]}; {way_out}"
