"""The team as it is wired: a scene, the core, the registered agents and tools, a speaker; an argument replaces any part."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial

from sre_copilot.agents.agent import Agent
from sre_copilot.agents.answer import Listener, Understood
from sre_copilot.agents.copilot import Copilot, Understand
from sre_copilot.agents.core import Core
from sre_copilot.agents.scene import Scene
from sre_copilot.agents.tool import Investigated, Library, Say, ToolContext
from sre_copilot.agents.toolbox import Toolbox
from sre_copilot.agents.understanding import refine, understand
from sre_copilot.app import register_sentences
from sre_copilot.app.core import RegisteredCore
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.incidents.report.words import say
from sre_copilot.llm.speaking import Silent, Speaker
from sre_copilot.plugins import load
from sre_copilot.settings.section import Role

UNSURE = 0.6  # of the rules: below it a model, where there is one, is asked what was meant


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
    toolbox: Toolbox | None = None,
    agents: Mapping[str, Agent] | None = None,
    lang: Lang = "en",
    role: Role = "viewer",
    aliases: Mapping[str, str] | None = None,
    utc_offset_hours: float = 0.0,
    say: Say = words,
) -> Copilot:
    """Put a team on a scene."""
    register_sentences()
    used_core = core or RegisteredCore()
    used_speaker = speaker or Silent()
    context = ToolContext(scene=scene, investigate=used_core, say=say, lang=lang, role=role, library=library)
    box = toolbox or Toolbox.registered()
    return Copilot(
        scene=scene,
        core=used_core,
        agents=agents or registered_agents(),
        context=context,
        make_use=lambda context, listen: partial(_used, box, context, listen),
        speaker=used_speaker,
        understand=understanding(scene, used_speaker, lang, aliases or {}, utc_offset_hours),
    )


def understanding(
    scene: Scene, speaker: Speaker, default: Lang, aliases: Mapping[str, str], utc_offset_hours: float
) -> Understand:
    """What reads questions about a scene: rules, and a model where the rules are unsure."""

    def read(text: str, lang: Lang | None, previous: Understood | None) -> Understood:
        understood = understand(
            text,
            now=scene.now(),
            services=scene.services(),
            previous=previous,
            aliases=aliases,
            utc_offset_hours=utc_offset_hours,
        )
        if speaker.available and understood.confidence < UNSURE:
            understood = refine(understood, speaker, speaker.ledger(), services=scene.services())
        return understood

    return read


def _used(
    box: Toolbox, context: ToolContext, listen: Listener, name: str, arguments: Mapping[str, object]
) -> object:
    return box.use(name, arguments, context)
