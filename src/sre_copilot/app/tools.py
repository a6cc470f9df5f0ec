"""Wiring of the toolbox: registered tools, checks and servers of the configuration, on a recorded case or on live sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sre_copilot.agents.scene import Scene
from sre_copilot.agents.scenes.live import LiveScene
from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.agents.tool import Investigator, Library, Tool, ToolContext
from sre_copilot.agents.toolbox import Toolbox, registered_tools
from sre_copilot.agents.toolkit.component_tool import DISABLED, component_tools
from sre_copilot.agents.toolkit.mcp_tool import server_tools
from sre_copilot.app import investigate, open_for_investigation, register_sentences
from sre_copilot.clock import Clock, SystemClock
from sre_copilot.domain.incident import Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.report.words import say
from sre_copilot.perception.mcp_tools import McpClient
from sre_copilot.perception.source import Source
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.settings.toolset_files import read_toolsets
from sre_copilot.telemetry import OwnMetrics, log

_log = log(__name__)


@dataclass(frozen=True)
class Tools:
    """All tools that a configuration gives, what was left out and why, and the connections to close."""

    tools: Mapping[str, Tool]
    left_out: Mapping[str, str] = field(default_factory=dict)
    clients: Sequence[McpClient] = ()

    def close(self) -> None:
        """Close connections to servers."""
        for client in self.clients:
            client.close()


def all_tools(settings: Settings) -> Tools:
    """Registered tools, then checks, then those of servers; a name that is taken is an error, what cannot be had now is left out.

    Raises
    ------
    SettingsError : names the key
    """
    own = read_toolsets(settings.custom_toolsets)
    if both := sorted(set(own) & set(settings.toolsets)):
        raise SettingsError(
            f"toolsets.{both[0]}: stands in a file of custom_toolsets, too. Rename one of them."
        )
    clients = tuple(McpClient(name, server) for name, server in settings.mcp_servers.items())
    tools = registered_tools()
    checks, unmet = component_tools({**settings.toolsets, **own})
    asked, refused = server_tools(clients)
    for key, more in (("toolsets", checks), ("mcp_servers", asked)):
        if taken := sorted(set(more) & set(tools)):
            raise SettingsError(f"{key}: a tool {taken[0]} is there already. Give it another name.")
        tools |= more
    left_out = {**unmet, **refused}
    for name, why in left_out.items():
        if why != DISABLED:
            _log.warning("a tool is left out", what=name, why=why)
    return Tools(tools, left_out, clients)


def context_of(
    scene: Scene, *, lang: Lang = "en", role: Role = "viewer", library: Library | None = None,
    investigator: Investigator | None = None,
) -> ToolContext:  # fmt: skip
    """What tools may use on a scene."""
    register_sentences()
    return ToolContext(
        scene=scene, investigate=investigator or investigate, say=say, lang=lang, role=role, library=library
    )


@contextmanager
def case_toolbox(
    folder: Path, settings: Settings | None = None, *, lang: Lang = "en", role: Role = "viewer",
    library: Library | None = None, own: OwnMetrics | None = None,
) -> Iterator[Toolbox]:  # fmt: skip
    """A toolbox on a recorded case."""
    tools = all_tools(settings) if settings is not None else Tools(registered_tools())
    try:
        context = context_of(RecordedScene.of_case(folder), lang=lang, role=role, library=library)
        yield Toolbox(tools.tools, context, own=own)
    finally:
        tools.close()


@contextmanager
def live_toolbox(
    settings: Settings, *, lang: Lang = "en", role: Role = "viewer", library: Library | None = None,
    own: OwnMetrics | None = None, clock: Clock | None = None, incident: Incident | None = None,
    opener: Callable[[], Sequence[Source]] | None = None,
) -> Iterator[Toolbox]:  # fmt: skip
    """A toolbox on the configured sources."""
    tools = all_tools(settings)
    scene = LiveScene(
        opener or (lambda: open_for_investigation(settings)),
        clock=clock or SystemClock(),
        role=role,
        incident=incident,
    )
    try:
        yield Toolbox(tools.tools, context_of(scene, lang=lang, role=role, library=library), own=own)
    finally:
        scene.close()
        tools.close()
