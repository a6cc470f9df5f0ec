"""What the executor `docker` can be told: where the engine listens, and which containers may be touched."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from sre_copilot.settings.section import Section


class DockerExecutorSettings(Section):
    """What the executor `docker` can be told."""

    name: str = Field(default="docker", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.restart` and so on. Give each of several engines its own."""
    url: str = "unix:///var/run/docker.sock"
    """Where the engine listens: `unix:///PATH` (Podman: `unix:///run/podman/podman.sock`), or `https://HOST:2376` with certificates. Whoever reaches it owns the machine: it is never spoken to in clear."""
    api_version: str = Field(default="1.41", pattern=r"^1\.\d+$")
    """Version of the API that is spoken; 1.41 is understood by Docker from 20.10 and by Podman from 4.0."""
    ca_file: Path | None = None
    """Certificate of the authority that signed the engine's, PEM, for https."""
    certificate_file: Path | None = None
    """Our certificate, PEM, for https."""
    key_file: Path | None = None
    """Key of our certificate."""
    containers: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Patterns of names of containers that may be touched; all by default."""
    protected: tuple[str, ...] = ()
    """Patterns of those that never are."""
    stop_seconds: int = Field(default=10, ge=0, le=300)
    """Seconds that a container may take to end by itself before it is killed; Docker's own default."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    """Longest wait for one answer beside those to stop and restart."""
    action_timeout_seconds: float = Field(default=60.0, ge=1, le=600)
    """Time-out of an action; must be longer than `stop_seconds`."""
    steady_seconds: float = Field(default=2.0, ge=0, le=300)
    """So long must a container have been seen running after an action to count as running."""
    max_memory_mb: int = Field(default=65536, ge=1)
    """Most memory that a plan may give a container."""
    max_cpus: float = Field(default=64.0, gt=0)
    """Most processors that a plan may give a container."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in {"unix", "https"}:
            raise ValueError("url: write it as unix:///PATH or https://HOST:PORT")
        if parts.scheme == "https" and not (self.ca_file and self.certificate_file and self.key_file):
            raise ValueError("url: https needs ca_file, certificate_file and key_file")
        if self.action_timeout_seconds <= self.stop_seconds:
            raise ValueError("action_timeout_seconds: must be longer than stop_seconds")
        return self
