"""What the store was told, as a source: the changes that pipelines sent by webhook."""

from __future__ import annotations

from typing import ClassVar

from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.errors import SourceUnreachable, StoreError
from sre_copilot.perception.source import Health, Reading, SourceSettings
from sre_copilot.store.records import Records

MOST = 1000  # changes of one window: more explain nothing


class ToldSource:
    """Reads the changes that are kept; those that another source told are left to it."""

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("changes",)
    name = "told changes"

    def __init__(self, changes: Records) -> None:
        self._changes = changes

    def read(self, window: Window) -> Reading:
        """Return the changes of the window.

        Raises
        ------
        SourceUnreachable : when the store does not answer
        """
        from sre_copilot.incidents.watch.journal import change_of  # noqa: PLC0415 - the watch's kernels take a second

        try:
            rows = self._changes.page(since=window.start, limit=MOST, source="").rows
            tells = bool(rows) or bool(self._changes.page(limit=1, source="").rows)
        except StoreError as error:
            raise SourceUnreachable(self.name, str(error)) from None
        if not tells:  # no pipeline tells anything: that is not the same as "nothing was changed"
            return Reading()
        inside = sorted((row for row in rows if row["ts"] < window.end), key=lambda row: row["ts"])
        return Reading(telemetry=Telemetry(changes=tuple(change_of(row) for row in inside)))

    def health(self) -> Health:
        """The store is the program's own."""
        return Health(source=self.name, ok=True)

    def close(self) -> None:
        """There is nothing to close."""
