"""The whole way of alerts through `serve`: taken over HTTP, durable, decided on at the same time by the same process, and asked for meanwhile.

python -m benchmarks.alerting flood --store sqlite             10,000 alerts fire; 90 % of what comes repeats them, 10 % begins or ends
python -m benchmarks.alerting flood --new                      every alert is a new one
python -m benchmarks.alerting flood --rate 50                  so many batches a second; without it as fast as they are taken
python -m benchmarks.alerting single --rate 1000               so many requests a second, an alert each
python -m benchmarks.alerting active                           10,000 alerts fire and 500 a second come in: lists, and changes by people

Each runs on SQLite or, with `--store postgresql`, on PostgreSQL of its own; `--url` takes one that is there. Beside it, in the same run: an endpoint that
only reads the body, and Alertmanager, which keeps alerts in memory alone, where that is installed. What is told as worked off is in the store, decided on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text

from benchmarks import intake
from benchmarks.alerting_load import ACTIVE, Mixture, single_bodies
from benchmarks.alerting_peers import alertmanager
from benchmarks.durable import postgresql
from sre_copilot.testing.serving import Serving, serving, write_config

BATCH = 100
REST_S = (
    20.0  # after ten thousand alerts at once: what a storm is, is decided ten seconds later, and looked into
)
SENDERS = 32  # of single alerts, each waits for its answer
OVER = 409  # of a change: what is over cannot be taken on
WAIT_S = 120.0  # until what came in is worked off
ASK_EVERY_S = 0.25
BETWEEN_S = 0.02  # of two questions of one person
NOBODY = "http://127.0.0.1:9"  # a source must be configured; this one costs nothing
ALERTING = {
    "intake": {"entries": {"load": intake.ENTRY}},
    "notify": {"receivers": [{"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:9/hook"}]}]},
    "routing": {"route": {"receiver": "team", "group_by": ["alertname", "service"]}},
}


@dataclass
class Server:
    """A running `serve`, and a look into its store."""

    running: Serving
    store: str
    backlog: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._engine = create_engine(self.store)
        self.client = httpx.Client(
            base_url=self.running.url,
            headers={"Authorization": f"Bearer {self.running.token}"},
            trust_env=False,
            timeout=60,
        )

    def waiting(self) -> int:
        """Alerts that are kept and not decided on."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("SELECT coalesce(sum(count), 0) FROM inbox WHERE done_at IS NULL")
            ).scalar_one()
        return int(found)

    def settle(self) -> float:
        """Wait until nothing waits; return the seconds."""
        began = time.perf_counter()
        while self.waiting():
            if time.perf_counter() - began > WAIT_S:
                raise TimeoutError(f"{self.waiting()} alerts are not worked off after {WAIT_S:g} s")
            time.sleep(0.02)
        return time.perf_counter() - began

    async def watch(self) -> None:
        """Look again and again how much waits."""
        while True:
            self.backlog.append(await asyncio.to_thread(self.waiting))
            await asyncio.sleep(ASK_EVERY_S)

    def cpu(self) -> float:
        """Seconds of processor that the server has used."""
        parts = Path(f"/proc/{self.running.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one measurement and print it; 1 when something was not taken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerting", description=__doc__)
    parser.add_argument("what", choices=("flood", "single", "active"))
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--url", help="an empty PostgreSQL database that is there already")
    parser.add_argument(
        "--rate", type=float, default=0, help="requests a second; 0: as fast as they are taken"
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--new", action="store_true", help="flood: every alert is a new one")
    chosen = parser.parse_args(argv)
    with ExitStack() as stack:
        server = stack.enter_context(_server(chosen.store, chosen.url))
        _say("machine", f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, {chosen.store}")
        return {"flood": _flood, "single": _single, "active": _active}[chosen.what](server, chosen, stack)


# -- what is measured -------------------------------------------------------------------------------------------------------


def _flood(server: Server, chosen: argparse.Namespace, stack: ExitStack) -> int:
    mixture = Mixture()
    if not chosen.new:
        _fill(server, mixture)
    requests = int(chosen.seconds * (chosen.rate or 150)) + intake.CONNECTIONS
    bodies = [mixture.batch(BATCH, new_only=chosen.new) for _ in range(requests)]
    before = server.cpu()
    load = asyncio.run(
        _under_watch(server, server.running.url, bodies, rate=chosen.rate, seconds=chosen.seconds)
    )
    left = server.waiting()
    rest = server.settle()
    used = 1e6 * (server.cpu() - before) / max(1, load.alerts)
    _told("ours", load)
    _say("worked off", f"{load.alerts / (load.lasted + rest):,.0f} alerts/s; {used:.0f} us of processor each")
    _say(
        "backlog",
        f"at most {max(server.backlog, default=0):,}, at the end {left:,} alerts, gone {rest:.2f} s later",
    )
    bare = stack.enter_context(intake._server("bare"))
    peer = asyncio.run(_load(bare, bodies, rate=chosen.rate, seconds=chosen.seconds / 2))
    _told("bare endpoint", peer)
    return int(any(status != 202 for status in load.statuses))


def _single(server: Server, chosen: argparse.Namespace, stack: ExitStack) -> int:
    mixture = Mixture()
    _fill(server, mixture)
    time.sleep(REST_S)
    rate = chosen.rate or 1000.0
    bodies = single_bodies(mixture, int(rate * chosen.seconds) + intake.CONNECTIONS)
    load = asyncio.run(
        _under_watch(server, server.running.url, bodies, rate=rate, seconds=chosen.seconds, senders=SENDERS)
    )
    left = server.waiting()
    _told("ours", load)
    _say(
        "backlog",
        f"at most {max(server.backlog, default=0):,}, at the end {left:,}, gone {server.settle():.2f} s later",
    )
    bare = stack.enter_context(intake._server("bare"))
    peer = _load(bare, bodies, rate=rate, seconds=chosen.seconds / 2, senders=SENDERS)
    _told("bare endpoint", asyncio.run(peer))
    return int(any(status != 202 for status in load.statuses))


def _active(server: Server, chosen: argparse.Namespace, stack: ExitStack) -> int:
    mixture = Mixture()
    _fill(server, mixture)
    time.sleep(REST_S)
    bodies = [mixture.batch(10) for _ in range(int(50 * chosen.seconds * 4))]

    async def everything() -> None:
        loading = asyncio.ensure_future(
            _under_watch(server, server.running.url, bodies, rate=50.0, seconds=chosen.seconds * 4)
        )
        await asyncio.sleep(0.5)
        await asyncio.to_thread(_asks, server, chosen.seconds)
        loading.cancel()

    asyncio.run(everything())
    _say("backlog", f"at most {max(server.backlog, default=0):,} alerts")
    if (peer := stack.enter_context(alertmanager())) is not None:
        _peer_asks(peer, mixture)
    return 0


def _asks(server: Server, seconds: float) -> None:
    """What people ask for, by turns, one after another."""
    client = server.client
    going_on = partial(client.get, "/api/v1/incidents", params={"limit": 200})
    incidents = deque((each["id"], "ack") for each in going_on().json()["items"])
    found: dict[str, list[float]] = {}
    end = time.perf_counter() + seconds
    for turn in range(10**6):
        if time.perf_counter() > end:
            break
        asked: dict[str, Callable[[], httpx.Response]] = {
            "GET /api/v1/alerts": partial(client.get, "/api/v1/alerts", params={"limit": 100}),
            "GET /api/v1/incidents": going_on,
            "POST incident ack": partial(_changed, client, incidents),
            "POST /api/v2/silences": partial(client.post, "/api/v2/silences", json=_silence(turn)),
        }
        if turn % 20 == 0:
            asked["GET /api/v2/alerts (all)"] = partial(client.get, "/api/v2/alerts")
        for name, ask in asked.items():
            answer = ask()
            found.setdefault(name, []).append(
                answer.elapsed.total_seconds()
            )  # of the one that was not too late
            answer.raise_for_status()
            time.sleep(BETWEEN_S)
    for name, times in found.items():
        _quantiles(name, times)


def _changed(client: httpx.Client, incidents: deque[tuple[str, str]]) -> httpx.Response:
    """Take an incident on, or give it back when it comes round again; one that is over by now, or part of another, leaves the round."""
    while incidents:
        incident, verb = incidents.popleft()
        answer = client.post(f"/api/v1/incidents/{incident}/{verb}", json={})
        if answer.status_code != OVER:
            incidents.append((incident, "unack" if verb == "ack" else "ack"))
            return answer
    raise RuntimeError("no incident goes on any more")


def _peer_asks(url: str, mixture: Mixture) -> None:
    """The same of Alertmanager, with nothing coming in meanwhile."""
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        for body in mixture.as_posted():
            client.post(
                "/api/v2/alerts", content=body, headers={"Content-Type": "application/json"}
            ).raise_for_status()
        lists, silences = [], []
        for turn in range(20):
            began = time.perf_counter()
            client.get("/api/v2/alerts").raise_for_status()
            lists.append(time.perf_counter() - began)
            began = time.perf_counter()
            client.post("/api/v2/silences", json=_silence(turn)).raise_for_status()
            silences.append(time.perf_counter() - began)
    _quantiles("Alertmanager: GET /api/v2/alerts (all)", lists)
    _quantiles("Alertmanager: POST /api/v2/silences", silences)


def _silence(number: int) -> dict[str, object]:
    now = time.time()
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + after)) for after in (0, 3600)]
    return {
        "matchers": [{"name": "instance", "value": f"none-{number}", "isRegex": False}],
        "startsAt": stamps[0],
        "endsAt": stamps[1],
        "createdBy": "benchmark",
        "comment": "a planned restart",
    }


# -- helpers ----------------------------------------------------------------------------------------------------------------


def _fill(server: Server, mixture: Mixture) -> None:
    """Let the alerts begin that fire all the time, and wait until they are decided on."""
    bodies = mixture.first(BATCH)
    load = asyncio.run(_load(server.running.url, bodies, rate=40.0, seconds=60.0))
    server.settle()
    if load.alerts < ACTIVE:
        raise RuntimeError(f"only {load.alerts} of {ACTIVE} alerts were taken: {load.statuses}")


async def _under_watch(
    server: Server,
    url: str,
    bodies: Sequence[tuple[int, bytes]],
    *,
    rate: float,
    seconds: float,
    senders: int = intake.CONNECTIONS,
) -> intake.Load:
    watching = asyncio.ensure_future(server.watch())
    try:
        return await _load(url, bodies, rate=rate, seconds=seconds, senders=senders)
    finally:
        watching.cancel()


async def _load(
    url: str,
    bodies: Sequence[tuple[int, bytes]],
    *,
    rate: float,
    seconds: float,
    senders: int = intake.CONNECTIONS,
) -> intake.Load:
    """Send each body once, over several connections; it ends with the time or with the last body."""
    host, _, port = url.rpartition("//")[2].partition(":")
    load, turns = intake.Load(), iter(range(len(bodies)))
    requests = [(count, intake._request(f"{host}:{port}", body)) for count, body in bodies]
    began = time.perf_counter()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for turn in turns:
            due = began + turn / rate if rate else time.perf_counter()
            if due >= began + seconds:
                break
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            count, request = requests[turn]
            writer.write(request)
            status = await intake._answer(reader)
            load.seconds.append(time.perf_counter() - due)
            load.statuses[status] = load.statuses.get(status, 0) + 1
            load.alerts += count if status == 202 else 0
        writer.close()

    await asyncio.gather(*(connection() for _ in range(senders)))
    load.lasted = time.perf_counter() - began
    return load


@contextmanager
def _server(store: str, url: str | None) -> Iterator[Server]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        keys: dict[str, object] = {"alerting": ALERTING, "prometheus": {"url": NOBODY}}
        place = f"sqlite:///{folder / 'data' / 'sre-copilot.db'}"
        if store == "postgresql":
            found = url or stack.enter_context(postgresql())
            if found is None:
                raise RuntimeError("PostgreSQL is missing: the `lab` extra is not installed")
            place = found
            keys["store"] = {"folder": str(folder / "data"), "url": found}
        write_config(folder, **keys)
        running = stack.enter_context(serving(folder))
        yield Server(running, place)


def _told(name: str, load: intake.Load) -> None:
    _say(
        name,
        f"{load.rate:,.0f} alerts/s, {len(load.seconds) / load.lasted:,.0f} requests/s,"
        f" p50 {load.quantile(0.5):.1f} ms, p99 {load.quantile(0.99):.1f} ms, {load.statuses}",
    )


def _quantiles(name: str, times: Sequence[float]) -> None:
    ordered = sorted(times)
    at = [1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95)]
    _say(name, f"p50 {at[0]:.1f} ms, p95 {at[1]:.1f} ms of {len(ordered)}")


def _say(name: str, what: str) -> None:
    print(f"{name:40} {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
