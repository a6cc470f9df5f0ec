"""Patterns of matchers: RE2, anchored as Alertmanager does it, with short cuts for those that are no more than a few words or begin with one."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

from sre_copilot.errors import UsageError

KEPT = 4096  # compiled patterns; a configuration with more compiles some of them again
SPECIAL = frozenset("\\.+*?()|[]{}^$")
OPTIONAL = frozenset("?*{")  # behind a letter they may mean that it is not there
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class Pattern:
    """A compiled pattern; `matches` is asked of whole values."""

    __slots__ = ("_prefix", "_regex", "_words")

    def __init__(self, text: str) -> None:
        self._regex = _compiled(text)
        self._words = words_of(text)
        self._prefix = prefix_of(text)

    def matches(self, value: str) -> bool:
        """Whether a value matches as a whole."""
        if self._words is not None:
            return value in self._words
        if not value.startswith(self._prefix):
            return False
        return self._regex.search(value.encode("utf-8", "replace")) is not None


@lru_cache(maxsize=KEPT)
def pattern(text: str) -> Pattern:
    """The compiled pattern of a text.

    Raises
    ------
    UsageError : when RE2 does not take it
    """
    return Pattern(text)


def words_of(text: str) -> frozenset[str] | None:
    """The only values that a pattern matches, where it is a choice of words; None when it is more.

    >>> sorted(words_of("api|web"))
    ['api', 'web']
    """
    words = text.split("|")
    return frozenset(words) if all(SPECIAL.isdisjoint(word) for word in words) else None


def prefix_of(text: str) -> str:
    """What every value that a pattern matches begins with, as far as that is seen at once.

    >>> prefix_of("api-.*")
    'api-'
    """
    if "|" in text:
        return ""
    end = next((place for place, letter in enumerate(text) if letter in SPECIAL), len(text))
    return text[: end - 1] if end and text[end : end + 1] in OPTIONAL else text[:end]


def _compiled(text: str) -> Any:
    try:
        return re2.compile(f"^(?:{text})$".encode(), _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        told = error.args[0] if error.args else ""
        reason = told.decode(errors="replace") if isinstance(told, bytes) else str(error)
        raise UsageError(
            f"the pattern {text!r} cannot be used: {reason}; write one in RE2's syntax, without look-around and back references"
        ) from None
