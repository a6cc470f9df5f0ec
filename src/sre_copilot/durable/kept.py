"""What a run keeps is JSON: checked when it is given, so that nobody finds out after a crash."""

from __future__ import annotations

import json
from typing import Any

from sre_copilot.errors import DurableError


def as_json(value: Any, *, what: str) -> Any:
    """The value as it will be read back."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise DurableError(f"{what}: is not JSON: {error}. Return and give plain values.") from None


def told(error: BaseException) -> str:
    """What a run's end says of an error."""
    return str(error) if isinstance(error, DurableError) else f"{type(error).__name__}: {error}"
