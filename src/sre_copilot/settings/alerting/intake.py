"""The keys of `alerting.intake`."""

from __future__ import annotations

import re
from typing import Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from sre_copilot.settings.alerting.json_path import is_path, parse_path
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

Provider = Literal[
    "alertmanager",
    "alertmanager_api",
    "grafana",
    "pagerduty",
    "zabbix",
    "cloudevents",
    "generic",
    "anomalies",
]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
SeverityWord = Literal["critical", "high", "warning", "info", "low"]
NAME = r"^[a-z0-9][a-z0-9_.-]{0,63}$"


class Signature(Section):
    """How a sender signs what it sends: an HMAC over the body as it was sent."""

    secret: Secret
    """The secret that both know."""
    header: str = "X-Signature-256"
    """Header that carries the signature; Grafana's is `X-Grafana-Alerting-Signature`."""
    algorithm: Literal["sha256", "sha384", "sha512"] = "sha256"
    """Hash; weaker ones are not taken."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the signature is written."""
    prefix: str = ""
    """What stands before it, for example `sha256=`."""
    timestamp_header: str = ""
    """Header with the time of sending (epoch seconds), where the sender has one; the signature is then over the time, `separator` and the body."""
    separator: str = ":"
    """Stands between time and body in what is signed; `:` as Grafana has it."""
    tolerance_seconds: float = Field(default=300, gt=0, le=3600)
    """Seconds by which that time may differ from ours: five minutes allow for clocks that differ, and make a recorded message worthless after it."""


class Rate(Section):
    """How much one intake takes; beyond it the answer is 429 with `Retry-After`."""

    requests_per_second: float = Field(default=2000, gt=0)
    """Requests a second, on average: above what one process answers on two cores, so that it only stops what runs wild."""
    requests_burst: int = Field(default=4000, ge=1)
    """Requests that may come at once: two seconds of that rate."""
    alerts_per_second: float = Field(default=20_000, gt=0)
    """Alerts a second, on average: more than are handled a second, for what waits is kept."""
    alerts_burst: int = Field(default=100_000, ge=1)
    """Alerts that may come at once: a storm of a large system in whole, for it says what happened."""


class Fields(Section):
    """Where a generic JSON document says what: a path (`$.check.host`), or any other text, which stands for itself."""

    items: str = "$"
    """Place of the alert, or of the list of alerts; `$` is the document itself."""
    name: str
    """What fires; becomes the label `alertname`."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels by name: together with the name they are the alert's identity."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Words about it by name, best `summary` and `description`."""
    status: str = ""
    """Whether it fires; without it every document is one that fires."""
    resolved: list[str] = Field(default_factory=list)
    """Words of `status` that mean resolved, beside the usual ones (`resolved`, `ok`, `closed`, `recovered` …)."""
    severity: str = ""
    """How severe it is; usual words are understood."""
    severities: dict[str, SeverityWord] = Field(default_factory=dict)
    """The sender's own words for a severity, each with ours: `critical`, `high`, `warning`, `info`, `low`."""
    starts_at: str = ""
    """When it began: RFC 3339, or a number of seconds (or milli-, micro-, nanoseconds) since 1970; without it, when it was received."""
    ends_at: str = ""
    """When it ended."""
    dedup_key: str = ""
    """The sender's own identity for it, where it has one."""
    url: str = ""
    """Address where it came about."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        single = ("items", "name", "status", "severity", "starts_at", "ends_at", "dedup_key", "url")
        places = {name: getattr(self, name) for name in single}
        places |= {f"labels.{name}": text for name, text in self.labels.items()}
        places |= {f"annotations.{name}": text for name, text in self.annotations.items()}
        for name, text in places.items():
            if is_path(text):
                try:
                    parse_path(text)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        if not self.name:
            raise ValueError("name: is empty; say where the name of what fires lies")
        return self


class Entry(Section):
    """One way in."""

    provider: Provider
    """Which kind of payload comes."""
    enabled: bool = True
    """Whether it is open."""
    token: Secret | None = None
    """A word that the sender gives (`Authorization: Bearer`, `X-API-Key`, the password of basic authentication, PagerDuty's `routing_key`); without it, and without a signature, it must give a token of a responder."""
    username: str = ""
    """User of basic authentication; any when empty."""
    signature: Signature | None = None
    """Take signed messages; those without a signature are then refused unless `token` is set, too, and given."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels for alerts that lack them, for example `cluster: eu-1`."""
    rate: Rate = Rate()
    """How much it takes."""
    fields: Fields | None = None
    """Where the document says what; of `generic`, and of `cloudevents` whose data has a form of its own."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.provider == "generic" and self.fields is None:
            raise ValueError("fields: is missing; say where a generic document says what")
        if self.fields is not None and self.provider not in ("generic", "cloudevents"):
            raise ValueError(f"fields: is not for {self.provider}; its form is known. Leave it out")
        if self.token is not None and not self.token.get_secret_value():
            raise ValueError("token: is empty; give one, or leave the key out")
        if self.signature is not None and not self.signature.secret.get_secret_value():
            raise ValueError("signature.secret: is empty; give one, or leave the key out")
        return self


class Intake(Section):
    """Where alerts come in."""

    entries: dict[str, Entry] = Field(default_factory=dict)
    """Ways in by name, each at `/api/v1/intake/NAME`. Every provider but `generic` has one of its own name without being configured, which needs a token of a responder."""
    largest_body_bytes: int = Field(default=5_000_000, ge=10_000, le=100_000_000)
    """Most bytes of one message: 10,000 alerts of half a kilobyte."""
    largest_batch: int = Field(default=10_000, ge=1, le=100_000)
    """Most alerts of one message: they are read within a fifth of a second."""
    resolve_after_seconds: float = Field(default=300, ge=1)
    """After so long an alert of the Alertmanager API ends by itself when it was sent without an end and is not told again; Alertmanager's own `resolve_timeout`."""
    open_on_loopback: bool = False
    """Whether the Alertmanager API (`/api/v2`) asks whoever is on this machine for no token, as Alertmanager does; only while the server listens on loopback, trusts no proxy, and the entry `alertmanager_api` has neither token nor signature. Off, for a proxy on the same machine that sets no header of its own is not told apart from it; turn it on where no proxy stands before the server and nobody else shares the machine."""

    @field_validator("entries")
    @classmethod
    def _named(cls, entries: dict[str, Entry]) -> dict[str, Entry]:
        for name in entries:
            if not re.fullmatch(NAME, name):
                raise ValueError(
                    f"{name!r}: is no name of a way in; use small letters, digits, hyphens, points and underscores"
                )
        return entries

    @model_validator(mode="after")
    def _batches_pass(self) -> Self:
        for name, entry in self.entries.items():
            if entry.rate.alerts_burst < self.largest_batch:
                raise ValueError(
                    f"entries.{name}.rate.alerts_burst: is below largest_batch, so that such a batch would never pass; raise it"
                )
        return self

    def entry(self, name: str) -> Entry | None:
        """The way in of this name: configured, or the built-in one of a provider."""
        if name in self.entries:
            return self.entries[name]
        return next((Entry(provider=each) for each in PROVIDERS if each == name != "generic"), None)
