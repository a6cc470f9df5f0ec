"""Time zones by the names of the IANA data base."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from sre_copilot.errors import UsageError


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of a name such as `Europe/Berlin` or `UTC`.

    Raises
    ------
    UsageError : when there is none of that name
    """
    try:
        return ZoneInfo(name)
    except (
        KeyError,
        ValueError,
        OSError,
    ):  # ZoneInfoNotFoundError is a KeyError; a folder of zones is an OSError
        raise UsageError(
            f"{name!r} is no time zone; write one such as UTC, Europe/Berlin or Asia/Shanghai"
        ) from None
