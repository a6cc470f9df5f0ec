"""The JSON documents of a case: checked against their schemas, then turned into domain types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

from sre_copilot.domain.incident import Complaint, Incident
from sre_copilot.domain.signals import Alert, Change, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.remarks import Remark, remark
from sre_copilot.perception.case_format.times import parse_text, seconds

PROBLEMS_LIMIT = 20  # of one document: more of the same does not help who mends it


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document: `case`, `topology`, `alerts`, `changes` or `truth`."""
    text = (files("sre_copilot.perception.case_format") / "schemas" / f"{name}.json").read_text(
        encoding="utf-8"
    )
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def violations(name: str, document: Any) -> Iterator[BadCaseError]:
    """What is wrong with a document, one error a place, in the document's order."""
    for error in islice(_validator(name).iter_errors(document), PROBLEMS_LIMIT):
        yield _problem(f"{name}.json", error)
    if name == "case" and isinstance(document, dict):
        window = document.get("window")
        if isinstance(window, list) and _is_backwards(window):
            problem = f"ends before it starts: {window[0]} .. {window[1]}"
            yield BadCaseError("case.json", problem, field="window", remedy="expected: [start, end]")


def check(name: str, document: Any) -> None:
    """Raise the first thing that is wrong with a document."""
    for problem in violations(name, document):
        raise problem


def incident(facts: dict[str, Any]) -> tuple[Incident, tuple[Remark, ...]]:
    """Turn a checked `case.json` into an incident."""
    alert = facts.get("alert") or {}
    onset, window = facts.get("t_inject"), facts.get("window")
    others = facts.get("other_fault_times") or ()
    times = [onset, alert.get("timestamp"), *(window or ()), *others]
    interval = facts.get("metric_interval_s")
    return Incident(
        id=facts["id"],
        system=facts.get("system") or "",
        namespace=facts.get("namespace") or "",
        complaint=Complaint(
            text=facts.get("query") or "",
            entity=alert.get("node") or "",
            metric=alert.get("metric") or "",
            at=_seconds(alert.get("timestamp")),
        ),
        onset=_seconds(onset),
        window=Window(*sorted(map(seconds, window))) if window else None,
        metric_interval_s=interval,
        other_fault_times=tuple(sorted(map(seconds, others))),
    ), _converted(times)


def topology(document: dict[str, Any]) -> tuple[Topology, tuple[Remark, ...]]:
    """Turn a checked `topology.json` into a topology; cycles are kept, self-calls are not."""
    edges = [(caller, callee) for caller, callee in document["edges"]]
    own = [row for row, (caller, callee) in enumerate(edges) if caller == callee]
    found: list[Remark] = []
    if not edges:
        found.append(remark("gap.reader.empty", "topology", "topology.json"))
    if own:
        key = "gap.reader.self_calls"
        found.append(remark(key, "topology", "topology.json", field="edges", row=own[0], rows=len(own)))
    return Topology.of(edges), tuple(found)


def alerts(document: dict[str, Any]) -> tuple[tuple[Alert, ...], tuple[Remark, ...]]:
    """Turn a checked `alerts.json` into alerts, in an order that does not depend on the file's."""
    entries = document.get("alerts") or ()
    read = [(_alert(entry), entry.get("time_range")) for entry in entries]
    found: list[Remark] = []
    announced = document.get("alert_count")
    if announced is not None and announced != len(entries):
        params = {"announced": announced, "rows": len(entries)}
        found.append(remark("gap.reader.alert_count", "alerts", "alerts.json", field="alert_count", **params))
    unread = [row for row, (alert, time) in enumerate(read) if time and alert.window is None]
    if unread:
        params = {"rows": len(unread), "total": len(read)}
        key = "gap.reader.times_unread"
        found.append(remark(key, "alerts", "alerts.json", field="time_range", row=unread[0], **params))
    return tuple(sorted((alert for alert, _ in read), key=repr)), tuple(found)


def changes(document: list[dict[str, Any]]) -> tuple[tuple[Change, ...], tuple[Remark, ...]]:
    """Turn a checked `changes.json` into changes, by time."""
    found = [
        Change(
            ts=seconds(entry["ts"]),
            service=entry["service"],
            kind=entry["kind"],
            text=entry["text"],
            detail={key: _plain(value) for key, value in sorted((entry.get("detail") or {}).items())},
        )
        for entry in document
    ]
    ordered = tuple(sorted(found, key=lambda change: (change.ts, repr(change))))
    return ordered, _converted([entry["ts"] for entry in document], file="changes.json")


def _alert(entry: dict[str, Any]) -> Alert:
    return Alert(
        name=entry["name"],
        kind=entry.get("type") or "",
        entity=entry["name"],
        text=tuple(entry.get("evidence") or ()),
        window=_window(entry.get("time_range") or ""),
    )


def _window(text: str) -> Window | None:
    start, _, end = text.partition("~")
    times = [parse_text(part) for part in (start, end)]
    if times[0] is None or times[1] is None or times[0] > times[1]:
        return None
    return Window(times[0], times[1])


def _seconds(number: float | None) -> float | None:
    return None if number is None else seconds(number)


def _converted(times: list[float | None], file: str = "case.json") -> tuple[Remark, ...]:
    rows = sum(time is not None and seconds(time) != time for time in times)
    return (remark("gap.reader.document_times_converted", _MODALITY[file], file, rows=rows),) if rows else ()


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_backwards(window: list[Any]) -> bool:
    numbers = [time for time in window if isinstance(time, int | float)]
    return len(numbers) == len(window) == 2 and seconds(numbers[0]) > seconds(numbers[1])


def _problem(file: str, error: ValidationError) -> BadCaseError:
    expected = str(error.schema.get("description", "")) if isinstance(error.schema, dict) else ""
    path = list(error.absolute_path)
    row = path[0] if path and isinstance(path[0], int) else None
    if error.validator == "required" and isinstance(error.instance, dict):
        missing = next(key for key in error.validator_value if key not in error.instance)
        here = error.schema["properties"].get(missing, {}) if isinstance(error.schema, dict) else {}
        field, problem, expected = _field([*path, missing]), "is missing", here.get("description", expected)
    else:
        field, problem = _field(path), _words(error)
    return BadCaseError(
        file, problem, field=field, row=row, remedy=f"expected: {expected}" if expected else ""
    )


def _words(error: ValidationError) -> str:
    shown = json.dumps(error.instance, ensure_ascii=True, default=str)
    if len(shown) > 60:
        shown = f"{shown[:57]}…"
    return f"{shown} does not fit"


def _field(path: list[str | int]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


_MODALITY: dict[str, Any] = {"case.json": "metrics", "changes.json": "changes"}
