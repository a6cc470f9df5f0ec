"""The Prometheus beside the shop: what it scrapes, and the samples that it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from lab.layout import SERVICES, STORES, TARGETS, Configuration, instance
from lab.live.stretch import Series, Stretch
from sre_copilot.testing.servers.real import RealServer, prometheus_server

SCRAPE_S = 5
TIMEOUT_S = 2  # a process that hangs is down within two scrapes
RUNTIME = (
    "(python_|scrape_).*|.*_created"  # of the language, and of Prometheus itself: nobody watches them here
)
READ_TIMEOUT_S = 60.0


def configuration_text(
    configuration: Configuration,
    exporter_port: int,
    more: Mapping[str, Any] | None = None,
    *,
    pods: bool = False,
) -> str:
    """Its configuration: every service at its own port, the stores at the exporter's, each under its own name; and `more` keys."""
    jobs = [_job(name, configuration.metrics_ports[name], "/metrics") for name in SERVICES]
    if pods:
        jobs = [_pods(configuration.folder)]
    jobs += [_job(name, exporter_port, f"/{name}") for name in STORES]
    interval = {"scrape_interval": f"{SCRAPE_S}s", "scrape_timeout": f"{TIMEOUT_S}s"}
    return json.dumps({"global": interval, "scrape_configs": jobs, **(more or {})}, indent=1)  # JSON is YAML


def _job(name: str, port: int, path: str) -> dict[str, object]:
    labels = {"service": name, "instance": instance(name)}
    return {
        "job_name": name,
        "metrics_path": path,
        "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}],
        "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": RUNTIME, "action": "drop"}],
    }


def _pods(folder: str) -> dict[str, object]:
    """All pods, each found in the file that the cluster keeps; Debian's Prometheus cannot ask an API server."""
    return {
        "job_name": "pods",
        "file_sd_configs": [{"files": [f"{folder}/{TARGETS}"], "refresh_interval": "1s"}],
        "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": RUNTIME, "action": "drop"}],
    }


@contextmanager
def running(folder: Path, config: str, *, port: int) -> Iterator[RealServer]:
    """Run it while the context is open; it goes on with what lies in `folder`."""
    with prometheus_server(folder, config=config, port=port) as server:
        yield server


def scraped(url: str, *, start: float, end: float) -> Stretch:
    """The raw samples of `start < t <= end`, brought to the scrapes' common grid.

    Targets are scraped at different moments of an interval; a sample counts for the whole interval that it lies in.
    """
    query = f'{{job!="",__name__!~"{RUNTIME}"}}[{round(end - start)}s]'
    answer = httpx.get(
        f"{url}/api/v1/query", params={"query": query, "time": end}, timeout=READ_TIMEOUT_S, trust_env=False
    )
    answer.raise_for_status()
    first, width = int(start) // SCRAPE_S, round(end - start) // SCRAPE_S
    found = []
    for each in answer.json()["data"]["result"]:
        values = np.full(width, np.nan)
        for at, text in each["values"]:
            place = int(at) // SCRAPE_S - first
            if 0 <= place < width:
                values[place] = float(text)
        labels = dict(each["metric"])
        found.append(Series(labels.pop("__name__"), labels, values))
    return Stretch(SCRAPE_S, first * SCRAPE_S, tuple(sorted(found, key=lambda one: one.text)))
