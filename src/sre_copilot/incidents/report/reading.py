"""The report out of the document that was kept of it, so that it can be written in any form and language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sre_copilot.errors import StoreError
from sre_copilot.incidents.report.document import VERSION
from sre_copilot.incidents.report.model import Report

MESSAGE = frozenset({"key", "params", "text"})


def report_of(document: Mapping[str, Any]) -> Report:
    """Return the report that `document.document` was made from.

    Raises
    ------
    StoreError : when it was written by a release whose reports were of another form
    """
    if document.get("version") != VERSION:
        raise StoreError(
            f"the report is of version {document.get('version')!r}, and {VERSION} can be read. Its JSON has all."
        )
    try:
        return _reports().validate_python(_back(document))
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise StoreError(
            f"the report cannot be read: {place} is of another form. Its JSON has all."
        ) from None


@cache
def _reports() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def _back(value: Any) -> Any:
    """What a document says of messages, as they are: parameters in their order, a number that is none as such."""
    if isinstance(value, Mapping):
        if value.keys() == MESSAGE:
            params = [(name, math.nan if each is None else each) for name, each in value["params"].items()]
            return {"key": value["key"], "params": params}
        return {name: _back(each) for name, each in value.items()}
    return [_back(each) for each in value] if isinstance(value, list) else value
