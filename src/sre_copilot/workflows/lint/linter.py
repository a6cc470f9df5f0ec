"""Lint: everything that can be said of a workflow before it runs, each with line, path and the way out."""

from __future__ import annotations

from collections.abc import Sequence

from sre_copilot.workflows.compiling import expression_problems
from sre_copilot.workflows.lint.flow import flow_remarks
from sre_copilot.workflows.lint.known import Known
from sre_copilot.workflows.lint.measures import measure_remarks
from sre_copilot.workflows.lint.parts import part_remarks
from sre_copilot.workflows.lint.queries import query_remarks
from sre_copilot.workflows.lint.references import reference_remarks
from sre_copilot.workflows.lint.remark import Remark
from sre_copilot.workflows.lint.secrets import secret_remarks
from sre_copilot.workflows.lint.starting import trigger_remarks
from sre_copilot.workflows.problems import Problem, WorkflowProblems
from sre_copilot.workflows.reading import Source, read


def lint_text(text: str, known: Known | None = None) -> tuple[Remark, ...]:
    """All remarks on a text, in the order of their lines; whatever the text is."""
    try:
        source = read(text)
    except WorkflowProblems as problems:
        return tuple(Remark(each) for each in problems.problems)
    wrong = [Remark(each) for each in expression_problems(source)]
    return tuple(sorted([*wrong, *remarks(source, known or Known())]))


def remarks(source: Source, known: Known) -> tuple[Remark, ...]:
    """All remarks on a workflow that was read."""
    found = [
        *part_remarks(source, known),
        *reference_remarks(source),
        *flow_remarks(source),
        *trigger_remarks(source),
        *secret_remarks(source),
        *query_remarks(source),
        *measure_remarks(source),
    ]
    return tuple(dict.fromkeys(sorted(found)))


def errors(source: Source, known: Known) -> Sequence[Problem]:
    """What keeps a workflow out."""
    return tuple(each.problem for each in remarks(source, known) if each.weight == "error")
