"""Policies from the text of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from sre_copilot.decision.policy.located import Located, read_located
from sre_copilot.decision.policy.model import Expected, Given, Hours, Policy, PolicyFile, PolicyTest, When
from sre_copilot.errors import SettingsError

SECTIONS: tuple[type[BaseModel], ...] = (PolicyFile, Policy, When, Hours, PolicyTest, Given, Expected)


@dataclass(frozen=True, slots=True)
class Policies:
    """Rules and their tests; `places` says of each rule, in their order, where it stands."""

    rules: tuple[Policy, ...] = ()
    tests: tuple[PolicyTest, ...] = ()
    places: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str, name: str) -> Self:
        """Read a file; `name` is what errors call it.

        Raises
        ------
        SettingsError : everything that is wrong, each with file, line, path and the way out
        """
        document = read_located(text, name)
        if not isinstance(document.data, dict):
            raise SettingsError(f"{name}: holds no keys; a file of policies has `policies` and `tests`.")
        try:
            given = PolicyFile.model_validate(document.data)
        except ValidationError as error:
            raise SettingsError("; ".join(_said(document, error))) from None
        if problems := [*_twice(document, given), *_unknown(document, given)]:
            raise SettingsError("; ".join(problems))
        places = tuple(document.place(("policies", place)) for place in range(len(given.policies)))
        return cls(tuple(given.policies), tuple(given.tests), places)

    @classmethod
    def together(cls, files: Iterable[Policies]) -> Self:
        """All rules of several files; tests stay with their own file, for they speak of it alone.

        Raises
        ------
        SettingsError : when two rules have one name
        """
        known = list(files)
        rules = [rule for each in known for rule in each.rules]
        places = [place for each in known for place in each.places]
        first: dict[str, str] = {}
        for rule, place in zip(rules, places, strict=True):
            if rule.name in first:
                raise SettingsError(
                    f"{place}: the name {rule.name!r} is that of another rule ({first[rule.name]}). Rename one."
                )
            first[rule.name] = place
        return cls(tuple(rules), (), tuple(places))


def _said(document: Located, error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_input=False, include_url=False):
        path = tuple(detail["loc"])
        text = str(detail["msg"]).removeprefix("Value error, ")
        if detail["type"] == "missing":
            text = "is missing; add it"
        elif detail["type"] == "extra_forbidden":
            text = _nearest(str(path[-1]))
        yield f"{document.place(path)}: {text}"


def _nearest(key: str) -> str:
    near = get_close_matches(key, {name for each in SECTIONS for name in each.model_fields}, n=1)
    return "is unknown" + (f"; did you mean {near[0]}?" if near else "; take it out")


def _twice(document: Located, given: PolicyFile) -> Iterator[str]:
    names = [each.name for each in given.policies]
    for place, name in enumerate(names):
        if name in names[:place]:
            yield f"{document.place(('policies', place, 'name'))}: {name!r} stands twice; rename one"


def _unknown(document: Located, given: PolicyFile) -> Iterator[str]:
    """Rules that a test expects and that there are none of."""
    names: list[Any] = [each.name for each in given.policies]
    for place, test in enumerate(given.tests):
        for each in test.expect.policies or ():
            if each not in names:
                near = get_close_matches(each, names, n=1)
                hint = f"; did you mean {near[0]}?" if near else "; take it out"
                yield f"{document.place(('tests', place, 'expect', 'policies'))}: {each!r} is no rule of this file{hint}"
