"""Which service or metric is meant; and what there is, when nothing is called so."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sre_copilot.agents.tool import ToolContext
from sre_copilot.agents.toolkit.trouble import Trouble

LISTED = 8  # names that an error offers: enough to choose from, few enough to read
ALIKE = 0.45  # of difflib's ratio: a name with a typing error reaches .8, one with another ending .5


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Names that resemble one, best first; where none does, the first that there are."""
    names = sorted(set(known))
    folded = {each.casefold(): each for each in names}
    inside = [each for each in names if name and name.casefold() in each.casefold()]
    alike = difflib.get_close_matches(name.casefold(), list(folded), n=LISTED, cutoff=ALIKE)
    found = list(dict.fromkeys([*inside, *(folded[each] for each in alike)]))
    return (found or names)[:LISTED]


def one_of(name: str, known: Iterable[str]) -> str | None:
    """The name that is meant: equal, or equal but for the size of letters where that is unambiguous."""
    names = set(known)
    if name in names:
        return name
    folded = [each for each in names if each.casefold() == name.casefold()]
    return folded[0] if len(folded) == 1 else None


def service_of(name: str, context: ToolContext, *, also: Iterable[str] = ()) -> str:
    """The service that is meant; one that nobody knows is an error with the nearest names."""
    known = {*context.scene.services(), *also}
    found = one_of(name, known)
    if found is None and not known:
        raise Trouble("error", "tool.problem.no_services", name=name)
    if found is None:
        raise Trouble("error", "tool.problem.service", name=name, near=", ".join(nearest(name, known)))
    return found


def metrics_of(name: str, known: Iterable[str]) -> list[str]:
    """The metrics that a name means: that one, else all that contain it; none is an error with the nearest names."""
    names = sorted(set(known))
    exact = one_of(name, names)
    if exact is not None:
        return [exact]
    found = [each for each in names if name.casefold() in each.casefold()]
    if not found:
        raise Trouble("error", "tool.problem.metric", name=name, near=", ".join(nearest(name, names)) or "–")
    return found
