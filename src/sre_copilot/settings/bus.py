"""The keys of `bus`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,4}")
SCHEMES = {"nats": ("nats", "tls"), "redis": ("redis", "rediss")}


class BusSettings(Section):
    """How events travel; by default within the process, so that no broker is needed."""

    transport: str = "memory"
    """What carries events: `memory` (this process only), `kafka` (anything that speaks its protocol), `nats` (JetStream), `redis` (streams), or a plug-in."""
    url: str = ""
    """Where the broker is, without user and password: `HOST:PORT,HOST:PORT` for Kafka, `nats://HOST:4222`, `redis://HOST:6379/0`."""
    username: str = ""
    """Who we are to the broker."""
    password: Secret | None = None
    """Password of `username`; for NATS without a `username` a token; for Redis without one the password of the default user."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-256"
    """How Kafka checks the password; SCRAM, for it does not send the password."""
    tls: bool = False
    """Whether the connection is encrypted; off, because a broker beside it mostly is not set up for it."""
    ca_file: Path | None = None
    """PEM file of the authority that signed the broker's certificate; empty: those of the system."""
    topic_prefix: str = "sre-copilot"
    """Events lie on `PREFIX.events`; two installations on one broker need two prefixes."""
    dead_letter_topic: str = ""
    """Where events go that could not be handled; empty: `PREFIX.dead-letters`."""
    group: str = "sre-copilot"
    """The group of our own consumers: processes of one group share the work."""
    source: str = Field(default="/sre-copilot", min_length=1)
    """`source` of every event (a URI reference): which installation it comes from."""
    partitions: int = Field(default=8, ge=1, le=256)
    """Parts of the topic: events of one key are in one part, and so many consumers can share the work. Set before the first start; all processes need the same."""
    replicas: int = Field(default=1, ge=1, le=5)
    """Copies that Kafka and NATS keep of a topic that we make; 1, for more need as many brokers."""
    workers: int = Field(default=4, ge=1, le=64)
    """Events that one consumer handles at the same time, of different keys."""
    batch: int = Field(default=100, ge=1, le=10_000)
    """Events that are taken at once from Kafka or Redis; after a kill so many may come again."""
    max_attempts: int = Field(default=5, ge=1, le=100)
    """Attempts before an event goes to the dead letters; with the pauses between, a receiver that was away for some seconds does not cost an event."""
    retry_seconds: float = Field(default=0.2, ge=0, le=60)
    """Pause before the second attempt in seconds; it doubles with each further one, up to 30."""
    buffer_events: int = Field(default=10_000, ge=10, le=10_000_000)
    """Events that are kept in memory (of this process, or of Redis, there for each part) for consumers that are slower than the senders; then senders wait."""
    retention_hours: float = Field(default=168, gt=0, le=87_600)
    """Hours that NATS and Kafka keep events (on a topic that we make): a week, to replay after a holiday."""
    publish_timeout_seconds: float = Field(default=10, gt=0, le=300)
    """Seconds that sending may take; after that it fails, and the event waits in the outbox."""
    takeover_seconds: float = Field(default=10, ge=1, le=300)
    """Seconds after which the events of a dead consumer go to another; a process that only pauses for less keeps them."""
    close_seconds: float = Field(default=5, gt=0, le=300)
    """Seconds that closing waits for events that are being handled; the rest comes again at the next start."""
    max_event_bytes: int = Field(default=900_000, ge=1_000, le=100_000_000)
    """Largest event in bytes; below the 1 MiB that Kafka and NATS take by default."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key in ("topic_prefix", "dead_letter_topic", "group"):
            value = getattr(self, key)
            if (value or key != "dead_letter_topic") and not NAME.fullmatch(value):
                raise ValueError(f"{key}: may hold letters, digits, - and _, in parts that dots divide")
        if self.transport in ("kafka", "nats", "redis") and not self.url:
            raise ValueError(f"url: the transport {self.transport} needs one; name the broker")
        self._check_url()
        return self

    def _check_url(self) -> None:
        parts = urlsplit(self.url if "://" in self.url else f"//{self.url}")
        if "@" in parts.netloc or parts.query:
            raise ValueError(
                "url: holds a user, a password or a query; use the keys username, password and tls"
            )
        wanted = SCHEMES.get(self.transport)
        if wanted and parts.scheme not in wanted:
            raise ValueError(f"url: must begin with {' or '.join(f'{scheme}://' for scheme in wanted)}")

    @property
    def events_topic(self) -> str:
        """Where events lie."""
        return f"{self.topic_prefix}.events"

    @property
    def dead_letters(self) -> str:
        """Where dead letters lie."""
        return self.dead_letter_topic or f"{self.topic_prefix}.dead-letters"
