"""How a Prometheus-compatible server is: version, clock, what it lets us read, and whether it sees its own targets."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx

from sre_copilot.errors import SourceError
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.pace import moment
from sre_copilot.perception.source import Health

CLOCK_TOLERANCE_S = 5.0  # less cannot be told from a slow network, and shifts no minute
_WHOLE_S = 2.0  # a header tells whole seconds, and the answer took a while
_VICTORIA = re.compile(r'vm_app_version\{.*?short_version="([^"]*)"')
_NAMED = 3  # targets that a message names
_MAY = (
    ("read metadata", "/api/v1/metadata", {"limit": 1}),
    ("read rules", "/api/v1/rules", {"type": "alert"}),
    ("read targets", "/api/v1/targets", {"state": "active"}),
)


def health(client: HttpClient) -> Health:
    """Ask; whatever fails is told and nothing is raised."""
    try:
        skew, lag = _clock(client)
    except SourceError as error:
        return Health(source=client.name, ok=False, problem=error.problem, remedy=error.remedy)
    problem, remedy = _skewed(skew) or _late(lag) or _targets(client) or ("", "")
    return Health(
        source=client.name,
        ok=True,
        version=_version(client),
        clock_skew_seconds=round(skew, 3),
        permissions=("+query", *(_permission(client, *each) for each in _MAY)),
        problem=problem,
        remedy=remedy,
    )


def instant(client: HttpClient, query: str) -> list[dict[str, Any]]:
    """The series of an instant query at the server's own time."""
    response = client.get("/api/v1/query", {"query": query})
    document = client.json(response)
    try:
        result = document["data"]["result"]
        if not isinstance(result, list):
            raise TypeError
    except (KeyError, TypeError):
        raise client.unreadable(response, "is none of the Prometheus API") from None
    return result


def _clock(client: HttpClient) -> tuple[float, float]:
    """By how many seconds its clock is ahead of ours, and by how many the time that it answers for is behind its clock.

    The time comes by the query `time()`, which VictoriaMetrics evaluates half a minute ago; so it is held against the header `Date`, in whole seconds.
    """
    before = time.time()
    response = client.get("/api/v1/query", {"query": "time()"})
    ours = (before + time.time()) / 2
    answered = _scalar(client, response)
    told = moment(response.headers.get("date", ""))
    clock = answered if told is None else told + 0.5
    return (answered - ours, 0.0) if abs(answered - clock) <= _WHOLE_S else (clock - ours, clock - answered)


def _scalar(client: HttpClient, response: httpx.Response) -> float:
    """The value of a query that has one; some servers answer with a scalar, some with a vector."""
    document = client.json(response)
    try:
        result = document["data"]["result"]
        return float(result[1] if document["data"]["resultType"] == "scalar" else result[0]["value"][1])
    except (KeyError, IndexError, TypeError, ValueError):
        raise client.unreadable(response, "is none of the Prometheus API") from None


def _version(client: HttpClient) -> str:
    try:
        version = str(client.get_json("/api/v1/status/buildinfo")["data"].get("version", ""))
        found = None if version else _VICTORIA.search(client.get("/metrics").text)
    except (SourceError, KeyError, TypeError, AttributeError):
        return ""
    return f"VictoriaMetrics {found[1]}".strip() if found else version


def _permission(client: HttpClient, what: str, path: str, params: dict[str, Any]) -> str:
    try:
        client.get_json(path, params)
    except SourceError:
        return f"-{what}"
    return f"+{what}"


def _skewed(skew: float) -> tuple[str, str] | None:
    if abs(skew) <= CLOCK_TOLERANCE_S:
        return None
    return (
        f"its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours",
        "synchronise both machines by NTP: the newest values are else missed or seem late",
    )


def _late(lag: float) -> tuple[str, str] | None:
    if lag <= CLOCK_TOLERANCE_S:
        return None
    return (
        f"it shows values {lag:.0f} s late",
        "lower its -search.latencyOffset; faults are else seen that much later",
    )


def _targets(client: HttpClient) -> tuple[str, str] | None:
    """Targets that do not answer the server's scrapes."""
    try:
        down = instant(client, "up == 0")
    except SourceError:
        return None
    if not down:
        return None
    names = [f"{each['metric'].get('job', '?')}/{each['metric'].get('instance', '?')}" for each in down]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"{len(names)} of its scrape targets are down: {', '.join(sorted(names)[:_NAMED])}{more}",
        "look at Status > Targets on its own page; what those report is missing here",
    )
