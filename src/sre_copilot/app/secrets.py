"""Which texts of a configuration must never be written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from pydantic import SecretStr

from sre_copilot.settings.document import Settings

SECRET_WORDS = ("token", "password", "secret", "api_key", "apikey", "authorization", "credential")


def secrets_of(settings: Settings) -> set[str]:
    """The texts that must never be written: what stands in the configuration below the name of a secret, and passwords in addresses."""
    return gathered(settings.model_dump())


def gathered(document: Mapping[str, object]) -> set[str]:
    """The same of any part of a configuration."""
    found: set[str] = set()
    _gather(document, "", found)
    return found


def _gather(value: object, name: str, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, each in value.items():
            _gather(each, str(key), found)
    elif isinstance(value, list | tuple):
        for each in value:
            _gather(each, name, found)
    elif isinstance(value, SecretStr):
        found.add(value.get_secret_value())
    elif isinstance(value, str) and not name.endswith("_file"):
        if any(word in name.lower() for word in SECRET_WORDS):
            found.add(value)
        with suppress(ValueError):
            found.update(each for each in (urlsplit(value).password,) if each)
