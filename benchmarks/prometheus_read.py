"""Reading a week of a hundred series from a real Prometheus, against the time that receiving the same bytes takes."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np
import orjson

from benchmarks.figure import Figure, Peers
from sre_copilot.domain.signals import Window
from sre_copilot.perception.prometheus import PrometheusSource
from sre_copilot.testing.servers.real import backfill, missing, prometheus_server

NAME = "prometheus_read"
ABOUT = "Reading 100 series x 7 days x 1 minute from Prometheus into an array; of_limit is the time to receive the same bytes by ours."
SERIES = 100
POINTS = 7 * 24 * 60
STEP = 60
ROUNDS = 9
CONCURRENCY = 4  # the source's default


def measure(peers: Peers) -> Figure:
    """Return values per second: ours, by the standard way (whole answer, `orjson`, `float`), and the share of receiving alone."""
    if reason := missing("prometheus", "promtool"):
        raise FileNotFoundError(reason)
    with tempfile.TemporaryDirectory() as folder:
        start = _history(Path(folder))
        with prometheus_server(Path(folder)) as server:
            return _measure(server.url, Window(start, start + POINTS * STEP))


def _measure(url: str, window: Window) -> Figure:
    settings = {
        "url": url,
        "queries": {"bench": "bench"},
        "core_metrics": False,
        "alerts": False,
        "concurrency": CONCURRENCY,
        "requests_per_second": 1000,
        "timeout_seconds": 60,
    }
    source = PrometheusSource(PrometheusSource.Settings.model_validate(settings))
    with httpx.Client(
        base_url=url, trust_env=False, timeout=60, headers={"accept-encoding": "identity"}
    ) as client:
        query = source.answer(window, step_seconds=STEP).asked[0].text
        requests = _requests(query, window)
        times: dict[str, list[float]] = {"ours": [], "receive": [], "json": []}
        for _ in range(ROUNDS):  # in turns, so that what else the machine does falls on all of them
            times["receive"].append(_timed(lambda: _all(requests, lambda p: _receive(client, p))))
            times["ours"].append(_timed(lambda: source.series(window, step_seconds=STEP)))
            times["json"].append(_timed(lambda: _all(requests, lambda p: _parse(client, p))))
    source.close()
    best = {name: min(found) for name, found in times.items()}
    values = SERIES * POINTS
    return Figure(
        unit="values/s",
        ours=values / best["ours"],
        peer=values / best["json"],
        of_limit=best["receive"] / best["ours"],
        detail={
            "peer": "orjson and float",
            "times_of_its_http_time": best["ours"] / best["receive"],
            "median_times_of_its_http_time": float(
                np.median(
                    np.divide(times["ours"], times["receive"])
                )  # round by round: the load of each falls on both
            ),
            "seconds": best["ours"],
            "http_seconds": best["receive"],
            "json_seconds": best["json"],
        },
    )


def _history(folder: Path) -> int:
    """A week of daily waves with noise, ended an hour ago; return its first time."""
    start = STEP * (int(time.time()) // STEP) - 3600 - POINTS * STEP
    noise = np.random.default_rng(1)
    with (folder / "history.txt").open("w", encoding="utf-8") as file:
        file.write("# TYPE bench gauge\n")
        for row in range(SERIES):
            wave = 100 + 50 * np.sin(np.arange(POINTS) * 2 * math.pi / 1440 + row)
            values = (wave + noise.normal(0, 5, POINTS)).tolist()
            file.writelines(
                f'bench{{service="s{row // 4}",instance="i{row}"}} {value!r} {start + STEP * i}\n'
                for i, value in enumerate(values)
            )
        file.write("# EOF\n")
    backfill(folder / "history.txt", folder / "data")
    return start


def _requests(query: str, window: Window) -> list[dict[str, object]]:
    """The same times in two answers of equal size, as the source cuts them; it asks for a first look on top."""
    edges = np.linspace(0, POINTS, 3).astype(int).tolist()
    return [
        {
            "query": query,
            "start": window.start + STEP * begin,
            "end": window.start + STEP * (end - 1),
            "step": STEP,
        }
        for begin, end in pairwise(edges)
    ]


def _receive(client: httpx.Client, params: dict[str, object]) -> int:
    with client.stream("GET", "/api/v1/query_range", params=params) as response:  # type: ignore[arg-type]
        return sum(len(chunk) for chunk in response.iter_bytes())


def _parse(client: httpx.Client, params: dict[str, object]) -> list[np.ndarray]:
    result = orjson.loads(client.get("/api/v1/query_range", params=params).content)["data"]["result"]  # type: ignore[arg-type]
    return [np.array([float(value) for _, value in each["values"]], np.float32) for each in result]


def _all(requests: list[dict[str, object]], ask: Callable[[dict[str, object]], object]) -> None:
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        _consume(pool.map(ask, requests))


def _consume(results: Iterator[object]) -> None:
    for _ in results:
        pass


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
