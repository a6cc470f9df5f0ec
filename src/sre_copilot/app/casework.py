"""Casework, wired: incidents are looked into by the whole team on the live sources, in rooms that everyone may read who may see what is said there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sre_copilot.agents.answer import Listener
from sre_copilot.agents.tool import Investigated
from sre_copilot.app.closing import investigating, taught
from sre_copilot.app.desk import Desk
from sre_copilot.app.methods import registered_methods
from sre_copilot.app.serving import Service
from sre_copilot.app.team import registered_agents
from sre_copilot.domain.incident import Incident
from sre_copilot.domain.signals import Change, Window
from sre_copilot.durable.port import Durable
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.casework.alert_context import of_seen
from sre_copilot.incidents.casework.alert_processor import AlertProcessor, AnalysisResult
from sre_copilot.incidents.casework.apart import apart, within_reach
from sre_copilot.incidents.casework.casework import Casework
from sre_copilot.incidents.casework.looking import Look, by_the_core
from sre_copilot.incidents.casework.picture import Read, SeenAlert, reading
from sre_copilot.incidents.casework.rounds import Planner, Post
from sre_copilot.incidents.casework.voice import Voice
from sre_copilot.incidents.watch.inquiry import known_changes
from sre_copilot.perception.source import Source
from sre_copilot.settings.section import ROLES, Role
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.cases import CaseStore

GOES_ON = ("firing", "acknowledged")
Opener = Callable[[], Sequence[Source]]


def make_casework(
    service: Service,
    durable: Durable,
    *,
    post: Post,
    desk: Desk | None = None,
    read: Read | None = None,
    planner: Planner | None = None,
) -> Casework:
    """Wire the casework of a service; before `durable.launch`.

    Parameters
    ----------
    post : posts a command to the engine
    desk : where the team is asked; without one the bare core investigates, and no model is
    read : reads an incident; by default from the store
    planner : makes a plan of a fault that was found; without one nothing is proposed
    """
    settings, role = service.settings, least_role(service)
    opener = _opener(service)
    look = by_the_core(
        opener,
        service.changes,
        registered_methods,
        investigating(service.database, service.clock),
        lang=settings.language,
    )
    investigate = investigating(service.database, service.clock)
    narrowed = by_the_core(
        opener,
        service.changes,
        registered_methods,
        lambda observed, methods: investigate(within_reach(observed), methods),
        lang=settings.language,
    )
    records = AlertRecords(service.database)

    def several() -> bool:
        return len(records.incidents_page(statuses=GOES_ON, woken=True, limit=2).rows) > 1

    return Casework(
        durable,
        read=read or reading(AlertRecords(service.database)),
        cases=CaseStore(service.database),
        investigations=service.investigations,
        voice=Voice(service.rooms, service.clock, lang=settings.language, least_role=role),
        look=drawn(
            apart(by_the_team(desk, look, role=role) if desk else look, narrowed, several=several), service
        ),
        post=post,
        clock=service.clock,
        own=service.own,
        first_look=first_look(service, desk),
        settings=settings.alerting.investigations,
        automatic=settings.alerting.lifecycle.investigate
        and bool(service.roles),  # without a source there is nothing to look at
        planner=planner,
    )


def make_ready(service: Service, desk: Desk | None) -> None:
    """Load the methods, the agents and the tools that an investigation needs."""
    registered_methods()
    if desk is not None:
        registered_agents()
        desk.equipment  # noqa: B018 - made when it is asked for first


def by_the_team(desk: Desk, otherwise: Look, *, role: Role) -> Look:
    """Let the whole team look, on behalf of everyone who may read the room; where what it says does not hold, the core alone answers."""

    def look(incident: Incident, listen: Listener) -> Investigated:
        service = desk.service
        with desk.opened(role, service.settings.language, incident=incident) as found:
            observation = found.scene.incident_observation()
            answer = found.copilot.investigate(observation, listen=listen) if observation else None
        if answer is None or answer.investigated is None or answer.diagnosis is None:
            return otherwise(incident, listen)
        concluded: Any = replace(answer.investigated, diagnosis=answer.diagnosis)  # type: ignore[type-var]
        taught(concluded, service.database, service.clock)
        return concluded  # type: ignore[no-any-return]

    return look


def drawn(look: Look, service: Service) -> Look:
    """Look, and let alerting know the calls that were seen on the way."""

    def looked(incident: Incident, listen: Listener) -> Investigated:
        found = look(incident, listen)
        if (around := service.alerting.around) is not None:
            around.saw(found.observation.topology)
        return found

    return looked


def first_look(service: Service, desk: Desk | None) -> Callable[[SeenAlert], AnalysisResult]:
    """What the own context of an alert shows; a model, where there is one, is made when the first alert comes."""

    def told(window: Window) -> Sequence[Change]:
        return known_changes(service.changes, window)

    def look(alert: SeenAlert) -> AnalysisResult:
        speaker = desk.equipment.speaker if desk else None
        language = service.settings.language
        processor = AlertProcessor(_opener(service), speaker=speaker, told=told, lang=language)
        return processor.process(of_seen(alert))

    return look


def least_role(service: Service) -> Role:
    """Who may read what is said of incidents: whoever may query and see every source that it is said of."""
    asked = [role for each in service.roles.values() for role in (each.query, each.see)]
    return max(asked, key=ROLES.index, default="viewer")


def _opener(service: Service) -> Opener:
    def opened() -> Sequence[Source]:
        if service.examine is None:
            raise SettingsError("sources: none can be opened. Configure at least one.")
        return service.examine()

    return opened
