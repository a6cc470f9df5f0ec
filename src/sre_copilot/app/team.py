"""The team as it is wired: a scene, the core, the registered agents and tools, a speaker; an argument replaces any part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sre_copilot.agents.agent import Agent, UseTool
from sre_copilot.agents.answer import Event, Listener, Understood
from sre_copilot.agents.copilot import Copilot, RecallAtOnce, Understand
from sre_copilot.agents.core import Core
from sre_copilot.agents.scene import Scene
from sre_copilot.agents.tool import Investigated, Library, Say, Tool, ToolContext, ToolResult
from sre_copilot.agents.toolbox import LateCalls, Toolbox, registered_tools
from sre_copilot.agents.toolkit.handles import HandleStore
from sre_copilot.agents.understanding import refine, understand
from sre_copilot.app import register_sentences
from sre_copilot.app.core import RegisteredCore
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.incidents.report.words import say
from sre_copilot.llm.speaking import Ledger, Silent, Speaker
from sre_copilot.plugins import load
from sre_copilot.settings.section import Role
from sre_copilot.telemetry import OwnMetrics


@cache
def registered_agents() -> Mapping[str, Agent]:
    """All registered agents, by name."""
    return {name: kind() for name, kind in load("sre_copilot.agents").items()}


def words(message: Message, lang: Lang) -> str:
    """Say a message in a language."""
    return say(message, lang)


def make_copilot(
    scene: Scene,
    *,
    core: Core[Investigated] | None = None,
    speaker: Speaker | None = None,
    library: Library | None = None,
    tools: Mapping[str, Tool] | None = None,
    agents: Mapping[str, Agent] | None = None,
    own: OwnMetrics | None = None,
    lang: Lang = "en",
    role: Role = "viewer",
    aliases: Mapping[str, str | Sequence[str]] | None = None,
    utc_offset_hours: float = 0.0,
    say: Say = words,
    reflecting: bool = True,
    recall: RecallAtOnce | None = None,
    handles: HandleStore | None = None,
    late: LateCalls | None = None,
) -> Copilot:
    """Put a team on a scene; `tools` adds to the registered ones."""
    register_sentences()
    core = core or RegisteredCore()
    speaker = speaker or Silent()
    context = ToolContext(scene=scene, investigate=core, say=say, lang=lang, role=role, library=library)
    toolbox = Toolbox({**registered_tools(), **(tools or {})}, context, own=own, handles=handles, late=late)
    return Copilot(
        scene=scene,
        core=core,
        agents=agents or registered_agents(),
        context=context,
        make_use=lambda context, listen: told(toolbox.on(context).use, listen),
        speaker=speaker,
        understand=reading(scene, speaker, aliases or {}, utc_offset_hours),
        reflecting=reflecting,
        specs=toolbox.specs(lang),
        recall=recall,
    )


def reading(
    scene: Scene, speaker: Speaker, aliases: Mapping[str, str | Sequence[str]], utc_offset_hours: float
) -> Understand:
    """What reads questions about a scene: rules, and a model where the rules are unsure."""

    def read(text: str, lang: Lang | None, previous: Understood | None, ledger: Ledger) -> Understood:
        services = scene.services()
        found = understand(
            text,
            now=scene.now(),
            services=services,
            previous=previous,
            aliases=aliases,  # type: ignore[arg-type]
            utc_offset_hours=utc_offset_hours,
        )
        found = refine(found, speaker, ledger, services=services)
        return replace(found, lang=lang) if lang else found

    return read


def told(use: UseTool, listen: Listener) -> UseTool:
    """The same tools, and whoever listens hears of each call."""

    def used(name: str, arguments: Mapping[str, Any]) -> ToolResult:
        listen(
            Event(kind="tool_call", agent=name, text=_call_in_words(name, arguments), data=dict(arguments))
        )
        result = use(name, arguments)
        listen(
            Event(
                kind="tool_result",
                agent=name,
                text=result.digest,
                data={"outcome": result.outcome, "findings": [finding.id for finding in result.findings]},
            )
        )
        return result

    return used


def _call_in_words(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items() if value)})"
