"""The workflows there are: each applied text is a version that is kept; what is applied was read without a problem."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sre_copilot.clock import Clock
from sre_copilot.errors import UsageError
from sre_copilot.store.paging import Row
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.workflows.compiling import expression_problems
from sre_copilot.workflows.problems import Problem, WorkflowProblems
from sre_copilot.workflows.reading import Source, read
from sre_copilot.workflows.spec import Workflow

Lint = Callable[[Source], Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of applying a text: `changed` when it is another one than the version before; `difference` to that, as a unified diff."""

    workflow: Workflow
    version: int
    changed: bool
    difference: str


class Collection:
    """All workflows; `lint` is what is looked at besides what reading and compiling find, and what it finds keeps a text out."""

    def __init__(self, store: WorkflowStore, clock: Clock, *, lint: Lint = lambda source: ()) -> None:
        self.store, self._clock, self._lint = store, clock, lint

    def check(self, text: str) -> Source:
        """Read a text, and compile every expression in it.

        Raises
        ------
        WorkflowProblems : all that is wrong with it
        """
        source = read(text)
        problems = [*expression_problems(source), *self._lint(source)]
        if problems:
            raise WorkflowProblems(problems)
        return source

    def apply(self, text: str, *, who: str, note: str = "", expected: int | None = None) -> Applied:
        """Keep a text as the newest version of its workflow; the same text again changes nothing.

        Raises
        ------
        WorkflowProblems : all that is wrong with it
        StaleError : there is another version than the expected one (0: none)
        """
        workflow = self.check(text).workflow
        stored = self.store.apply(
            workflow.id, text, name=workflow.name or workflow.id, description=workflow.description, enabled=not workflow.disabled,
            who=who, now=self._clock.now(), note=note, expected=expected,
        )  # fmt: skip
        difference = diff(stored.before, text, workflow.id) if stored.changed else ""
        return Applied(workflow, stored.version, stored.changed, difference)

    def enable(self, key: str, enabled: bool) -> None:
        """Let the triggers of a workflow count, or not."""
        if not self.store.enable(key, enabled, now=self._clock.now()):
            raise unknown(key)

    def get(self, key: str) -> Row:
        """One workflow with the text of its newest version."""
        row, text = self.store.get(key), self.store.version(key)
        if row is None or text is None:
            raise unknown(key)
        return {
            **row,
            "text": text["text"],
            "applied_by": text["applied_by"],
            "applied_at": text["applied_at"],
        }

    def version(self, key: str, number: int | None = None) -> Row:
        """One version with its text; the newest by default."""
        found = self.store.version(key, number)
        if found is None:
            raise unknown(key if number is None else f"{key} version {number}")
        return found

    def difference(self, key: str, old: int, new: int) -> str:
        """Between two versions, as a unified diff."""
        return diff(self.version(key, old)["text"], self.version(key, new)["text"], key)


def diff(old: str, new: str, name: str) -> str:
    """A unified diff of two texts."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        new.splitlines(keepends=True),
        fromfile=f"{name} (before)",
        tofile=f"{name} (after)",
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def unknown(key: str) -> UsageError:
    """There is no such workflow."""
    return UsageError(f"workflow {key!r}: is not there. List them with `workflow list`.")
