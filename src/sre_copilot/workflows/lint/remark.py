"""What lint says: an error keeps a workflow out, a warning does not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sre_copilot.workflows.problems import Problem
from sre_copilot.workflows.reading import Source

Weight = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """One remark; `problem` has line, path and the way out."""

    problem: Problem
    weight: Weight = "error"

    def __str__(self) -> str:
        return f"{self.weight}: {self.problem}"


def error(source: Source, path: str, problem: str, fix: str) -> Remark:
    """A remark that keeps a workflow out."""
    return Remark(source.problem(path, problem, fix))


def warning(source: Source, path: str, problem: str, fix: str) -> Remark:
    """A remark that does not."""
    return Remark(source.problem(path, problem, fix), "warning")


def nearest(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """The way out of a name that is not there."""
    names = sorted(known)
    if near := difflib.get_close_matches(word, names, n=1):
        return f"Did you mean {near[0]}?"
    if not names:
        return otherwise or "There is none"
    return f"There are: {', '.join(names[:30])}"
