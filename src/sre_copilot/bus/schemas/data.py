"""What the data of all events have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from sre_copilot.clock import rfc3339


def _moment(value: Any) -> Any:
    """An epoch second as a time; anything else is left to the check that follows."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    return value


def _written(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return rfc3339(aware.timestamp()) or ""


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(_written, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time: given as epoch seconds or RFC 3339, sent as RFC 3339 UTC to the millisecond."""


class Data(BaseModel):
    """The data of one type of event; fields that are not known are kept as they are."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
