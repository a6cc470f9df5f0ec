"""The form in which a model proposes a workflow, and the workflow that comes of it: steps of known kinds alone, targets and expressions by us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sre_copilot.workflows.generation.means import HUMAN_TIMEOUT, Means, human, plain, question

Document = dict[str, Any]
MOST_STEPS = 40  # longer procedures are several
MOST_WAIT_S = 86_400.0
SERVICE = "{service}"
"""Stands for the service that a run is about, in arguments."""


class OnlyIf(BaseModel):
    """That an earlier question was answered so."""

    model_config = ConfigDict(extra="forbid")

    step: str = Field(max_length=40, description="name of an earlier step of kind ask")
    answer: Literal["yes", "no"]


class ProposedStep(BaseModel):
    """One step."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="short name, small letters, digits, _")
    title: str = Field(min_length=1, max_length=300, description="what is done, in the words of the material")
    kind: Literal["look", "ask", "do", "wait", "act", "tell"] = Field(
        description="look: a tool reads; ask: a person answers yes or no; do: a person does it; wait; act: an action of the catalogue; tell: people are told"
    )
    tool: str = Field(default="", max_length=100, description="of look: name of the tool")
    action: str = Field(default="", max_length=130, description="of act: name of the action")
    arguments: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="of look and act; {service} stands for the service"
    )
    seconds: float = Field(default=0.0, ge=0.0, le=MOST_WAIT_S, description="of wait: how long")
    only_if: list[OnlyIf] = Field(default_factory=list, max_length=3, description="empty: always")


class ProposedWorkflow(BaseModel):
    """The steps, in their order."""

    model_config = ConfigDict(extra="forbid")

    steps: list[ProposedStep] = Field(min_length=1, max_length=MOST_STEPS)


def workflow_of_proposal(proposed: ProposedWorkflow, base: Mapping[str, Any], means: Means) -> Document:
    """The document of a workflow with the steps of a model, and with the id, triggers and inputs that the rules gave it.

    A tool that there is not, an action that has no one target and a condition on no question become tasks for a person.
    """
    frame = {
        key: value for key, value in base["workflow"].items() if key not in ("steps", "actions", "outputs")
    }
    inputs = {str(each["name"]) for each in frame.get("inputs", ())}
    if "service" not in inputs:
        frame["inputs"] = [*frame.get("inputs", ()), {"name": "service", "default": ""}]
    return {"workflow": {**frame, "steps": list(_steps(proposed.steps, means))}}


def _steps(proposed: Sequence[ProposedStep], means: Means) -> Iterator[Document]:
    asked: set[str] = set()
    looked: list[tuple[str, str]] = []
    names: set[str] = set()
    for each in proposed:
        name = _free(each.name, names)
        names.add(name)
        known = all(one.step in asked for one in each.only_if)
        provider = _provider(each, means, looked) if known else human(each.title)
        step: Document = {"name": name, "title": plain(each.title)}
        if known and each.only_if:
            step["if"] = " && ".join(_term(one) for one in each.only_if)
        step["provider"] = provider
        if provider["type"] == "human":
            step["timeout"] = HUMAN_TIMEOUT
        elif provider["type"].startswith("tool."):
            step["on_failure"] = "continue"
            looked.append((name, each.title))
        if known and each.kind == "ask":
            asked.add(name)
        yield step


def _provider(step: ProposedStep, means: Means, looked: Sequence[tuple[str, str]]) -> Document:
    if step.kind == "ask":
        return question(step.title, "\n".join(_digest(*each) for each in looked[-6:]))
    if step.kind == "look" and step.tool in means.tools:
        return {"type": f"tool.{step.tool}", "with": _arguments(step.arguments)}
    if step.kind == "wait" and step.seconds > 0:
        return {"type": "wait", "with": {"for": step.seconds}}
    if step.kind == "tell" and means.receivers:
        return {"type": "notify", "with": {"receivers": list(means.receivers), "title": plain(step.title)}}
    if step.kind == "act" and step.action in means.actions:
        target = means.actions[step.action][1]
        where = {key: getattr(target, key) for key in ("kind", "name", "namespace") if getattr(target, key)}
        given = {"target": where, "parameters": _arguments(step.arguments), "reason": plain(step.title)}
        return {"type": f"action.{step.action}", "with": given}
    return human(step.title)


def _arguments(given: Mapping[str, Any]) -> Document:
    """Arguments without expressions; the service is the one of the run."""
    return {name: _value(value) for name, value in given.items() if value != ""}


def _value(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.strip() in (SERVICE, "service"):
        return "{{ inputs.service }}"
    return plain(value)


def _digest(name: str, title: str) -> str:
    return f"{plain(title)}: {{{{ steps.{name}.status == 'succeeded' ? steps.{name}.output.digest : '-' }}}}"


def _term(one: OnlyIf) -> str:
    sign = "" if one.answer == "yes" else "!"
    return f"(steps.{one.step}.status == 'succeeded' && {sign}steps.{one.step}.output.answer.holds)"


def _free(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name[:36]}_{number}", number + 1
    return found
