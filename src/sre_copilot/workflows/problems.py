"""What is wrong with a workflow as it is written: where, what, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sre_copilot.errors import UsageError

SHOWN = 20  # problems in an error's text; all are in `problems`


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong; `line` and `column` count from 1, 0 where the place is not known."""

    line: int
    column: int
    path: str
    problem: str
    fix: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.path}: {self.problem}." + (f" {self.fix.rstrip('.')}" if self.fix else "")


class WorkflowProblems(UsageError):  # noqa: N818 - a kind of UsageError, and it reads better so
    """A workflow cannot be used as it is written; `problems` are all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        lines = [str(each) for each in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"and {len(self.problems) - SHOWN} more")
        super().__init__("\n".join(lines))
