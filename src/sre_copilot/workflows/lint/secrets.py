"""Secrets in plain text: a workflow is kept, shown and compared, so that nothing in it may be one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sre_copilot.telemetry import HIDDEN, clean
from sre_copilot.workflows.lint.remark import Remark, error
from sre_copilot.workflows.reading import Source

SHORTEST = 4  # characters of a secret: a shorter one is none
FIX = "Keep it with the executor or receiver that needs it, in the configuration, and name that here"
_NAME = re.compile(
    r"(?i)(?:^|[_-])(?:token|password|passwd|passphrase|secret|credentials?|api[-_]?key|access[-_]?key|authorization)$"
)
_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|\bsk-[A-Za-z0-9]{20,}"
)


def secret_remarks(source: Source) -> Iterator[Remark]:
    """Every text that is one; it is not repeated."""
    dumped = source.workflow.model_dump(by_alias=True, exclude_defaults=True)
    for path, name, text in _texts(dumped, "workflow", ""):
        plain = "{{" not in text and len(text) >= SHORTEST
        if _KEY.search(text) or (plain and (_NAME.search(name) or HIDDEN in clean(text))):
            yield error(source, path, "looks like a secret in plain text", FIX)


def _texts(value: Any, path: str, name: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, f"{path}.{key}", str(key))
    elif isinstance(value, Sequence):
        for number, each in enumerate(value):
            yield from _texts(each, f"{path}[{number}]", name)
