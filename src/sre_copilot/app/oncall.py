"""The roster of the moment: the configuration, its calendar files as they are now, and the overrides of the store."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sre_copilot.alerts.oncall.configured import roster
from sre_copilot.alerts.oncall.people import Override
from sre_copilot.alerts.oncall.roster import Roster
from sre_copilot.errors import SettingsError, UsageError
from sre_copilot.settings.alerting.people import People
from sre_copilot.store.oncall import OverrideStore
from sre_copilot.store.paging import Row

Seen = dict[str, tuple[int, int]]
KEPT_DAYS = 400  # so far back past overrides are still known, for who asks who was on call then
DAY_S = 86_400.0
LOOK_EVERY_S = 1.0  # of real time: an override counts within a second


def calendars(settings: People) -> dict[str, bytes]:
    """The contents of the calendar files, by schedule.

    Raises
    ------
    SettingsError : names the key and the file
    """
    found = {}
    for key, schedule in settings.schedules.items():
        if schedule.calendar_file is not None:
            found[key] = _read(schedule.calendar_file, f"alerting.people.schedules.{key}.calendar_file")
    return found


def override_of(row: Row) -> Override:
    """An override as it was kept; a removed one ended with its removal, so that who was on call before stays known."""
    end = row["ends_at"] if row["removed_at"] is None else min(row["ends_at"], row["removed_at"])
    kept = {name: row[name] for name in ("id", "schedule", "person", "replaces", "reason", "created_by")}
    return Override(**kept, start=row["starts_at"], end=end, created_at=row["created_at"])


class LiveRoster:
    """Knows who can be called now. Overrides count at once, a calendar file when it has changed; one that cannot be read any more keeps what it said before.

    `problems` says which. It looks for changes once a second, for whoever decides asks with every call. Several threads may ask.
    """

    def __init__(self, settings: People, store: OverrideStore | None = None) -> None:
        """Read everything; an error is raised, for at the start somebody looks.

        Raises
        ------
        UsageError : when a calendar file cannot be read
        """
        self._settings = settings
        self._store = store
        self._lock = threading.Lock()
        self._looked_at = -LOOK_EVERY_S
        self._seen = self._files()
        self._base = roster(settings, calendars=calendars(settings))
        self._stamp: tuple[int, int] | None = None
        self._whole = self._base
        self.problems: tuple[str, ...] = ()

    def now(self, at: float, *, fresh: bool = False) -> Roster:
        """The roster as it is, or was a second ago unless it must be `fresh`; `at` is the present, epoch seconds UTC."""
        with self._lock:
            elapsed = time.monotonic() - self._looked_at
            if elapsed < LOOK_EVERY_S and not fresh:
                return self._whole
            self._looked_at = time.monotonic()
            changed = self._reread()
            stamp = self._store.stamp() if self._store else (0, 0)
            if changed or stamp != self._stamp:
                self._whole = self._base.with_overrides(self._overrides(at))
                self._stamp = stamp
            return self._whole

    def _overrides(self, at: float) -> Sequence[Override]:
        """Those of persons who are still known; of the others the plan counts, for nobody could be called."""
        rows = self._store.living(since=at - KEPT_DAYS * DAY_S) if self._store else ()
        return [override_of(row) for row in rows if row["person"] in self._base.people]

    def _reread(self) -> bool:
        """Read the calendar files again where one has changed; whether that was so."""
        files = self._files()
        if files == self._seen:
            return False
        self._seen = files
        try:
            self._base = roster(self._settings, calendars=calendars(self._settings))
        except UsageError as error:
            self.problems = (f"{error} Until then the calendar counts as it was.",)
            return False
        self.problems = ()
        return True

    def _files(self) -> Mapping[str, tuple[int, int]]:
        found: Seen = {}
        for key, schedule in self._settings.schedules.items():
            if schedule.calendar_file is not None:
                found[key] = _version(schedule.calendar_file)
        return found


def _version(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return (0, -1)
    return (status.st_mtime_ns, status.st_size)


def _read(file: Path, key: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{key} ({file}): cannot be read: {error.strerror or error}. Name another file, or correct its rights."
        ) from None
