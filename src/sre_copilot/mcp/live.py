"""What a running server offers to other agents, and the protocol on top of it; loaded with the first request."""

from __future__ import annotations

from contextlib import AbstractContextManager

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from sre_copilot.app.asking import OpenCopilot
from sre_copilot.app.desk import Desk
from sre_copilot.app.incidents import incident_of
from sre_copilot.domain.incident import Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.mcp.asking import asking_offers, incident_of_arguments, tool_offers
from sre_copilot.mcp.offer import CALLER, Caller, Shop
from sre_copilot.mcp.server import Context, Handlers, make_server
from sre_copilot.mcp.watched import Watched
from sre_copilot.mcp.writing import Written
from sre_copilot.settings.section import Role, at_least

LARGEST_BODY = 1_000_000  # bytes, as of the whole interface


def manager_of(desk: Desk) -> StreamableHTTPSessionManager:
    """What answers the requests of the protocol; nothing is kept between two of them."""
    handlers = Handlers(
        shop_of(desk),
        _who,
        admit=lambda caller: refused.problem if (refused := desk.limits.admit(caller.id)) else "",
        release=lambda caller: desk.limits.release(caller.id),
    )
    server = make_server(handlers)
    return StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=LARGEST_BODY
    )


def shop_of(desk: Desk) -> Shop:
    """What a running server offers."""
    service = desk.service
    watched = Watched(service.database, service.clock, lambda role, source: _may_see(desk, role, source))
    writes = Written(service.database, service.clock).offers() if service.settings.mcp.write_tools else {}
    clock = service.clock

    def team(caller: Caller, lang: Lang, incident: Incident | None) -> AbstractContextManager[OpenCopilot]:
        return desk.opened(caller.role, lang, incident=incident, owner=caller.id)

    offers = {
        **asking_offers(
            team,
            lambda arguments: incident_of_arguments(
                arguments, lambda alert: incident_of(alert, now=clock.now())
            ),
        ),
        **tool_offers(team, desk.equipment.tools.tools),
        **watched.offers(),
        **writes,
    }
    return Shop(offers=offers, documents=watched.documents())


def _who(context: Context) -> Caller:
    caller: Caller = context.request.scope[CALLER]  # type: ignore[union-attr]
    return caller


def _may_see(desk: Desk, role: Role, source: str) -> bool:
    roles = desk.service.roles
    if not source:
        return all(at_least(role, each.see) for each in roles.values())
    return source not in roles or at_least(role, roles[source].see)
