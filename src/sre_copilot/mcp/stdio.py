"""The protocol over standard input and output, for an agent that starts us itself: on a recorded case, or on the configured sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp.server.stdio import stdio_server

from sre_copilot.agents.toolkit.handles import HandleStore
from sre_copilot.app.asking import Equipment, OpenCopilot, equip, open_case_copilot, open_live_copilot
from sre_copilot.app.incidents import incident_of
from sre_copilot.domain.incident import Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.mcp.asking import Open, asking_offers, incident_of_arguments, tool_offers
from sre_copilot.mcp.offer import Caller, Offer, Shop
from sre_copilot.mcp.server import Handlers, make_server
from sre_copilot.mcp.watched import Watched
from sre_copilot.mcp.writing import Written
from sre_copilot.settings.document import Settings

OWNER = Caller("admin", "an agent on this machine")
"""Whoever starts a program on this machine has the machine."""


def serve_stdio(settings: Settings, *, case: Path | None = None, model: bool = True) -> None:
    """Answer until standard input ends."""
    equipment = equip(settings, model=model)
    try:
        handlers = Handlers(shop_of(equipment, case), lambda context: OWNER)
        anyio.run(_serve, handlers)
    finally:
        equipment.close()


def shop_of(equipment: Equipment, case: Path | None) -> Shop:
    """What is offered of a case, or of live sources; what the watch told only where there is a store."""
    clock = equipment.clock
    if case is not None:
        team = _on_case(case, equipment)
        return Shop(offers={**asking_offers(team, None), **tool_offers(team, equipment.tools.tools)})
    team = _live(equipment)

    def incident(arguments: Mapping[str, Any]) -> Incident:
        return incident_of_arguments(arguments, lambda alert: incident_of(alert, now=clock.now()))

    offers: dict[str, Offer] = {**asking_offers(team, incident), **tool_offers(team, equipment.tools.tools)}
    if equipment.database is None:
        return Shop(offers=offers)
    watched = Watched(equipment.database, clock, lambda role, source: True)
    writes = Written(equipment.database, clock).offers() if equipment.settings.mcp.write_tools else {}
    return Shop(offers={**offers, **watched.offers(), **writes}, documents=watched.documents())


def _on_case(case: Path, equipment: Equipment) -> Open:
    kept: dict[Lang, OpenCopilot] = {}

    @contextmanager
    def opened(caller: Caller, lang: Lang, incident: Incident | None) -> Iterator[OpenCopilot]:
        """A case does not change: it is read once a language."""
        if lang not in kept:
            kept[lang] = open_case_copilot(case, lang=lang, role=caller.role, equipment=equipment)
        yield kept[lang]

    return opened


def _live(equipment: Equipment) -> Open:
    handles = HandleStore()  # of the one who started this program

    @contextmanager
    def opened(caller: Caller, lang: Lang, incident: Incident | None) -> Iterator[OpenCopilot]:
        with open_live_copilot(
            equipment.settings,
            lang=lang,
            role=caller.role,
            incident=incident,
            equipment=equipment,
            handles=handles,
        ) as found:
            yield found

    return opened


async def _serve(handlers: Handlers) -> None:
    server = make_server(handlers)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
