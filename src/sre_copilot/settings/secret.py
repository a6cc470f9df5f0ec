"""Secrets: given by an environment variable or a file, never shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr

_REFERENCE = re.compile(r"^\{\{\s*(env|file)\.?\s*[:.]?\s*([^}\s]+)\s*\}\}$")


def resolve(value: Any) -> Any:
    """Replace `{{ env.NAME }}` and `{{ file:/path }}` by what they stand for.

    Raises
    ------
    ValueError : when the variable is not set or the file cannot be read; the secret itself is in no message
    """
    found = _REFERENCE.match(value) if isinstance(value, str) else None
    if found is None:
        return value
    kind, name = found.groups()
    return _variable(name) if kind == "env" else _file(name)


def _variable(name: str) -> str:
    if name not in os.environ:
        raise ValueError(f"the environment variable {name} is not set; set it, or name another one")
    return os.environ[name]


def _file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"the file {name} cannot be read: {type(error).__name__}; check path and rights"
        ) from None


Secret = Annotated[SecretStr, BeforeValidator(resolve)]
"""A text that is never printed: `{{ env.NAME }}`, `{{ file:/path }}`, or (only for tests) the text itself."""
