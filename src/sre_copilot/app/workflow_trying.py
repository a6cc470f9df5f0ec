"""What simulations and drafts of workflows are made with: a recorded case, or the configured sources at a past moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sre_copilot.action.catalogue import open_catalogue
from sre_copilot.agents.toolbox import Toolbox, schema_of
from sre_copilot.app import investigate_case
from sre_copilot.app.tools import case_toolbox, live_toolbox
from sre_copilot.app.workflow_desk import known_of_settings
from sre_copilot.app.workflow_ports import answered
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.evidence import Check
from sre_copilot.domain.plan import Target
from sre_copilot.evidence.evaluator import evaluate
from sre_copilot.knowledge.sops import parse_sop
from sre_copilot.settings.document import Settings
from sre_copilot.workflows.generation.diagnosis import workflow_of_diagnosis
from sre_copilot.workflows.generation.means import Means
from sre_copilot.workflows.generation.procedure import text_of, workflow_of
from sre_copilot.workflows.ports import Answered, Asker, Ports


@dataclass
class ToolboxTools:
    """Tools of one toolbox."""

    toolbox: Toolbox

    def names(self) -> Sequence[str]:
        """Tools there are."""
        return self.toolbox.names

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """JSON schema of a tool's arguments."""
        tool = self.toolbox.tool(name)
        return schema_of(tool) if tool is not None else None

    def use(self, name: str, arguments: Mapping[str, Any], *, asker: Asker) -> Answered:
        """Call a tool."""
        return answered(self.toolbox.use(name, arguments))

    def check(self, check: Check, *, asker: Asker) -> Answered:
        """Evaluate a statement on what the toolbox looks at."""
        window = check.query.window
        assert window is not None  # noqa: S101 - a step always sets one
        sources = {check.query.source} | ({check.against.source} if check.against else set())
        seen = evaluate(check, self.toolbox.context.scene.observe(window, modalities=tuple(sources)))
        output = {"holds": seen.holds, "value": seen.value, "reason": seen.reason}
        return Answered(outcome="no_data" if seen.value is None else "success", output=output)


@contextmanager
def past(settings: Settings, *, case: Path | None, at: float | None) -> Iterator[tuple[Ports, float]]:
    """Ports that read a recorded case, or the configured sources at a moment; and that moment. No model is asked: a step says what it takes otherwise."""
    if case is not None:
        with case_toolbox(case, settings, lang=settings.language, role="admin") as toolbox:
            yield _ports(toolbox), toolbox.context.scene.now()
        return
    assert at is not None  # noqa: S101 - asked for by the command
    with live_toolbox(settings, lang=settings.language, role="admin", clock=TurnedClock(at)) as toolbox:
        yield _ports(toolbox), at


def from_procedure(text: str, settings: Settings, *, name: str) -> str:
    """The YAML of a procedure, by rules.

    Raises
    ------
    UsageError : names the file, the field and the way out
    """
    sop = parse_sop(text, name=name)
    services = sop.scope.services
    return text_of(workflow_of(sop, means_of(settings, services[0] if len(services) == 1 else "")))


def from_case(case: Path) -> str:
    """The YAML of what was found on a recorded case: the statements that would confirm it."""
    found = investigate_case(case)
    return text_of(workflow_of_diagnosis(found.diagnosis, key=case.name))


def means_of(settings: Settings, service: str) -> Means:
    """What a configuration has to do things with; an action only on the one target that is bound to the service."""
    known = known_of_settings(settings)
    actions = {}
    for spec in open_catalogue(settings.actions.executors).specs:
        targets = [
            Target(executor=each.executor, kind=each.kind, name=each.name, namespace=each.namespace)
            for each in settings.actions.targets
            if service and each.service == service and each.executor == spec.name.partition(".")[0] and each.kind in spec.kinds
        ]  # fmt: skip
        if len(targets) == 1:
            actions[spec.name] = (spec.parameters, targets[0])
    return Means(tools=known.tools or {}, receivers=known.receivers or (), actions=actions)


def _ports(toolbox: Toolbox) -> Ports:
    reads = ToolboxTools(toolbox)
    return Ports(tools=reads, checks=reads)
