"""Every expression of a workflow is compiled when it is applied, so that a mistake in it is not found at night."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.workflows.cel import ExpressionProblem, compiled
from sre_copilot.workflows.problems import Problem
from sre_copilot.workflows.reading import Source
from sre_copilot.workflows.spec import Step, Workflow
from sre_copilot.workflows.templates import bare, expressions_in


def expressions(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Every expression with the path of the value that it stands in, outer steps first."""
    for number, trigger in enumerate(workflow.triggers):
        path = f"workflow.triggers[{number}]"
        if (condition := getattr(trigger, "cel", None)) is not None:
            yield f"{path}.cel", _bare(condition)
        yield from expressions_in(getattr(trigger, "inputs", {}), f"{path}.inputs")
    for path, step in workflow.walk():
        yield from _of_step(path, step)
    yield from expressions_in(workflow.outputs, "workflow.outputs")


def expression_problems(source: Source) -> Iterator[Problem]:
    """What is wrong with expressions, each once."""
    for path, text in expressions(source.workflow):
        try:
            compiled(text)
        except ExpressionProblem as problem:
            yield _told(source, path, problem)


def _of_step(path: str, step: Step) -> Iterator[tuple[str, str]]:
    if step.condition is not None:
        yield f"{path}.if", _bare(step.condition)
    if isinstance(step.foreach, str):
        yield f"{path}.foreach", _bare(step.foreach)
    elif step.foreach is not None:
        yield from expressions_in(step.foreach, f"{path}.foreach")
    if step.provider is not None:
        given = step.provider.model_dump(by_alias=True).get("with", {})
        yield from expressions_in(given, f"{path}.provider.with")


def _bare(text: str) -> str:
    try:
        return bare(text)
    except ExpressionProblem as problem:
        return problem.expression


def _told(source: Source, path: str, problem: ExpressionProblem) -> Problem:
    where = f" at column {problem.column} of the expression" if problem.column else ""
    what, _, fix = problem.problem.partition("; ")
    return source.problem(
        path, f"{what}{where}", fix[:1].upper() + fix[1:] or f"Rewrite {problem.expression[:80]!r}"
    )
