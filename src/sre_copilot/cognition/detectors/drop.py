"""A series that fell: success that fails, requests that no longer come, a process that began anew, a certificate that ends."""

from __future__ import annotations

import polars as pl

from sre_copilot.cognition.detectors.metric_finding import falling
from sre_copilot.cognition.detectors.samples import ramp
from sre_copilot.domain.evidence import Finding

AVAILABILITY = 3.0  # nats: failing is what users see; the cause may lie below
IDLE = 1.2  # nats: who is no longer asked rather has a broken caller
RESTART = 4.0  # nats: healthy processes do not begin anew in the minutes of an incident
EXPIRED = 6.0  # nats: a certificate at its end explains every refused connection
LOST, MOST_LOST = 0.02, 0.3  # of the requests fail: where suspicion begins and where it is complete
QUIET = 0.1  # of its normal rate: nearly no request comes
SPREADS = 1.2  # robust standard deviations that a normal rate must lie above zero, or idle minutes are usual
FRESH_S = 120.0  # seconds since a process began, of one that had run longer before


def fallen(levels: pl.DataFrame) -> tuple[Finding, ...]:
    """Find falls of availability, request rate, uptime and time to expiry."""
    known = levels.filter(pl.col("normal").is_not_null())
    return (*_availability(known), *_idle(known), *_restarted(known), *_expired(known))


def _availability(levels: pl.DataFrame) -> list[Finding]:
    found = []
    for row in levels.filter((pl.col("kind") == "availability") & (pl.col("normal") > 0)).iter_rows(
        named=True
    ):
        weight = AVAILABILITY * ramp(1.0 - row["bottom"] / row["normal"], LOST, MOST_LOST)
        if weight > 0 and row["bottom"] < row["low"]:
            found.append(falling("metric.availability", row, weight, "degradation/availability"))
    return found


def _idle(levels: pl.DataFrame) -> list[Finding]:
    usual = pl.col("normal") > SPREADS * pl.col("mad")
    rows = levels.filter(
        (pl.col("kind") == "requests") & usual & (pl.col("bottom") <= QUIET * pl.col("normal"))
    )
    return [falling("metric.idle", row, IDLE, "dependency/unavailable") for row in rows.iter_rows(named=True)]


def _restarted(levels: pl.DataFrame) -> list[Finding]:
    fresh = (pl.col("bottom") < FRESH_S) & (pl.col("bottom") < 0.5 * pl.col("normal"))
    rows = levels.filter((pl.col("kind") == "uptime") & fresh & (pl.col("bottom") < pl.col("low")))
    return [falling("metric.restart", row, RESTART, "process/killed") for row in rows.iter_rows(named=True)]


def _expired(levels: pl.DataFrame) -> list[Finding]:
    over = (pl.col("bottom") <= 0) & (pl.col("normal") > 0)
    rows = levels.filter((pl.col("kind") == "expiry") & over)
    return [
        falling("metric.expired", row, EXPIRED, "security/certificate") for row in rows.iter_rows(named=True)
    ]
