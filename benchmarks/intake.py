"""How fast alerts are taken, over real connections: alerts a second in batches, and how long a 202 takes at a given rate.

python -m benchmarks.intake --batch 100 --seconds 10          as fast as it goes
python -m benchmarks.intake --rate 1000 --seconds 10          so many requests a second, an alert each
python -m benchmarks.intake --batch 100 --server serve        `sre-copilot serve` as it is installed, with its store

The server is a process of its own. Beside it, in the same run, an endpoint is measured that reads the body and does nothing: what HTTP itself costs here.
A request that is sent late because those before it took long counts from when it was due.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.figure import Figure, Peers
from sre_copilot.api.server import create_app
from sre_copilot.app.serving import make_service
from sre_copilot.cli.serve import options
from sre_copilot.settings.document import Server, Settings
from sre_copilot.testing.alert_backend import MemoryAlerts
from sre_copilot.testing.servers.real import free_port
from sre_copilot.testing.serving import serving, write_config

NAME = "intake"
ABOUT = "alerts a second through HTTP in batches of 100, against an endpoint that only reads the body"

BATCH = 100
SECONDS = 5.0
ROUNDS = 2  # of ours and the peer, by turns: others use the machine as well
CONNECTIONS = 8
WORD = "benchmark"
PATH = "/api/v1/intake/load"
SERVICES = 50
INSTANCES = 200
ENTRY = {"provider": "alertmanager", "token": WORD, "rate": {"requests_per_second": 1e6, "requests_burst": 1_000_000, "alerts_per_second": 1e7, "alerts_burst": 10_000_000}}  # fmt: skip
START_S = 60.0


@dataclass
class Load:
    """What came of one run: seconds of each answer, answers by status, alerts, and how long it lasted."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    alerts: int = 0
    lasted: float = 0.0

    def quantile(self, share: float) -> float:
        """Milliseconds within which so many were answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    @property
    def rate(self) -> float:
        """Alerts a second that were taken."""
        return self.alerts / self.lasted if self.lasted else 0.0


def measure(peers: Peers) -> Figure:
    """Take batches for a few seconds, by turns with the peer; the better round of each is told."""
    ours, bare = _by_turns("memory", batch=BATCH, rate=0, seconds=SECONDS)
    return Figure(
        unit="alerts/s",
        ours=ours.rate,
        peer=bare.rate,
        detail={
            "p50 of a batch, ms": ours.quantile(0.5),
            "p99 of a batch, ms": ours.quantile(0.99),
            "statuses": json.dumps(ours.statuses),
        },
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one measurement and print it; 1 when an alert was not taken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intake", description=ABOUT)
    parser.add_argument("--batch", type=int, default=1, help="alerts of a request")
    parser.add_argument("--rate", type=float, default=0, help="requests a second; 0: as fast as it goes")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument(
        "--server", choices=("memory", "serve"), default="memory", help="serve: with its store"
    )
    parser.add_argument("--run", choices=("memory", "bare"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.run:
        _serve(arguments.run)
        return 0
    ours, bare = _by_turns(arguments.server, batch=arguments.batch, rate=arguments.rate, seconds=arguments.seconds)  # fmt: skip
    for name, load in ((arguments.server, ours), ("bare endpoint", bare)):
        print(
            f"{name:14} {load.rate:10,.0f} alerts/s  {len(load.seconds) / load.lasted:8,.0f} requests/s"
            f"  p50 {load.quantile(0.5):7.2f} ms  p99 {load.quantile(0.99):7.2f} ms  {load.statuses}"
        )
    print(f"{'ratio':14} {ours.rate / bare.rate:10.2f} of the rate  {ours.quantile(0.99) / bare.quantile(0.99):8.2f} x the p99")  # fmt: skip
    return int(any(status != 202 for status in ours.statuses))


def _by_turns(server: str, *, batch: int, rate: float, seconds: float) -> tuple[Load, Load]:
    found: dict[str, list[Load]] = {server: [], "bare": []}
    with ExitStack() as servers:
        urls = {kind: servers.enter_context(_server(kind)) for kind in found}
        for _ in range(ROUNDS):
            for kind, url in urls.items():
                found[kind].append(asyncio.run(_load(url, batch=batch, rate=rate, seconds=seconds / ROUNDS)))
    ours, bare = (
        min(loads, key=lambda each: each.quantile(0.99) if rate else -each.rate) for loads in found.values()
    )
    return ours, bare


# -- the client -----------------------------------------------------------------------------------------------------------


async def _load(url: str, *, batch: int, rate: float, seconds: float) -> Load:
    """Send over several connections: each waits for its answer, and, with a rate, for its turn."""
    place = urlsplit(url)
    load = Load()
    bodies = [_request(place.netloc, _body(batch, number)) for number in range(SERVICES)]
    for body in bodies[:CONNECTIONS]:  # what is done at the first request is not what is measured
        await _warm(place.hostname or "", place.port or 0, body)
    began = time.perf_counter()
    turns = iter(range(10**9))
    await asyncio.gather(
        *(
            _connection(place.hostname or "", place.port or 0, bodies, turns, load, batch=batch, rate=rate, began=began, until=began + seconds)
            for _ in range(CONNECTIONS)
        )
    )  # fmt: skip
    load.lasted = time.perf_counter() - began
    return load


async def _connection(
    host: str, port: int, bodies: Sequence[bytes], turns: Iterator[int], load: Load, *, batch: int, rate: float, began: float, until: float
) -> None:  # fmt: skip
    reader, writer = await asyncio.open_connection(host, port)
    for turn in turns:
        due = began + turn / rate if rate else time.perf_counter()
        if due >= until:
            break
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        writer.write(bodies[turn % len(bodies)])
        status = await _answer(reader)
        load.seconds.append(time.perf_counter() - due)
        load.statuses[status] = load.statuses.get(status, 0) + 1
        load.alerts += batch if status == 202 else 0
    writer.close()


async def _warm(host: str, port: int, request: bytes) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    await _answer(reader)
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


def _request(host: str, body: bytes) -> bytes:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {WORD}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _body(batch: int, number: int) -> bytes:
    """A notification as Alertmanager writes it, about half a kilobyte an alert."""
    return json.dumps({"version": "4", "alerts": [_alert(number * batch + each) for each in range(batch)]}).encode()  # fmt: skip


def _alert(number: int) -> dict[str, Any]:
    service = f"service-{number % SERVICES:03d}"
    labels = {
        "alertname": "HighErrorRate",
        "service": service,
        "instance": f"{service}-{number % INSTANCES}",
        "namespace": "shop",
        "severity": "critical",
        "cluster": "north",
    }
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"{service} fails", "description": "12 % of its requests fail"},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=x",
    }


# -- the servers ----------------------------------------------------------------------------------------------------------


@contextmanager
def _server(kind: str) -> Iterator[str]:
    """A server of a kind, as a process of its own, while the context is open."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "serve":
            write_config(Path(folder), alerting={"intake": {"entries": {"load": ENTRY}}})
            with serving(Path(folder)) as running:
                yield running.url
            return
        command = [sys.executable, "-m", "benchmarks.intake", "--run", kind]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "SRE_COPILOT_BENCH_FOLDER": folder},
        )
        try:
            yield _said(process)
        finally:
            process.terminate()
            process.wait(START_S)


def _said(process: subprocess.Popen[str]) -> str:
    """The address that a server prints once it listens."""
    line = process.stdout.readline().strip() if process.stdout else ""
    if not line:
        raise RuntimeError(f"the server did not start; it ended with {process.wait(START_S)}")
    return line


def _serve(kind: str) -> None:
    """Be the server."""

    port = free_port()
    application = _ours() if kind == "memory" else _bare()
    config = uvicorn.Config(application, host="127.0.0.1", port=port, **options(Server()))
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        print(f"http://127.0.0.1:{port}", flush=True)
        await serving

    asyncio.run(run())


def _ours() -> Any:
    """The whole interface, with alerts kept in memory."""

    class Forgetful(MemoryAlerts):
        """Takes alerts and forgets the messages: they would fill the memory."""

        async def accept(self, events: Any, *, source: str) -> None:
            await super().accept(events, source=source)
            self.accepted.clear()

    settings = {"store": {"folder": os.environ["SRE_COPILOT_BENCH_FOLDER"]}, "alerting": {"intake": {"entries": {"load": ENTRY}}}}  # fmt: skip
    service = make_service(Settings.model_validate(settings), sources=[])
    application = create_app(service)
    application.state.alerting = Forgetful(clock=service.clock)
    return application


def _bare() -> Any:
    """An application that reads the body and does nothing."""

    async def endpoint(request: Request) -> JSONResponse:
        return JSONResponse({"bytes": len(await request.body())}, status_code=202)

    return Starlette(routes=[Route(PATH, endpoint, methods=["POST"])])


if __name__ == "__main__":
    sys.exit(main())
