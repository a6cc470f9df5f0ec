"""Signals that are measured to judge a repair: what cannot be told is not well."""

from __future__ import annotations

import polars as pl
import pytest

from sre_copilot.app.live_signals import LiveSignals
from sre_copilot.domain.plan import SignalCheck
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.errors import SourceUnreachable
from sre_copilot.perception.source import Reading

START = 1_700_000_000
CHECK = SignalCheck(
    role="recovery", entity="cart", source="logs", measure="rows", relation="<=", bound=0.5, aggregate="rate",
    where=(("service", "cart"), ("contains", "ERROR")), observed=5.0,
)  # fmt: skip


def logs(service: str, message: str = "hello") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ts_ns": [(START + second) * 1_000_000_000 for second in range(5)],
            "service": service,
            "instance": "a",
            "level": "INFO",
            "trace_id": "",
            "span_id": "",
            "message": message,
        }
    )


class Told:
    """A source of logs that gives what it is told to, or is down."""

    modalities: tuple[Modality, ...] = ("logs",)

    def __init__(self, name: str, table: pl.DataFrame | None) -> None:
        self.name, self._table = name, table

    def read(self, window: Window) -> Reading:
        if self._table is None:
            raise SourceUnreachable(self.name, "no connection", remedy="start it")
        return Reading(telemetry=Telemetry(logs=self._table))

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("sources", "value"),
    [
        ([Told("a", logs("cart"))], 0.0),
        ([Told("a", logs("cart", "ERROR no stock"))], 5 / 60),
        ([Told("a", logs("web"))], None),
        ([Told("a", logs("web").clear())], None),
        ([Told("a", None)], None),
        ([Told("a", None), Told("b", logs("cart"))], None),
    ],
    ids=["alive and quiet", "loud", "dead and silent", "nothing", "down", "half of it down"],
)
def test_that_no_errors_came_is_well_only_of_what_was_seen_to_live(
    sources: list[Told], value: float | None
) -> None:
    measured = LiveSignals(lambda: sources).measure(CHECK, START, START + 60)  # type: ignore[arg-type,return-value]
    assert measured == (pytest.approx(value) if value is not None else None)
