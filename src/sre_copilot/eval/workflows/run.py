"""Every procedure of a folder becomes a workflow, which is checked by lint and compared, step by step, with the steps that its author expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sre_copilot.agents.toolbox import registered_tools, schema_of
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.sops import Step, parse_sop
from sre_copilot.workflows.generation.graph import graph_of
from sre_copilot.workflows.generation.means import Means
from sre_copilot.workflows.generation.procedure import text_of, workflow_of
from sre_copilot.workflows.generation.prose import END, Way, clauses
from sre_copilot.workflows.lint.known import Known
from sre_copilot.workflows.lint.linter import lint_text

RECEIVER = "oncall"  # taken to be configured, so that a message is a message
EXPECTED = ".steps.yaml"


@dataclass(frozen=True, slots=True)
class Judged:
    """One procedure: the remarks of lint, and each step as expected and as made."""

    name: str
    lang: str
    remarks: tuple[str, ...]
    steps: tuple[tuple[str, str, str], ...]
    """Place, expected, made."""

    @property
    def right(self) -> int:
        """Steps that are as expected."""
        return sum(expected == made for _, expected, made in self.steps)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All procedures."""

    judged: tuple[Judged, ...]

    @property
    def clean(self) -> float:
        """Share of workflows on which lint remarks nothing."""
        return sum(not each.remarks for each in self.judged) / len(self.judged)

    @property
    def accuracy(self) -> float:
        """Share of steps that are as expected."""
        return sum(each.right for each in self.judged) / sum(len(each.steps) for each in self.judged)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        wrong = [
            {"procedure": each.name, "place": place, "expected": expected, "made": made}
            for each in self.judged
            for place, expected, made in each.steps
            if expected != made
        ]
        steps = sum(len(each.steps) for each in self.judged)
        remarks = {each.name: list(each.remarks) for each in self.judged if each.remarks}
        return {
            "procedures": len(self.judged), "lint_clean": self.clean, "steps": steps, "step_accuracy": self.accuracy,
            "remarks": remarks, "wrong": wrong,
        }  # fmt: skip


def evaluate(folder: Path) -> Evaluation:
    """Judge every `*.md` of a folder that has its `*.steps.yaml`.

    Raises
    ------
    UsageError : there is none, or one cannot be read
    """
    files = [each for each in sorted(folder.glob("*.md")) if each.with_name(each.stem + EXPECTED).exists()]
    if not files:
        raise UsageError(
            f"{folder}: holds no procedure NAME.md with its NAME{EXPECTED}. Name another folder."
        )
    tools = {name: schema_of(tool) for name, tool in registered_tools().items()}
    return Evaluation(tuple(_judged(each, Means(tools=tools, receivers=(RECEIVER,))) for each in files))


def _judged(file: Path, means: Means) -> Judged:
    sop = parse_sop(file.read_text(encoding="utf-8"), name=file.name)
    expected = yaml.safe_load(file.with_name(file.stem + EXPECTED).read_text(encoding="utf-8"))
    document = workflow_of(sop, means)
    known = Known(tools=means.tools, actions={}, receivers=means.receivers, workflows=lambda key: None)
    remarks = tuple(map(str, lint_text(text_of(document), known)))
    steps = document["workflow"]["steps"]
    looks = [_kind(each["provider"]) for each in steps if each["name"].startswith("look_")]
    flow = [_made(step, sop.flow, steps) for step in sop.flow]
    pairs = [(f"item {n}", a, b) for n, (a, b) in enumerate(zip(expected["items"], looks, strict=True), 1)]
    wanted = [" ".join(each) for each in expected["flow"]]
    pairs += [(f"flow {n}", a, b) for n, (a, b) in enumerate(zip(wanted, flow, strict=True), 1)]
    return Judged(file.stem, sop.lang, remarks, tuple(pairs))


def _made(step: Step, flow: Sequence[Step], steps: Sequence[Mapping[str, Any]]) -> str:
    """The kinds of the steps made of one of the flow, in their order, each with where it leads to: `ask:5 human`, `ask:3/end`, `notify:end`."""
    nodes = [each for each in graph_of(flow).nodes if each.step == step.number and "_again_" not in each.name]
    by_name = {each["name"]: each for each in steps}
    leads = iter([_leads(each.then, each.otherwise) for each in clauses(step.text) if each.asked])
    alone = {each.then.deed: each.then.goto for each in clauses(step.text) if not each.asked}
    words = []
    for node in nodes:
        if node.asks:
            words.append("ask" + next(leads))
            continue
        before = f"{node.name}_before_1"
        kinds = [_kind(by_name[name]["provider"]) for name in (before, node.name) if name in by_name]
        kinds[-1] += _to(alone.get(node.text))
        words += kinds
    return " ".join(words)


def _leads(then: Way, otherwise: Way) -> str:
    if otherwise.goto is None:
        return _to(then.goto)
    return f":{_to(then.goto).removeprefix(':')}/{_to(otherwise.goto).removeprefix(':')}"


def _to(goto: int | None) -> str:
    return "" if goto is None else ":end" if goto == END else f":{goto}"


def _kind(provider: Mapping[str, Any]) -> str:
    return str(provider["type"]).removeprefix("tool.")
