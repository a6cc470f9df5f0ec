"""The words of an alert, in English and Chinese, for comparing texts."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[a-z][a-z0-9]*|[\u3400-\u9fff]+")
_PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
MOST_WORDS = 24  # of one text; the first name the matter, the rest repeat it
MOST_CHARACTERS = 400
REMEMBERED = 32_768  # texts; alerts of one rule have the same one


@lru_cache(REMEMBERED)
def words(text: str) -> tuple[str, ...]:
    """Words without numbers, `CamelCase` taken apart, Chinese as pairs of characters; each once, in order.

    >>> words("HighErrorRate on pod-7f9: 5.2 %")
    ('high', 'error', 'rate', 'on', 'pod')
    >>> words("数据库连接")
    ('数据', '据库', '库连', '连接')
    """
    found: dict[str, None] = {}
    for word in _WORD.findall(_PARTS.sub(" ", text[:MOST_CHARACTERS]).lower()):
        if "\u3400" <= word[0] <= "\u9fff":
            found.update(dict.fromkeys(word[i : i + 2] for i in range(max(1, len(word) - 1))))
        elif word.isalpha():
            found[word] = None
    return tuple(found)[:MOST_WORDS]
