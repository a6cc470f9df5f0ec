"""Who may call which route: each states its role, and there is no route without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer

from sre_copilot.api.problems import Problem
from sre_copilot.app.serving import Service
from sre_copilot.settings.section import Role, at_least
from sre_copilot.store.tokens import Token

ROLE = "x-role"
PUBLIC = "public"
bearer = HTTPBearer(auto_error=False, description="A token made by `sre-copilot token create`.")


def service_of(request: Request) -> Service:
    """The service that answers."""
    service: Service = request.app.state.service
    return service


ServiceHere = Annotated[Service, Depends(service_of)]


class Routes:
    """Adds routes to a router, each with its role (`public`: no token needed)."""

    def __init__(self, *, tag: str) -> None:
        self.router = APIRouter(tags=[tag])

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
        guards = [] if role == PUBLIC else [Depends(bearer), Depends(needs(role))]
        return self.router.api_route(
            path, methods=[method], dependencies=guards, openapi_extra={ROLE: role}, **options
        )


def needs(role: str) -> Callable[[Request], Token]:
    """A dependency that lets only tokens of a role through."""

    def check(request: Request) -> Token:
        token = authenticated(request)
        if not at_least(token.role, role):  # type: ignore[arg-type]
            raise Problem(
                403, f"this needs the role {role}; the token '{token.name}' has the role {token.role}"
            )
        request.state.token = token
        return token

    return check


def authenticated(request: Request) -> Token:
    """The token of a request."""
    service = service_of(request)
    scheme, _, plain = request.headers.get("authorization", "").partition(" ")
    plain = plain.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    token = service.tokens.recognise(plain, now=service.clock.now()) if plain else None
    if token is None:
        said = "the token is not known or was revoked" if plain else "a token is needed"
        raise Problem(
            401,
            f"{said}: send Authorization: Bearer TOKEN; `sre-copilot token create` makes one",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return token


def may_see(request: Request, source: str) -> bool:
    """Whether the role of the token is that of a source, or above; what came from no source is anybody's."""
    needed = service_of(request).roles.get(source)
    return needed is None or at_least(request.state.token.role, needed.see)


def may_see_all(request: Request) -> bool:
    """Whether every source may be seen: for what was concluded from all of them."""
    return all(may_see(request, source) for source in service_of(request).roles)
