"""What is wrong with something that a person asks for: every field that is, each with the way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.alerts.matchers import Matcher, of_api
from sre_copilot.errors import UsageError


@dataclass(frozen=True, slots=True)
class Problem:
    """A field, as the sender called it, and what is wrong with it."""

    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"


class InvalidError(UsageError):
    """What was asked for cannot be; `problems` names each field."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


def read_matchers(given: Sequence[Any]) -> tuple[tuple[Matcher, ...], list[Problem]]:
    """Matchers in the form of the API, and what is wrong with them; with none at all, or only such as take a missing label, every alert would be muted."""
    matchers, problems = [], []
    for number, each in enumerate(given):
        try:
            matchers.append(of_api(each))
        except UsageError as error:
            problems.append(Problem(f"matchers[{number}]", str(error)))
    if not given:
        problems.append(Problem("matchers", "at least one is needed; it says which alerts are meant"))
    elif not problems and all(each.is_equal and each.accepts_empty for each in matchers):
        problems.append(
            Problem(
                "matchers",
                "at least one must not match the empty string, or every alert would be meant; add one with a value",
            )
        )
    return tuple(matchers), problems
