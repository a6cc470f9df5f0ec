"""Who may use the API of Alertmanager: a token of the role that a route needs, the word of the way in to send alerts, or, where that is open, anybody on this machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from sre_copilot.api.guard import may_see, service_of
from sre_copilot.api.intake_desk import Way, ways_of
from sre_copilot.api.intake_trust import credential, fits
from sre_copilot.api.problems import Problem
from sre_copilot.perception.http import is_loopback
from sre_copilot.settings.section import at_least
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token

WAY = "alertmanager_api"
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
BROWSER = ("origin", "sec-fetch-site")
Check = Callable[[Request], Token]
Admission = Callable[[Request], Awaitable[None]]


def admission(role: str, check: Check) -> Admission:
    """A dependency that lets in whom `check` does, the users of basic authentication, and whoever is on this machine where that is open."""

    async def admit(request: Request) -> None:
        user, word = credential(request)
        if not word and is_open(request):
            return
        if request.method == "POST" and request.url.path.endswith("/alerts") and word:
            way = ways_of(request).way(WAY)
            if fits(way.entry, (user, word)):
                return
        if word and request.headers.get("authorization", "")[:6].lower() == "basic ":
            await _admit_basic(request, role, word)
            return
        await run_in_threadpool(check, request)

    return admit


def is_open(request: Request) -> bool:
    """Whether a request without a token is let in: from this machine, straight, by no page of a browser, and to a server that only this machine reaches."""
    settings = service_of(request).settings
    intake, server = settings.alerting.intake, settings.server
    entry = intake.entry(WAY)
    if not intake.open_on_loopback or entry is None or not entry.enabled or entry.token or entry.signature:
        return False
    if not is_loopback(server.host) or server.trusted_proxy:
        return False
    if any(name in request.headers for name in (*FORWARDED, *BROWSER)):
        return False
    return _from_here(request) and is_loopback(request.url.hostname or "")


def sender(request: Request) -> str:
    """Who changes something, for the audit."""
    token: Token | None = getattr(request.state, "token", None)
    return actor(token) if token is not None else "this machine"


def sees(request: Request, source: str) -> bool:
    """Whether who asks may see what a source holds; whoever is let in without a token sees what a viewer does."""
    if getattr(request.state, "token", None) is not None:
        return may_see(request, source)
    needed = service_of(request).roles.get(source)
    return needed is None or needed.see == "viewer"


def needs_json(request: Request) -> None:
    """Refuse a body of another kind: a form of a foreign page in a browser can send those unasked.

    Raises
    ------
    Problem : 415
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, f"content-type: is {kind[:60] or 'missing'}; send application/json", field="content-type")  # fmt: skip


def api_way(request: Request) -> Way:
    """The way in of alerts that are posted to the API."""
    return ways_of(request).way(WAY)


def _from_here(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _admit_basic(request: Request, role: str, word: str) -> None:
    """`amtool` knows a user and a password in the address: the password is the token."""
    token = await ways_of(request).known.token(request, word)
    if token is None:
        raise Problem(401, "the password is no token that is known", headers={"WWW-Authenticate": "Basic"})
    if not at_least(token.role, role):  # type: ignore[arg-type]
        raise Problem(403, f"this needs the role {role}; the token '{token.name}' has the role {token.role}")
    request.state.token = token
