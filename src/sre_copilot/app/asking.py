"""A copilot from settings: on a recorded case or on live sources, with its speaker, its library and its tools; close it after use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from sre_copilot.agents.copilot import Copilot
from sre_copilot.agents.prompts import override_with
from sre_copilot.agents.scene import Scene
from sre_copilot.agents.scenes.live import LiveScene
from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.agents.toolbox import LateCalls, Toolbox, registered_tools
from sre_copilot.agents.toolkit.handles import HandleStore
from sre_copilot.app import open_for_investigation
from sre_copilot.app.library import library_of, recall_of
from sre_copilot.app.secrets import secrets_of
from sre_copilot.app.storing import open_database
from sre_copilot.app.team import make_copilot, registered_agents
from sre_copilot.app.told import ToldSource
from sre_copilot.app.tools import Tools, all_tools
from sre_copilot.app.workflow_tool import with_workflows
from sre_copilot.clock import Clock, SystemClock
from sre_copilot.domain.incident import Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.knowledge.prompts import Prompts
from sre_copilot.llm.factory import make_speaker
from sre_copilot.llm.keeping import DayFiles, KnownInFile
from sre_copilot.llm.speaking import Silent, Speaker
from sre_copilot.perception.source import Source
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.database import Database
from sre_copilot.store.records import change_records
from sre_copilot.telemetry import OwnMetrics, hide

Opener = Callable[[], Sequence[Source]]
MODEL_FOLDER = "llm"  # in store.folder: what each day cost, and what is known of the models
DATABASE_FILE = "sre-copilot.db"


@dataclass(frozen=True)
class Equipment:
    """What all copilots of one process share: models and their budget of the day, tools and their connections, the store."""

    settings: Settings
    speaker: Speaker
    tools: Tools
    clock: Clock
    own: OwnMetrics | None = None
    database: Database | None = None
    ours: bool = True
    """Whether the database was opened for this, and is closed with it."""
    late: LateCalls = field(default_factory=LateCalls)
    """Calls of tools that ran out of time and are still at work, of all copilots together."""

    def close(self) -> None:
        """Close connections; harmless when called again."""
        self.tools.close()
        if (close := getattr(self.speaker, "close", None)) is not None:
            close()
        if self.database is not None and self.ours:
            self.database.close()


@dataclass(frozen=True)
class OpenCopilot:
    """A copilot with the scene that it looks at."""

    copilot: Copilot
    scene: Scene
    toolbox: Toolbox
    equipment: Equipment
    closing: tuple[Callable[[], None], ...] = field(default=())

    def __enter__(self) -> OpenCopilot:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close what was opened for it."""
        for close in self.closing:
            close()


def roster(lang: Lang) -> list[dict[str, Any]]:
    """Who is in the team, what each can be asked, and the tools that it works with."""
    return [
        {"name": name, "description": agent.description(lang), "tools": list(agent.tools)}
        for name, agent in sorted(registered_agents().items())
    ]


def equip(
    settings: Settings,
    *,
    model: bool = True,
    own: OwnMetrics | None = None,
    clock: Clock | None = None,
    database: Database | None = None,
    speaker: Speaker | None = None,
) -> Equipment:
    """Make what copilots share; without `model` they work by rules alone.

    Raises
    ------
    SettingsError : when a model or a tool cannot be made from its settings
    StoreError : when the store cannot be used
    """
    hide(secrets_of(settings))
    use_own_prompts(settings, clock or SystemClock())
    kept, tools = database or existing_database(settings), all_tools(settings)
    return Equipment(
        settings=settings,
        speaker=speaker or (speaker_of(settings, own=own, clock=clock) if model else Silent()),
        tools=replace(tools, tools=with_workflows(tools.tools, kept)) if kept is not None else tools,
        clock=clock or SystemClock(),
        own=own,
        database=kept,
        ours=database is None,
    )


def use_own_prompts(settings: Settings, clock: Clock) -> None:
    """Let agents be instructed with the user's own versions of the prompts, as they are at each question."""
    kept = Prompts(settings.store.folder / "prompts", clock)
    override_with(lambda role, lang: kept.own(f"{role}.{lang}"))


def speaker_of(settings: Settings, *, own: OwnMetrics | None = None, clock: Clock | None = None) -> Speaker:
    """The configured models; what a day cost lies in the store's folder, so that all processes share its budget."""
    folder = settings.store.folder / MODEL_FOLDER
    return make_speaker(
        settings.llm,
        book=DayFiles(folder),
        known=KnownInFile(folder / "known-models.json"),
        registry=own.registry if own else None,
        clock=clock,
    )


def existing_database(settings: Settings) -> Database | None:
    """The store, where there is one: asking makes none."""
    if settings.store.url or (settings.store.folder / DATABASE_FILE).exists():
        return open_database(settings)
    return None


def open_case_copilot(
    folder: Path,
    settings: Settings | None = None,
    *,
    lang: Lang = "en",
    role: Role = "admin",
    model: bool = True,
    equipment: Equipment | None = None,
) -> OpenCopilot:
    """Put a team on a recorded case.

    Raises
    ------
    BadCaseError : when the case cannot be read
    """
    scene = RecordedScene.of_case(folder)
    used = equipment or equip(settings or Settings(), model=model)
    return _opened(scene, used, lang, role, closing=() if equipment else (used.close,))


def open_live_copilot(
    settings: Settings,
    *,
    lang: Lang | None = None,
    role: Role = "admin",
    model: bool = True,
    incident: Incident | None = None,
    equipment: Equipment | None = None,
    opener: Opener | None = None,
    handles: HandleStore | None = None,
) -> OpenCopilot:
    """Put a team on the configured sources; `incident` is what they look into, where there is one.

    Raises
    ------
    SettingsError : when no source is configured, or one cannot be made
    """
    used = equipment or equip(settings, model=model)
    open_all = opener or (lambda: open_for_investigation(settings))
    scene = LiveScene(lambda: (*open_all(), *_told(used)), clock=used.clock, role=role, incident=incident)
    closing = (scene.close,) if equipment else (scene.close, used.close)
    return _opened(scene, used, lang or settings.language, role, closing=closing, handles=handles)


def _opened(
    scene: Scene,
    used: Equipment,
    lang: Lang,
    role: Role,
    *,
    closing: tuple[Callable[[], None], ...],
    handles: HandleStore | None = None,
) -> OpenCopilot:
    library = library_of(used.settings, used.database, used.clock)
    copilot = make_copilot(
        scene,
        speaker=used.speaker,
        library=library,
        tools=used.tools.tools,
        own=used.own,
        lang=lang,
        role=role,
        aliases=used.settings.aliases,
        utc_offset_hours=used.settings.baseline.utc_offset_hours,
        recall=recall_of(used.database, used.clock),
        handles=handles,
        late=used.late,
    )
    toolbox = Toolbox(
        {**registered_tools(), **used.tools.tools},
        copilot.context,
        own=used.own,
        handles=handles,
        late=used.late,
    )
    return OpenCopilot(copilot, scene, toolbox, used, closing)


def _told(used: Equipment) -> tuple[Source, ...]:
    """The changes that pipelines told us, as one more source."""
    return (ToldSource(change_records(used.database)),) if used.database is not None else ()
