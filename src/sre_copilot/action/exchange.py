"""What all that speak HTTP to other systems have in common: an answer, and the certificates that are trusted."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from sre_copilot.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; names of headers in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it says that it went well."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def document(self) -> object:
        """The body as JSON; None when it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


@cache
def trusted(ca_file: Path | None) -> ssl.SSLContext:
    """What certificates are held against; read once, for it takes a while."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"ca_file ({ca_file}): cannot be read: {type(error).__name__}") from None
    return context
