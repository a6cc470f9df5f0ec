"""Every key of the configuration, with its unit, its default, and the reason for the default.

The keys `prometheus.url`, `loki.url`, `anomaly_detection.threshold`, `prediction.horizon_hours`, `risk.*`, `baseline.learning_days`,
`check_interval_seconds` and `logging.level` are those that earlier agents of this kind used; they are kept.
"""

from __future__ import annotations

from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sre_copilot.settings.acting.actions import Actions
from sre_copilot.settings.acting.decision import Decision, Risk
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.settings.alerting.section import Alerting
from sre_copilot.settings.asking import Chat, Mcp
from sre_copilot.settings.bus import BusSettings
from sre_copilot.settings.knowledge import Knowledge
from sre_copilot.settings.llm import Llm, with_shorthands
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section
from sre_copilot.settings.tools import McpServer, Toolset
from sre_copilot.settings.workflows import Workflows

SHORTHANDS = (
    "prometheus",
    "loki",
    "elasticsearch",
    "opensearch",
    "jaeger",
    "tempo",
    "zipkin",
    "zabbix",
    "kubernetes",
)
"""Sources that may stand at the top level by their type, when there is one of them."""


class AnomalyDetection(Section):
    """What is worth telling."""

    threshold: float = Field(default=0.7, gt=0, lt=1)
    """Score from which on an anomaly is told; 0.6 tells more, 0.8 less."""
    thresholds: dict[str, float] = Field(default_factory=dict)
    """Score by metric name where another one fits better; thresholds that people accepted from labels count as if they stood here."""
    detectors: dict[str, list[str]] = Field(default_factory=dict)
    """Detectors by metric name (`*` at the end matches the rest); a metric without an entry gets the default ensemble."""
    across_metrics: Literal["off", "mean_deviation", "robust_covariance"] = "mean_deviation"
    """How the metrics of each service are also judged together; `mean_deviation` makes the fewest false alarms, `robust_covariance` also sees metrics part that always went together."""
    confirm_ticks: int = Field(default=2, ge=1, le=10)
    """Ticks in a row that a score must stay above the threshold; two, for one bad sample is no incident."""
    clear_ticks: int = Field(default=6, ge=1, le=60)
    """Ticks in a row below the threshold after which an anomaly is over."""
    max_open: int = Field(default=1000, ge=1)
    """Anomalies held open at once; beyond it the weakest are left out, and that is said."""

    @field_validator("thresholds")
    @classmethod
    def _between(cls, thresholds: dict[str, float]) -> dict[str, float]:
        for metric, value in thresholds.items():
            if not 0.0 < value < 1.0:
                raise ValueError(f"thresholds.{metric}: must lie between 0 and 1")
        return thresholds


class Baseline(Section):
    """How normal is learned."""

    learning_days: int = Field(default=7, ge=1, le=60)
    """Days of history: at least 3 are usable, 7 show each weekday once, 30 show full cycles."""
    step_seconds: int = Field(default=60, ge=10, le=3600)
    """Distance of two learned points."""
    event_hours: float = Field(default=24, ge=0, le=24 * 14)
    """Hours of logs, traces and transactions that are read at the first start, as far as a few minutes allow; 0: none, they are learned as they come."""
    relearn_at: str = Field(default="03:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """Time of day (UTC) of the daily relearning: few people change things then."""
    country: str = ""
    """Country of the holidays to know (`CN`, `DE` …); none when empty."""
    utc_offset_hours: float = Field(default=0, ge=-12, le=14)
    """Hours by which local midnight, at which holidays and days of the week begin, is ahead of UTC (China: 8)."""
    holidays: list[date] = Field(default_factory=list)
    """Further days that are no ordinary weekday, for example a sale."""


class Prediction(Section):
    """How far the future is told."""

    horizon_hours: float = Field(default=6, ge=1, le=12)
    """Hours ahead, 1 to 12."""
    every_seconds: int = Field(default=300, ge=60)
    """How often forecasts are made anew: what comes in hours does not change in seconds."""
    limits: dict[str, float] = Field(default_factory=dict)
    """Limit by metric name; a metric without one is held against what it has itself reached."""
    minimum_probability: float = Field(default=0.5, ge=0, le=1)
    """A breach less likely than this is not told."""


class Logging(Section):
    """What it says about itself."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe that is written."""
    file: Path | None = None
    """Also write to this file, for example `logs/sre-agent.log`; rotated at 10 MB, five kept."""
    format: Literal["text", "json"] = "text"
    """`text` for people, `json` for collectors."""


class Server(Section):
    """Where it listens."""

    host: str = "127.0.0.1"
    """Address; any other than loopback needs tokens, and TLS or a declared proxy."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port; 0 takes a free one."""
    certificate_file: Path | None = None
    """Certificate for TLS, PEM."""
    key_file: Path | None = None
    """Key of the certificate, PEM."""
    trusted_proxy: str = ""
    """Address (or network) of the proxy that ends TLS before it, several by commas; its `X-Forwarded-*` headers are believed, nobody else's."""
    change_webhook_secret: Secret | None = None
    """Secret that a change webhook signs its body with (`X-Hub-Signature-256`); then it needs no token."""

    @model_validator(mode="after")
    def _proxies(self) -> Self:
        for each in filter(None, self.trusted_proxy.split(",")):
            try:
                network = ip_network(each.strip())
            except ValueError:
                raise ValueError(
                    "trusted_proxy: is no address or network; write for example 10.0.0.5 or 10.0.0.0/24"
                ) from None
            if network.prefixlen == 0:
                raise ValueError("trusted_proxy: would trust everybody; name the proxy")
        return self


class Store(Section):
    """Where facts rest."""

    url: str = ""
    """SQLAlchemy address; empty: SQLite in `folder`. `postgresql+psycopg://…` for PostgreSQL."""
    folder: Path = Path("data")
    """Folder of profiles, state and, by default, the database."""
    keep_days: int = Field(default=30, ge=1)
    """Days that anomalies and forecasts are kept, and likewise what is over: ended alerts, ended incidents with their timelines and investigations, finished notifications, past silences, what came in and was worked off, and events that were sent."""


class Settings(Section):
    """The whole configuration."""

    check_interval_seconds: int = Field(default=60, ge=5, le=3600)
    """Seconds between two ticks. A longer interval lowers load and memory; a shorter one raises both."""
    anomaly_detection: AnomalyDetection = AnomalyDetection()
    baseline: Baseline = Baseline()
    prediction: Prediction = Prediction()
    risk: Risk = Risk()
    decision: Decision = Decision()
    actions: Actions = Actions()
    remediation: Remediation = Remediation()
    workflows: Workflows = Workflows()
    logging: Logging = Logging()
    server: Server = Server()
    store: Store = Store()
    llm: Llm = Llm()
    knowledge: Knowledge = Knowledge()
    chat: Chat = Chat()
    mcp: Mcp = Mcp()
    alerting: Alerting = Alerting()
    bus: BusSettings = BusSettings()
    language: Literal["en", "zh"] = "en"
    """Language of sentences where the reader does not ask for one."""
    aliases: dict[str, str] = Field(default_factory=dict)
    """What people call services, each with the service's own name, for example `支付服务: payment`; so questions in their words are understood."""
    sources: list[dict[str, Any]] = Field(default_factory=list)
    """Sources, each with its `type` and the keys of its page in the reference."""
    toolsets: dict[str, Toolset] = Field(default_factory=dict)
    """Checks of your own components as tools, by the name of their set (the page “Checks of your own components”)."""
    custom_toolsets: list[Path] = Field(default_factory=list)
    """Files, or folders of `*.yaml`, that hold further sets; none is read unless it is named here, for a set runs commands."""
    mcp_servers: dict[str, McpServer] = Field(default_factory=dict)
    """Servers of the Model Context Protocol whose tools may be used, by name."""

    @model_validator(mode="before")
    @classmethod
    def _shorthands(cls, data: Any) -> Any:
        """Turn `prometheus: {url: …}` into an entry of `sources`."""
        if not isinstance(data, dict):
            return data
        data = with_shorthands(data)
        for kind in SHORTHANDS:
            if isinstance(data.get(kind), str):
                raise ValueError(f"{kind}: must be a section; write {kind}: {{url: {data[kind]}}}")
        short = [{"type": kind, **data[kind]} for kind in SHORTHANDS if isinstance(data.get(kind), dict)]
        rest = {
            key: value for key, value in data.items() if not (key in SHORTHANDS and isinstance(value, dict))
        }
        listed = rest.get("sources") or []
        return {**rest, "sources": [*short, *listed]} if isinstance(listed, list) else rest
