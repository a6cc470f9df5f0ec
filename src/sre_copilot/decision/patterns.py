"""Names held against patterns in which `*` stands for any text."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name fits one of the patterns, large letters like small ones, so that a black list is not passed by `Prod`; no pattern: everything fits."""
    low = name.casefold()
    return not patterns or any(fnmatchcase(low, pattern.casefold()) for pattern in patterns)
