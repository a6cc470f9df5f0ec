"""What the stand-in for Loki accepts: bodies that are pushed, and parameters of questions."""

from __future__ import annotations

import email.message
import gzip
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from sre_copilot.perception.lines.times import Times
from sre_copilot.testing.servers.loki_store import Value

MAX_POINTS = 11_000
MAX_DELAY_S = 5
HOUR_NS = 3600 * 10**9

Params = Mapping[str, str]


class BadRequest(ValueError):  # noqa: N818 - an answer, 400
    """What was sent cannot be read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a question, in nanoseconds."""

    start: int
    end: int
    limit: int
    forward: bool
    step: int


def pushed(body: bytes, headers: Mapping[str, str]) -> Iterator[tuple[dict[str, str], list[Value]]]:
    """Decode a push: labels and values of each stream."""
    _check_kind(headers.get("content-type", ""))
    document = _parsed(_unpacked(body, headers.get("content-encoding", "")))
    for stream in document:
        labels, values = stream.get("stream"), stream.get("values")
        if not isinstance(labels, dict) or not isinstance(values, list):
            raise BadRequest("loghttp.PushRequest.Streams: a stream needs stream and values")
        yield labels, [_value(each) for each in values]


def _check_kind(kind: str) -> None:
    """Media types as Go's mime package reads them: a parameter needs its value."""
    parts = [part.strip() for part in kind.split(";")]
    if any("=" not in part for part in parts[1:] if part):
        raise BadRequest("mime: invalid media parameter")
    message = email.message.Message()
    message["content-type"] = kind
    if message.get_content_type() != "application/json" or not kind:
        raise BadRequest(f"this stand-in reads application/json, not '{kind}'")


def _unpacked(body: bytes, encoding: str) -> bytes:
    try:
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body, -zlib.MAX_WBITS)
    except (OSError, EOFError, zlib.error) as error:
        raise BadRequest(str(error)) from None
    if encoding:
        raise BadRequest(f'Content-Encoding "{encoding}" not supported')
    return body


def _parsed(body: bytes) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(str(error)) from None
    found = document.get("streams") if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadRequest("no streams")
    return found


def _value(value: Any) -> Value:
    if (
        not isinstance(value, list)
        or len(value) not in (2, 3)
        or not all(isinstance(x, str) for x in value[:2])
    ):
        raise BadRequest("a value is [nanoseconds as text, line, structured metadata]")
    metadata = value[2] if len(value) == 3 else {}
    if not value[0].isdigit() or not isinstance(metadata, dict):
        raise BadRequest("a value is [nanoseconds as text, line, structured metadata]")
    return int(value[0]), value[1], metadata


def range_query(params: Params, max_entries: int) -> Asked:
    """Parameters of `query_range`."""
    start, end = window(params)
    if "interval" in params and _duration(params["interval"], "interval") < 0:
        raise BadRequest("interval must be >= 0")
    step = _duration(params["step"], "step") if "step" in params else max(10**9, (end - start) // 250)
    if step <= 0:
        raise BadRequest("zero or negative query resolution step widths are not accepted")
    if (end - start) / step > MAX_POINTS:
        raise BadRequest(f"exceeded maximum resolution of {MAX_POINTS} points per time series")
    return Asked(start, end, _limit(params, max_entries), _forward(params), step)


def instant_query(params: Params, max_entries: int) -> Asked:
    """Parameters of `query`."""
    at = _time(params, "time", _now())
    return Asked(0, at, _limit(params, max_entries), _forward(params), 0)


def tailed(params: Params) -> tuple[int, int]:
    """Parameters of `tail`: start and limit."""
    start = _time(params, "start", _now() - HOUR_NS)
    limit = _limit(params, 10**9)
    delay = _whole(params, "delay_for", 0)
    if delay > MAX_DELAY_S:
        raise BadRequest(f"delay_for can't be greater than {MAX_DELAY_S}")
    return start, limit


def patterns(params: Params, now: int) -> None:
    """Parameters of `patterns`."""
    start, end = _time(params, "start", 0), _time(params, "end", now)
    step = _duration(params["step"], "step") if params.get("step") else max(10**10, (end - start) // 250)
    if step <= 0:
        raise BadRequest("zero or negative query resolution step widths are not accepted")
    if (end - start) / step > MAX_POINTS:
        raise BadRequest(f"exceeded maximum resolution of {MAX_POINTS} points per time series")


def window(params: Params) -> tuple[int, int]:
    """`start` and `end`; without them the last hour."""
    end = _time(params, "end", _now() + 10**9)
    start = _time(params, "start", min(end, _now()) - HOUR_NS)
    if end < start:
        raise BadRequest("end timestamp must not be before or equal to start time")
    return start, end


def _limit(params: Params, most: int) -> int:
    limit = _whole(params, "limit", 100)
    if limit > most:
        raise BadRequest(
            f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {most})"
        )
    return limit


def _forward(params: Params) -> bool:
    direction = params.get("direction", "backward").lower()
    if direction not in {"forward", "backward"}:
        raise BadRequest(f"invalid direction '{params['direction']}'")
    return direction == "forward"


def _whole(params: Params, name: str, default: int) -> int:
    value = params.get(name, "")
    if value and not value.isdigit():
        raise BadRequest(f"strconv.Atoi: parsing '{value}': invalid syntax")
    return int(value) if value else default


def _time(params: Params, name: str, default: int) -> int:
    """Nanoseconds, seconds with a fraction, or RFC 3339."""
    value = params.get(name, "")
    if not value:
        return default
    if re.fullmatch(r"\d+", value):
        return int(value) if len(value) > 10 else int(value) * 10**9
    if re.fullmatch(r"\d+\.\d+", value):
        return round(float(value) * 10**6) * 1000
    time_ns = Times(UTC, datetime.now(UTC).timestamp()).of(value) if value[:1].isdigit() else None
    if time_ns is None:
        raise BadRequest(f"could not parse '{name}': '{value}'")
    return time_ns


_UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": HOUR_NS, "d": 24 * HOUR_NS}


def _duration(value: str, name: str) -> int:
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(ms|s|m|h|d)?", value)
    if found is None:
        raise BadRequest(f"could not parse '{name}': '{value}'")
    return int(float(found[1]) * _UNITS[found[2] or "s"])


def _now() -> int:
    return time.time_ns()
