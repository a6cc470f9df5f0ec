"""What is common to answers over HTTP of systems that hold traces or the estate: their form, and whether they are well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
import orjson

from sre_copilot.errors import SourceAnswerError, SourceError
from sre_copilot.perception.http import HttpClient, Params
from sre_copilot.perception.pace import clock_skew
from sre_copilot.perception.source import Health

T = TypeVar("T", dict[str, Any], list[Any])


def checked(client: HttpClient, path: str, params: Params | None, form: type[T]) -> T:
    """Ask for a JSON document of a form, an object or a list."""
    response = client.get(path, params)
    found = client.json(response)
    if not isinstance(found, form):
        raise client.unreadable(response, f"is no JSON {'object' if form is dict else 'list'}")
    return found


def document_in(client: HttpClient, response: httpx.Response, content: bytes) -> dict[str, Any]:
    """Read a JSON object out of a part of an answer."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise client.unreadable(response, f"is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise client.unreadable(response, "is no JSON object")
    return found


@contextmanager
def understood(source: str, path: str) -> Iterator[None]:
    """Turn what decoding raises over a document of another form into an error that names the question."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise SourceAnswerError(
            source,
            f"the answer to {path} has not the form of its interface: {type(error).__name__}: {error}",
            remedy="check that url names the right system, and its version",
        ) from None


def healthy(
    client: HttpClient,
    path: str,
    *,
    check: Callable[[httpx.Response], str] = lambda _: "",
    reads: str = "traces",
) -> Health:
    """Ask for a path; `check` returns the version out of the answer, or raises what a reading would raise."""
    before = time.time()
    try:
        response = client.get(path)
        version = check(response)
    except SourceError as error:
        return Health(source=client.name, ok=False, problem=error.problem, remedy=error.remedy)
    return Health(
        source=client.name,
        ok=True,
        version=version,
        clock_skew_seconds=clock_skew(response.headers.get("date", ""), before, time.time()),
        permissions=(f"+read {reads}",),
    )
