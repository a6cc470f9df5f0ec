"""Who may call which route: each states its role, and there is no route without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from sre_copilot.api.browser_sessions import Sessions
from sre_copilot.api.denials import denials_of
from sre_copilot.api.problem_answers import answers
from sre_copilot.api.problems import Page, Problem
from sre_copilot.api.shapes.shape import shown
from sre_copilot.app.serving import Service
from sre_copilot.settings.section import Role, at_least
from sre_copilot.store.tokens import Token

ROLE = "x-role"
PUBLIC = "public"
BODILESS = "sre_copilot.bodiless"  # in the scope of a request: it was a HEAD
OWN = {"same-origin", "none"}  # who asks, as the browser says: a page of ours, or the person
Check = Callable[[Request], Token]
Admission = Callable[[str, Check], Callable[[Request], Any]]
bearer = HTTPBearer(auto_error=False, description="A token made by `sre-copilot token create`.")


def service_of(request: Request) -> Service:
    """The service that answers."""
    service: Service = request.app.state.service
    return service


ServiceHere = Annotated[Service, Depends(service_of)]


def sessions_of(request: Request) -> Sessions:
    """The sessions of people with a browser."""
    sessions: Sessions = request.app.state.sessions
    return sessions


class Routes:
    """Adds routes to a router, each with its role (`public`: no token needed).

    A route that reads for viewers also takes the session of a browser; nothing that changes anything or needs more does.
    `locked` writes what a browser is shown that has none; `admission` makes, of a role and its check, one that lets in others, too.
    `shape` declares what a route answers, without its answers being made anew by it.
    `refusals` are the statuses, beside those of every route, that its changes may be refused with; `media` the forms that its problems have beside the usual one.
    """

    def __init__(
        self,
        *,
        tag: str,
        locked: Page | None = None,
        admission: Admission | None = None,
        refusals: Sequence[int] = (),
        media: Sequence[str] = (),
    ) -> None:
        self.router = APIRouter(tags=[tag])
        self._locked = locked
        self._refusals = refusals
        self._media = media
        self._admission = admission or (lambda role, check: check)

    def get(self, path: str, *, role: Role | str, **options: Any) -> Callable[..., Any]:
        """A route that reads."""
        return self._add("GET", path, role, options)

    def post(self, path: str, *, role: Role | str, **options: Any) -> Callable[..., Any]:
        """A route that adds or starts something."""
        return self._add("POST", path, role, options)

    def delete(self, path: str, *, role: Role | str, **options: Any) -> Callable[..., Any]:
        """A route that removes something."""
        return self._add("DELETE", path, role, options)

    def _add(self, method: str, path: str, role: Role | str, options: dict[str, Any]) -> Callable[..., Any]:
        guards = (
            []
            if role == PUBLIC
            else [
                Depends(bearer),
                Depends(self._admission(role, self._needs(method, role))),
                Depends(said_to_be_json),
            ]
        )
        if "shape" in options:
            options["response_model"] = shown(options.pop("shape"))
        options["responses"] = answers(
            method,
            path,
            public=role == PUBLIC,
            more=self._refusals,
            also=self._media,
            given=options.get("responses", {}),
        )
        return self.router.api_route(
            path, methods=[method], dependencies=guards, openapi_extra={ROLE: role}, **options
        )

    def _needs(self, method: str, role: str) -> Check:
        return needs(role, session=takes_session(method, role), locked=self._locked)


def said_to_be_json(request: Request) -> None:
    """Refuse a body that is not said to be JSON, where a route reads one: it would be read as one text, and the fields be missed."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or route.body_field is None:
        return
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return  # nothing was sent; what is missing is said by the route
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise Problem(415, "send Content-Type: application/json", field="content-type")


def takes_session(method: str, role: str) -> bool:
    """Whether a route may be asked with the session of a browser."""
    return method == "GET" and role == "viewer"


def needs(role: str, *, session: bool = False, locked: Page | None = None) -> Callable[[Request], Token]:
    """A dependency that lets only tokens of a role through."""

    def check(request: Request) -> Token:
        try:
            token = authenticated(request, session=session)
        except Problem as problem:
            problem.page = locked
            raise
        if not at_least(token.role, role):  # type: ignore[arg-type]
            denials_of(request).tell(service_of(request), request, token, needed=role)
            raise Problem(
                403, f"this needs the role {role}; the token '{token.name}' has the role {token.role}"
            )
        request.state.token = token
        return token

    return check


def authenticated(request: Request, *, session: bool = False) -> Token:
    """The token of a request, or with `session` that of a browser's session; `request.state.by_session` says which."""
    service = service_of(request)
    scheme, _, plain = request.headers.get("authorization", "").partition(" ")
    plain = plain.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    token = service.tokens.recognise(plain, now=service.clock.now()) if plain else None
    request.state.by_session = token is None and session and not plain
    if request.state.by_session:
        token = _of_session(request)
    if token is None:
        said = "the token is not known or was revoked" if plain else "a token is needed"
        raise Problem(
            401,
            f"{said}: send Authorization: Bearer TOKEN; `sre-copilot token create` makes one",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return token


def cookie_name(request: Request) -> str:
    """The name of the cookie: browsers tell hosts apart and not ports, so that two servers of one machine need two."""
    server = request.scope.get("server") or ("", "")
    return f"sre_copilot_{server[1] or ''}"


def asked_here(request: Request) -> bool:
    """Whether a page of ours asks, or the person, as far as the browser says."""
    return request.headers.get("sec-fetch-site", "none") in OWN


def _of_session(request: Request) -> Token | None:
    """The token of a session, unless it was revoked meanwhile or another site asks with it."""
    if not asked_here(request) and request.headers.get("sec-fetch-mode") != "navigate":
        return None
    word = request.cookies.get(cookie_name(request), "")
    key = sessions_of(request).open.token_id(word) if word else None
    return service_of(request).tokens.living(key) if key is not None else None


def may_see(request: Request, source: str) -> bool:
    """Whether the role of the token is that of a source, or above; what came from no source is anybody's."""
    needed = service_of(request).roles.get(source)
    return needed is None or at_least(request.state.token.role, needed.see)


def may_see_all(request: Request) -> bool:
    """Whether every source may be seen: for what was concluded from all of them."""
    return all(may_see(request, source) for source in service_of(request).roles)
