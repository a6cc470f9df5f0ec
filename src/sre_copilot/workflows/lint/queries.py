"""Values that are put into queries: outside quotation marks whoever gives one can write a part of the query."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.workflows.cel import ExpressionProblem
from sre_copilot.workflows.lint.remark import Remark, warning
from sre_copilot.workflows.providers import QueryCall, ToolCall
from sre_copilot.workflows.quoting import placed
from sre_copilot.workflows.reading import Source
from sre_copilot.workflows.spec import Step, Workflow
from sre_copilot.workflows.steps.asking import QUERY_TOOL

_OWN = re.compile(r"consts\.\w+|index|(?:int|double|size)\(.*\)", re.DOTALL)
_INPUT = re.compile(r"inputs\.(\w+)")
_NO_TEXT = ("integer", "number", "boolean")


def query_remarks(source: Source) -> Iterator[Remark]:
    """Values outside the quotation marks of a query that may be any text."""
    for path, step in source.workflow.walk():
        text, language = _query(step)
        if not isinstance(text, str):
            continue
        try:
            pieces = list(placed(text, str(language)))
        except ExpressionProblem:  # is told where expressions are compiled
            continue
        for each in pieces:
            if each.part.expression and not each.quote and not _harmless(each.part.text, source.workflow):
                problem = f"{{{{ {each.part.text} }}}} stands outside quotation marks: its text becomes a part of the query"
                fix = "Write it between quotation marks, where it is escaped, or give a number: int(…), an input of type integer"
                yield warning(source, f"{path}.provider.with.query", problem, fix)


def _query(step: Step) -> tuple[object, object]:
    if isinstance(step.provider, QueryCall):
        return step.provider.with_.query, step.provider.with_.language
    if isinstance(step.provider, ToolCall) and step.provider.tool == QUERY_TOOL:
        return step.provider.with_.get("query"), step.provider.with_.get("language")
    return None, None


def _harmless(expression: str, workflow: Workflow) -> bool:
    named = _INPUT.fullmatch(expression)
    parameter = workflow.parameter(named[1]) if named else None
    return _OWN.fullmatch(expression) is not None or (parameter is not None and parameter.type in _NO_TEXT)
