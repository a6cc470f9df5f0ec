"""What all services share: endpoints with telemetry, calls to other services, the database, the cache."""

from __future__ import annotations

import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import redis.asyncio as redis
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind, Status, StatusCode
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.requests import ClientDisconnect

from lab.control import Release, own_release
from lab.layout import SECURE, Configuration, own_instance
from lab.shop import telemetry

Handler = Callable[[Request], Awaitable[dict[str, Any]]]
POOL_SIZE = 4  # connections a service may hold; small, so that the database stays small
POOL_WAIT_S = 1.0
CALL_TIMEOUT_S = {
    "gateway": 4.0
}  # the entry waits longer than the 2 s of all others, so that inner time-outs show
DATABASE_OPTIONS = "-c statement_timeout=5000"


class UpstreamError(Exception):
    """A call to another service failed."""


class Service:
    """One running service of the shop."""

    def __init__(self, name: str, configuration: Configuration) -> None:
        self.name = name
        self.configuration = configuration
        self.app = FastAPI(openapi_url=None)
        self.release: Release = own_release(configuration.folder, name)
        self.scratch: Callable[[], None] = lambda: None  # what a request allocates to work in
        self.pool = self._new_pool()
        self.cache = redis.Redis(
            port=configuration.redis_port,
            socket_timeout=1,
            socket_connect_timeout=1,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._tracer = telemetry.tracer(name, own_instance(name), configuration.spans_url)
        timeout = CALL_TIMEOUT_S.get(name, 2.0)
        self._clients = {
            "http": httpx.AsyncClient(timeout=timeout),
            # a new handshake for every call, so that the certificate is looked at each time
            "https": httpx.AsyncClient(
                timeout=timeout, verify=self._trust(), limits=httpx.Limits(max_keepalive_connections=0)
            ),
        }

    def _new_pool(self) -> AsyncConnectionPool[Any]:
        return AsyncConnectionPool(
            self.configuration.database,
            kwargs={
                "row_factory": dict_row,
                "autocommit": True,
                "application_name": self.name,
                "options": DATABASE_OPTIONS,
            },
            min_size=1,
            max_size=POOL_SIZE,
            timeout=POOL_WAIT_S,
            open=False,
        )

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=Path(self.configuration.folder) / "tls" / "authority.pem")

    def endpoint(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Register a handler under a route; its requests are counted, timed and traced."""

        def register(handler: Handler) -> Handler:
            async def answer(request: Request) -> Response:
                return await self._answer(f"{method} {path}", handler, request)

            answer.__annotations__ = {
                "request": Request,
                "return": Response,
            }  # FastAPI wants types, not their names
            self.app.add_api_route(path, answer, methods=[method])
            return handler

        return register

    async def _answer(self, route: str, handler: Handler, request: Request) -> Response:
        started = time.perf_counter()
        telemetry.IN_FLIGHT.inc()
        with self._tracer.start_as_current_span(
            route, context=extract(dict(request.headers)), kind=SpanKind.SERVER, record_exception=False
        ) as span:
            status, body = await self._outcome(route, handler, request)
            span.set_status(Status(StatusCode.ERROR if status >= 500 else StatusCode.OK))
        telemetry.IN_FLIGHT.dec()
        telemetry.REQUESTS.labels(route, str(status)).inc()
        telemetry.SECONDS.labels(route).observe(time.perf_counter() - started)
        return JSONResponse(body, status_code=status)

    async def _outcome(self, route: str, handler: Handler, request: Request) -> tuple[int, Mapping[str, Any]]:
        try:
            self.scratch()
            return 200, await handler(request)
        except UpstreamError as error:
            telemetry.log("ERROR", f"{route} failed: {error}")
            return 502, {"error": str(error)}
        except ClientDisconnect:
            telemetry.log("WARNING", f"{route}: the client closed the connection")
            return 499, {"error": "ClientDisconnect"}
        except Exception as error:  # noqa: BLE001  the top of a request: recorded and answered with 500
            telemetry.log("ERROR", f"{route} failed: {type(error).__name__}: {_one_line(error)}")
            return 500, {"error": type(error).__name__}

    async def call(self, callee: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call another service over its link and return its JSON answer.

        Raises
        ------
        UpstreamError : the call did not come through, or was answered with an error
        """
        client = self._clients["https" if callee == SECURE else "http"]
        with self._tracer.start_as_current_span(
            f"{method} {callee}", kind=SpanKind.CLIENT, record_exception=False
        ) as span:
            headers: dict[str, str] = {}
            inject(headers)
            try:
                url = self.configuration.address(callee) + path
                answer = await client.request(method, url, json=body, headers=headers)
            except httpx.TransportError as error:
                span.set_status(Status(StatusCode.ERROR))
                raise UpstreamError(f"{callee}: {type(error).__name__} {error}".rstrip()) from error
            if answer.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
                raise UpstreamError(f"{callee} answered {answer.status_code}")
            span.set_status(Status(StatusCode.OK))
            result: dict[str, Any] = answer.json()
            return result

    async def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Run one statement on a connection of the pool and return its rows."""
        verb = statement.split(maxsplit=1)[0]
        with self._tracer.start_as_current_span(
            f"{verb} postgres", kind=SpanKind.CLIENT, record_exception=False
        ):
            async with self.pool.connection() as connection:
                cursor = await connection.execute(statement, parameters)
                return await cursor.fetchall() if cursor.description else []

    async def redis(self, command: str, *arguments: Any) -> Any:
        """Run one command on Redis."""
        with self._tracer.start_as_current_span(
            f"{command} redis", kind=SpanKind.CLIENT, record_exception=False
        ):
            return await self.cache.execute_command(command, *arguments)  # type: ignore[no-untyped-call]

    def step(self, payload: Mapping[str, Any]) -> bool:
        """Whether the running release still takes its main step; a bad one may raise on the payload instead."""
        if "raises" in self.release.defects:
            payload["schema_version"]  # a field that this release expects and that no caller sends
        return "skips" not in self.release.defects


def _one_line(error: Exception) -> str:
    """The first line of an error's text: a log line is one line."""
    return (str(error).splitlines() or [""])[0]
