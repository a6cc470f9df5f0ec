"""The agents' tool that goes through a diagnostic workflow: one whose every step only reads. What it finds is quoted, line by line, as evidence that anyone can look up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import Arguments, Tool, ToolContext, ToolResult
from sre_copilot.agents.toolbox import Toolbox
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.handles import HandleStore
from sre_copilot.agents.toolkit.names import nearest
from sre_copilot.agents.toolkit.quoting import Quotes
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.app.workflow_reading import ports_of
from sre_copilot.domain.knowledge import Lang
from sre_copilot.store.database import Database
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.workflows.frames import parsed
from sre_copilot.workflows.simulation.simulate import Passed, Simulation, simulate
from sre_copilot.workflows.spec import Workflow

RUN_WORKFLOW = "run_workflow"
READS = ("tool", "check", "query", "set", "fail", "block", "parallel")
"""Kinds of steps that only read or compute. A model is not asked on behalf of a model, and nobody waits in a conversation."""
LONGEST_S = 45.0  # no step begins later: a call of a tool has a minute
LISTED = 20  # workflows that a description names
MOST_LINES = 40  # of findings that a digest may state; the rows have all steps
LINE = 240  # characters of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """The newest version of a workflow."""

    workflow: Workflow
    text: str
    version: int


Find = Callable[[], Sequence[Diagnostic]]
"""The workflows there are and whose triggers count."""


class RunWorkflowArguments(Arguments):
    """Which workflow, with which inputs."""

    workflow: str = Field(min_length=1, max_length=64, description="Id of the workflow")
    inputs: dict[str, Any] = Field(default_factory=dict, max_length=50, description="Its inputs by name")


class RunWorkflow(ReadingTool):
    """Goes through a workflow on what the context looks at; one that does more than read is refused."""

    name: ClassVar[str] = RUN_WORKFLOW
    Arguments: ClassVar[type[Arguments]] = RunWorkflowArguments
    said: ClassVar[Mapping[Lang, str]] = {
        "en": "Goes through a diagnostic workflow that people wrote, whose steps only read, and states what each step found.",
        "zh": "执行由人编写、各步骤只读的诊断工作流，并陈述每一步的发现。",
    }

    def __init__(self, find: Find, tools: Mapping[str, Tool]) -> None:
        self._find = find
        self._tools = {name: tool for name, tool in tools.items() if name != RUN_WORKFLOW}

    def description(self, lang: Lang) -> str:
        """One sentence, and which workflows there are."""
        known = [each.workflow for each in self._find() if not acting(each.workflow)][:LISTED]
        listed = "; ".join(f"{each.id} ({', '.join(one.name for one in each.inputs)}): {each.name}" for each in known)  # fmt: skip
        return f"{self.said[lang]} {listed}".strip()

    def answer(self, arguments: RunWorkflowArguments, context: ToolContext) -> ToolResult:
        """Look whether it only reads, and go through it."""
        found = {each.workflow.id: each for each in self._find()}
        chosen = found.get(arguments.workflow)
        if chosen is None:
            names = [key for key, each in found.items() if not acting(each.workflow)]
            near = ", ".join(nearest(arguments.workflow, names)) or "-"
            raise Trouble("error", "tool.workflow.unknown", workflow=arguments.workflow, near=near)
        if (more := acting(chosen.workflow)) is not None:
            raise Trouble("approval_required", "tool.workflow.acts", workflow=chosen.workflow.id, step=more[0], type=more[1])  # fmt: skip
        pages = context.pages if isinstance(context.pages, HandleStore) else None
        ports = ports_of(Toolbox(self._tools, context, handles=pages))
        gone = simulate(
            chosen.text, ports, now=context.scene.now(), inputs=arguments.inputs, role=context.role, seconds=LONGEST_S
        )  # fmt: skip
        return _told(chosen, gone, context)


def with_workflows(tools: Mapping[str, Tool], database: Database) -> Mapping[str, Tool]:
    """The tools, and the one that goes through workflows of a store; a tool that has its name already keeps it."""
    return {RUN_WORKFLOW: RunWorkflow(stored(WorkflowStore(database)), tools), **tools}


def stored(store: WorkflowStore) -> Find:
    """The workflows of a store; they are read again when one was applied, enabled or disabled."""
    kept: dict[object, tuple[Diagnostic, ...]] = {}

    def find() -> Sequence[Diagnostic]:
        mark = store.mark()
        if mark not in kept:
            rows = [row for row in store.newest() if row["enabled"]]
            kept.clear()
            kept[mark] = tuple(
                Diagnostic(workflow=parsed(row["text"]), text=row["text"], version=row["version"])
                for row in rows
            )
        return kept[mark]

    return find


def acting(workflow: Workflow) -> tuple[str, str] | None:
    """The first step that does more than read, with its kind; None of a diagnostic workflow."""
    more = ((step.name, step.kind) for _, step in workflow.walk() if step.kind not in READS)
    return next(more, None)


def _told(chosen: Diagnostic, gone: Simulation, context: ToolContext) -> ToolResult:
    """What each step found, quoted; a workflow that failed says where, and what was found before stands."""
    key, quotes, digest = f"{chosen.workflow.id} v{chosen.version}", Quotes(), Digest(context)
    lines = list(dict.fromkeys(line for each in gone.path for line in lines_of(each)))
    lines += [f"outputs {name}: {_short(value)}" for name, value in gone.outputs.items()]
    quotes.add(key, lines)
    digest.remark("tool.asked.workflow", workflow=chosen.workflow.id, version=chosen.version, steps=len(gone.path), status=gone.status)  # fmt: skip
    for line in lines[:MOST_LINES]:
        if (finding := quotes.finding("tool.workflow.step", key, line)) is not None:
            digest.state(finding)
    if gone.error:
        digest.remark("tool.workflow.ended", problem=gone.error[:LINE])
    rows = [(each.step, each.kind, each.status, " / ".join(lines_of(each)), each.error) for each in gone.path]
    table = pl.DataFrame(rows, schema=["step", "kind", "status", "found", "problem"], orient="row")
    return digest.result(quotes.observation, rows=table, status=gone.status, outputs=dict(gone.outputs))


def lines_of(passed: Passed) -> Iterator[str]:
    """What a step found, a line each: the digest of a tool, whether a statement holds, computed values."""
    output = passed.output if isinstance(passed.output, Mapping) else {}
    if passed.status == "skipped" or passed.kind in ("block", "parallel"):
        return
    if passed.error:
        yield f"{passed.step} {passed.status}: {_line(passed.error)}"
    elif passed.kind == "check":
        holds = (
            "no data" if output.get("value") is None else "holds" if output.get("holds") else "does not hold"
        )
        yield f"{passed.step}: {holds} (value {_short(output.get('value'))})"
    elif "digest" in output:
        for line in str(output["digest"]).splitlines():
            yield f"{passed.step}: {_line(line)}"
    else:
        yield f"{passed.step}: {_short(passed.output)}"


def _line(text: str) -> str:
    return " ".join(text.split())[:LINE]


def _short(value: Any) -> str:
    return _line(json.dumps(value, ensure_ascii=False))
