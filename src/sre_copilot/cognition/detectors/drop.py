"""A series that fell: success that fails, requests that no longer come, a process that began anew, a certificate that ends."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from sre_copilot.cognition.detectors.metric_finding import falling
from sre_copilot.cognition.detectors.samples import ramp
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.topology import Topology

AVAILABILITY = 3.0  # nats: failing is what users see; the cause may lie below
IDLE = 1.2  # nats: who is no longer asked rather has a broken caller
DOWN = 5.0  # nats: a process that no longer answers its own monitoring
RESTART = 4.0  # nats: healthy processes do not begin anew in the minutes of an incident
EXPIRED = 6.0  # nats: a certificate at its end explains every refused connection
LOST, MOST_LOST = 0.02, 0.3  # of the requests fail: where suspicion begins and where it is complete
QUIET = 0.1  # of its normal rate: nearly no request comes
SPREADS = 1.2  # robust standard deviations that a normal rate must lie above zero, or idle minutes are usual
FRESH_S = 120.0  # seconds since a process began, of one that had run longer before


def fallen(levels: pl.DataFrame, topology: Topology) -> tuple[Finding, ...]:
    """Find falls of availability, request rate, answers to monitoring, uptime and time to expiry."""
    known = levels.filter(pl.col("normal").is_not_null())
    return (
        *_availability(known),
        *_idle(known, topology),
        *_down(known),
        *_restarted(known),
        *_expired(known),
    )


def _availability(levels: pl.DataFrame) -> list[Finding]:
    found = []
    for row in levels.filter((pl.col("kind") == "availability") & (pl.col("normal") > 0)).iter_rows(
        named=True
    ):
        weight = AVAILABILITY * ramp(1.0 - row["bottom"] / row["normal"], LOST, MOST_LOST)
        if weight > 0 and row["bottom"] < row["low"]:
            found.append(falling("metric.availability", row, weight, "degradation/availability"))
    return found


def _idle(levels: pl.DataFrame, topology: Topology) -> list[Finding]:
    """Services that are hardly asked any more, and their callers that are asked as before and no longer ask them."""
    rates = levels.filter((pl.col("kind") == "requests") & (pl.col("normal") > SPREADS * pl.col("mad")))
    gone = rates.filter(pl.col("bottom") <= QUIET * pl.col("normal"))
    found = [
        falling("metric.idle", row, IDLE, "dependency/unavailable") for row in gone.iter_rows(named=True)
    ]
    idle = {finding.entity: finding for finding in found}
    asked = set(rates["service"].to_list()) - set(idle)
    for callee, finding in sorted(idle.items()):
        busy = [caller for caller in topology.callers(callee) if caller in asked]
        found += [_idle_callee(finding, caller, weight=IDLE / len(busy)) for caller in busy]
    return found


def _idle_callee(idle: Finding, caller: str, *, weight: float) -> Finding:
    return replace(
        idle,
        kind="metric.idle_callee",
        entity=caller,
        related=(idle.entity,),
        weight=weight,
        params=(*idle.params, ("callee", idle.entity)),
        fault_type="code/exception",
    )


def _down(levels: pl.DataFrame) -> list[Finding]:
    gone = (pl.col("normal") >= 1.0) & (pl.col("bottom") <= 0.0)
    rows = levels.filter((pl.col("kind") == "up") & gone)
    return [falling("metric.down", row, DOWN, "process/killed") for row in rows.iter_rows(named=True)]


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
