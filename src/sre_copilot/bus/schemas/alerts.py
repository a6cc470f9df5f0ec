"""The data of events about alerts and anomalies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sre_copilot.bus.schemas.data import Data, Moment
from sre_copilot.domain.alert import Status
from sre_copilot.domain.anomaly import Severity


class AlertReceived(Data):
    """An alert came in; key: its fingerprint."""

    fingerprint: str = ""
    """Identity of the alert: the same as long as its labels are."""
    labels: dict[str, str]
    """What the alert is about; `alertname` says what fires."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Words about it."""
    status: Status
    """Whether it fires or has ended."""
    severity: Severity | None = None
    """How bad the sender says it is."""
    starts_at: Moment
    """When it began."""
    ends_at: Moment | None = None
    """When it ended, or will end by itself; null: not known."""
    received_at: Moment
    """When it came in."""
    source: str
    """The configured intake that took it."""
    provider: str
    """The kind of payload."""
    generator_url: str = ""
    """Where the sender shows what fired."""
    dedup_key: str = ""
    """The sender's own identity for it."""
    acknowledged: bool = False
    """Whether somebody took it on in the sending system."""
    anomaly_id: str = ""
    """Our own anomaly that it tells of."""


class AnomalyDetected(Data):
    """Detection says that something is not normal, and later that it is over; key: the entity, else the source."""

    anomaly_id: str
    """Its id in `/api/v1/anomalies`."""
    entity: str
    """The service, host or object."""
    metric: str
    """What is abnormal about it."""
    instance: str = ""
    """Which instance; empty: all together."""
    status: Literal["open", "closed"] = "open"
    """Whether it goes on."""
    severity: Severity
    """How bad it is."""
    score: float
    """0 to 1, calibrated; 0.7 is worth telling."""
    since: Moment
    """When it began."""
    at: Moment
    """When it was last seen."""
    current: float | None = None
    """The value now, in the unit of the metric."""
    expected: float | None = None
    """The value that was expected."""
    deviation: float | None = None
    """Distance of the two in robust standard deviations."""
    method: str = ""
    """The detector that saw most of it."""
    source: str = ""
    """The configured source that it was seen in."""
