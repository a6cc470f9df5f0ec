"""Whether a model turns in circles: it asks what it has asked before, in other clothes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


class Repetition:
    """Remembers the calls of one conversation; what was cut from the history of messages is not forgotten here."""

    def __init__(self) -> None:
        self._calls: list[str] = []

    def seen(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Note a call, and say whether it was made before; A, B, A, B is caught at the second A."""
        call = normal(tool, arguments)
        before = call in self._calls
        self._calls.append(call)
        return before

    def often(self) -> int:
        """How many calls were repetitions."""
        return len(self._calls) - len(set(self._calls))


def normal(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call in one form, whatever the order of keys, case, white space, and the writing of numbers; an empty argument is none."""
    return json.dumps([_plain(tool), _plain(arguments)], ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        found = [[_text(str(key)), _plain(each)] for key, each in value.items()]
        return sorted((pair for pair in found if pair[1] not in ("", None, [])), key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, bool):
        return str(value).casefold()
    if isinstance(value, (int, float)):
        return f"{value:.12g}"
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return f"{float(plain):.12g}" if _NUMBER.fullmatch(plain) else plain
