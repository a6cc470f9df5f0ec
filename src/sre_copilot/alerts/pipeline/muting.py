"""Silences and maintenance windows as people put and end them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from sre_copilot.alerts.pipeline.flow import Pipeline
from sre_copilot.alerts.pipeline.refusal import Refused
from sre_copilot.alerts.problems import InvalidError
from sre_copilot.alerts.state import MaintenanceState, SilenceState

State = TypeVar("State", SilenceState, MaintenanceState)


class Muting:
    """The verbs of muting over one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._parts = pipeline.parts

    def put_silence(self, arguments: Mapping[str, Any], who: str, now: float) -> dict[str, Any]:
        """Add or change a silence; the fields are those of `SilenceState`, its `revision` that which was read before."""
        given = _unchanged(arguments, self._parts.silences.get(str(arguments.get("id", ""))))
        wanted = _read(SilenceState, {"id": "", "created_by": who, "comment": "", "starts_at": now, **given})
        self._pipeline.look_at_mutes(now)
        try:
            changed = self._parts.silences.set(wanted, now=now, fresh_id=str(uuid.uuid4()))
        except InvalidError as error:
            raise _refused(error) from None
        self._keep_silences(changed, now)
        return {"id": changed[-1].id, "revision": changed[-1].revision}

    def expire_silence(self, arguments: Mapping[str, Any], who: str, now: float) -> dict[str, Any]:
        """End a silence."""
        key = str(arguments.get("id", ""))
        if self._parts.silences.get(key) is None:
            raise Refused(404, "id", f"no silence has the id {key!r}. `silence query` shows them.")
        self._pipeline.look_at_mutes(now)
        self._keep_silences(self._parts.silences.expire(key, now=now), now)
        return {"id": key}

    def put_window(self, arguments: Mapping[str, Any], who: str, now: float) -> dict[str, Any]:
        """Add or change a maintenance window; the fields are those of `MaintenanceState`."""
        known = self._parts.maintenance.get(str(arguments.get("id", "")))
        given = {
            "owner": who,
            "reason": "",
            "created_at": now,
            "starts_at": now,
            **_unchanged(arguments, known),
        }
        given["id"] = given.get("id") or f"M-{uuid.uuid4().hex[:12]}"
        wanted = _read(MaintenanceState, given)
        try:
            window = self._parts.maintenance.set(wanted, now=now)
        except InvalidError as error:
            raise _refused(error) from None
        self._keep_windows((window,), now)
        return {"id": window.id, "revision": window.revision}

    def end_window(self, arguments: Mapping[str, Any], who: str, now: float) -> dict[str, Any]:
        """End a maintenance window before its time; what it muted stands again as it was."""
        key = str(arguments.get("id", ""))
        try:
            window = self._parts.maintenance.end(key, now=now)
        except InvalidError as error:
            raise Refused(404, "id", str(error)) from None
        self._keep_windows((window,), now)
        return {"id": window.id}

    def _keep_silences(self, changed: Iterable[SilenceState], now: float) -> None:
        found = tuple(changed)
        for silence in found:
            self._pipeline.memory.changes.silences[silence.id] = silence
        self._pipeline.look_at_silenced(found, now)

    def _keep_windows(self, changed: Iterable[MaintenanceState], now: float) -> None:
        for window in changed:
            self._pipeline.memory.changes.maintenance[window.id] = window
        self._pipeline.look_at_all_mutes(now)


def _unchanged(arguments: Mapping[str, Any], known: SilenceState | MaintenanceState | None) -> dict[str, Any]:
    """What is wanted, unless it was changed since it was read."""
    given = dict(arguments)
    revision = given.pop("revision", None)
    if revision is not None and (known is None or known.revision != revision):
        now = "gone" if known is None else f"{known.revision} now"
        raise Refused(
            412, "revision", f"it was changed meanwhile: it is {now}, not {revision}. Read it again."
        )
    return given


def _read(kind: type[State], given: Mapping[str, Any]) -> State:
    names = {each.name for each in fields(kind)}
    strange = sorted(set(given) - names)
    if strange:
        raise Refused(422, strange[0], f"is no field. There are: {', '.join(sorted(names))}.")
    try:
        return kind(**given)
    except TypeError:
        missing = sorted(names - set(given))
        raise Refused(422, missing[0], f"is missing. Needed are: {', '.join(missing)}.") from None


def _refused(error: InvalidError) -> Refused:
    problems = error.problems
    more = "; ".join(str(each) for each in problems[1:])
    return Refused(422, problems[0].field, problems[0].text + (f"; {more}" if more else ""))
