"""The page of the REST interface lists what `/openapi.json` describes: every route, no other, each with its role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sre_copilot.api.guard import PUBLIC, ROLE
from sre_copilot.api.server import routes

PAGE = Path(__file__).parents[3] / "docs/reference/rest-api.md"
MOUNTED = {"POST /mcp"}  # another application, beside the one that /openapi.json describes
NOUN = re.compile(r"^/api/(?!v\d+/)")


def alike(path: str) -> str:
    """A path without its query and the names of its places."""
    return re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0])


def named(cell: str) -> Iterator[str]:
    """The routes of a cell: a path that stands alone has the methods before it."""
    methods: list[str] = []
    complete = False
    for span in re.findall(r"`([^`]+)`", cell):
        method, _, path = span.rpartition(" ") if " " in span or span.startswith("/") else (span, "", "")
        if method:
            methods, complete = ([] if complete else methods) + [method], bool(path)
        for each in methods if path else ():
            yield f"{each} {alike(path)}"


def documented() -> dict[str, str]:
    rows = [
        line[2:].split(" | ")
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    return {route: role for cell, role, *_ in rows for route in named(cell)}


def served() -> dict[str, str]:
    return {
        f"{method} {alike(path)}": (route.openapi_extra or {})[ROLE]
        for path, route in routes()
        for method in route.methods or ()
        if not NOUN.match(path)
    }


def test_a_cell_is_read_as_people_read_it() -> None:
    assert list(named("`GET`, `POST /a`, `DELETE /a/{id}`")) == ["GET /a", "POST /a", "DELETE /a/{}"]
    assert list(named("`GET /a?x=1`, `/b`")) == ["GET /a", "GET /b"]


def test_every_route_is_documented_and_every_documented_route_is_there() -> None:
    assert sorted(set(served()) - set(documented())) == []
    assert sorted(set(documented()) - set(served()) - MOUNTED) == []


def test_the_role_of_each_is_that_of_the_route() -> None:
    rows = documented()
    wrong = {each: role for each, role in served().items() if role != PUBLIC and role not in rows[each]}
    assert wrong == {}
