"""Names that expressions use: each has to be there, and known at that point of every run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sre_copilot.workflows.cel import ExpressionProblem
from sre_copilot.workflows.compiling import expressions
from sre_copilot.workflows.lint.names import Place, guarded, paths_in, places
from sre_copilot.workflows.lint.outputs import unknown_field
from sre_copilot.workflows.lint.remark import Remark, error, nearest, warning
from sre_copilot.workflows.reading import Source
from sre_copilot.workflows.spec import Workflow
from sre_copilot.workflows.templates import bare

RUN = frozenset({"id", "workflow", "version", "by"})
TRIGGER = frozenset({"type", "event", "at", "alert", "incident", "body", "by", "workflow", "run", "step"})


@dataclass(frozen=True, slots=True)
class Use:
    """An expression: where it stands, in which step, and what was asked before it reads anything."""

    source: Source
    path: str
    place: Place | None
    guards: frozenset[str]
    steps: Mapping[str, Place]

    def error(self, problem: str, fix: str) -> Remark:
        """A name that is not there."""
        return error(self.source, self.path, problem, fix)

    def warning(self, problem: str, fix: str) -> Remark:
        """A name that may not be there."""
        return warning(self.source, self.path, problem, fix)


def reference_remarks(source: Source) -> Iterator[Remark]:
    """All references of all expressions."""
    known = {each.path: each for each in places(source.workflow)}
    steps = {each.step.name: each for each in known.values()}
    for path, text in expressions(source.workflow):
        use = Use(source, path, _place(path, known), guarded(text) | _around(path, known), steps)
        for words in paths_in(text):
            yield from _of(use, words)


def _place(path: str, known: Mapping[str, Place]) -> Place | None:
    """The step that an expression stands in."""
    inner = [each for each in known if path.startswith(each + ".")]
    return known[max(inner, key=len)] if inner else None


def _around(path: str, known: Mapping[str, Place]) -> frozenset[str]:
    """What the conditions around an expression have looked at."""
    found: frozenset[str] = frozenset()
    for own, place in known.items():
        within = path.startswith(own + ".") and not path.startswith((f"{own}.if", f"{own}.else"))
        if within and place.step.condition is not None:
            condition = _bare(place.step.condition)
            found |= guarded(condition) | _read(condition)
    return found


def _read(condition: str) -> frozenset[str]:
    """Steps without whose output a condition is not true: where it is, they have one."""
    paths = paths_in(condition) if "||" not in condition else ()
    return frozenset(".".join(words[:2]) for words in paths if words[0] == "steps")


def _bare(text: str) -> str:
    try:
        return bare(text)
    except ExpressionProblem:
        return text


def _of(use: Use, words: tuple[str, ...]) -> Iterator[Remark]:
    variable, *rest = words
    if use.path.startswith("workflow.triggers"):
        if variable != "trigger":
            yield use.error(f"uses {variable}, and a trigger knows only what happened", "Use `trigger`")
    elif variable in ("item", "index"):
        if not _looped(use):
            yield use.error(f"uses {variable} outside a foreach", "Put the step into one, with `foreach:`")
    elif variable == "steps" and rest:
        yield from _step(use, tuple(rest))
    elif rest and (names := _names(use.source.workflow, variable)) is not None and rest[0] not in names:
        yield use.error(f"uses {variable}.{rest[0]}, which is not there", nearest(rest[0], names))


def _looped(use: Use) -> bool:
    place = use.place
    if place is None or not place.in_loop:
        return False
    return place.step.foreach is None or use.path not in (f"{place.path}.if", f"{place.path}.foreach")


def _names(workflow: Workflow, variable: str) -> frozenset[str] | None:
    return {
        "inputs": frozenset(each.name for each in workflow.inputs),
        "consts": frozenset(workflow.consts),
        "run": RUN,
        "trigger": TRIGGER,
    }.get(variable)


def _step(use: Use, rest: tuple[str, ...]) -> Iterator[Remark]:
    name = rest[0]
    if name not in use.steps:
        yield use.error(f"uses steps.{name}, and no step is called so", nearest(name, use.steps))
    elif use.place is not None and name not in use.place.before:
        fix = f"Name it under `needs` of {use.place.step.name}, or move it before"
        yield use.error(f"uses steps.{name}, which need not be over by then", fix)
    elif (wrong := unknown_field(use.steps[name].step, rest)) is not None:
        word, fields = wrong
        fix = nearest(word, fields)
        yield use.error(f"uses steps.{'.'.join(rest)}, and there is no {word}", fix)
    else:
        yield from _perhaps(use, rest)


def _perhaps(use: Use, rest: tuple[str, ...]) -> Iterator[Remark]:
    """A step that may have been left out has no output."""
    full, step = f"steps.{rest[0]}", use.steps[rest[0]].step
    if full in use.guards or any(each.startswith(full + ".") for each in use.guards):
        return
    if use.place is not None and rest[0] in use.place.maybe:
        fix = f"Ask before: has({full}) && …"
        yield use.warning(f"uses {full}, which is not there when its block is left out", fix)
    elif len(rest) > 2 and (step.condition is not None or step.on_failure == "continue"):
        fix = f"Ask before: {full}.status == 'succeeded' && …"
        yield use.warning(f"uses the output of {rest[0]}, which has none when it is left out or fails", fix)
