"""Numbers and durations in words and digits, in both languages."""

from __future__ import annotations

import re

UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "M": 30 * 86400.0}
FEW = 3.0  # "a few hours", 几个小时: a small number that nobody counted

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_WORDS = {
    word: float(number)
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {"twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "ninety": 90.0}
_TENS = r"(?:twenty|thirty|forty|fifty|sixty|ninety)"
_WORD = rf"(?:{_TENS}[- ](?:one|two|three|four|five|six|seven|eight|nine)|{'|'.join(sorted(_WORDS, key=len, reverse=True))})"

ZH_NUMBER = r"(?:\d+(?:\.\d+)?|[零〇一二两俩三四五六七八九十百]+)"
EN_NUMBER = rf"(?:\d+(?:\.\d+)?|\b{_WORD}\b)"
EN_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|hr|h|days?|d|weeks?|wks?|w|months?)"
_EN_COUNT = (
    rf"(?:{EN_NUMBER}(?:\s+and\s+a\s+half)?|\bhalf(?:\s+an?)?|(?:\ba\s+)?\bquarter\s+of\s+an|\b(?:a\s+)?couple(?:\s+of)?"
    r"|\b(?:a\s+)?few|\bseveral|\ban?)"
)
_ZH_UNIT = r"(?:小时|钟头|分钟|分|秒钟|秒|天|日|周|星期|礼拜|月|seconds?|min(?:ute)?s?|hours?|days?|[smhdw](?![a-z]))"
ZH_DURATION = rf"(?:一刻钟|三刻钟|半\s*个?\s*{_ZH_UNIT}|(?:{ZH_NUMBER}|几|数)\s*个?半?\s*{_ZH_UNIT})"
EN_DURATION = rf"(?:(?![1-5]\d\ds\b){_EN_COUNT}[\s-]*{EN_UNIT}(?![a-z])(?:\s+and\s+a\s+half\b|\s*{EN_NUMBER}\s*(?:minutes?|mins?|m)(?![a-z]))?)"
DURATION = rf"(?:{EN_DURATION}|{ZH_DURATION})"


def number(text: str) -> float | None:
    """The value of a number in digits, Chinese numerals (below a thousand) or English words; None where it is none."""
    text = text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    if text and all(c in _DIGITS or c in "十百" for c in text):
        return _chinese(text)
    words = re.split(r"[- ]", text)
    return sum(_WORDS[word] for word in words) if text and all(word in _WORDS for word in words) else None


def _chinese(text: str) -> float:
    if "十" not in text and "百" not in text:
        return float("".join(str(_DIGITS[c]) for c in text))
    hundreds, has_hundred, rest = text.rpartition("百")
    tens, has_ten, ones = rest.rpartition("十")
    total = 100 * (_DIGITS.get(hundreds, 1) if has_hundred else 0)
    total += 10 * (_DIGITS.get(tens.lstrip("零"), 1) if has_ten else 0)
    return float(total + _DIGITS.get((ones if has_ten else rest).lstrip("零"), 0))


def unit_seconds(text: str) -> float:
    """Seconds of a unit's name."""
    text = text.strip().removeprefix("个")
    chinese: tuple[tuple[str, str], ...] = (
        ("小时", "h"),
        ("钟头", "h"),
        ("分", "m"),
        ("秒", "s"),
        ("天", "d"),
        ("日", "d"),
    )
    chinese += (("周", "w"), ("星期", "w"), ("礼拜", "w"), ("月", "M"))
    for start, key in chinese:
        if text.startswith(start):
            return UNIT_SECONDS[key]
    return UNIT_SECONDS["M" if text.startswith("mon") else text[0]]


def seconds(text: str) -> float | None:
    """Seconds of a duration that `DURATION` found; None where it is none."""
    text = " ".join(text.replace("-", " ").split())
    if text in ("一刻钟", "三刻钟"):
        return 900.0 if text.startswith("一") else 2700.0
    found = re.fullmatch(
        rf"(?P<count>半|几|数|{ZH_NUMBER}|{_EN_COUNT})\s*个?(?P<half>半)?\s*(?P<unit>{_ZH_UNIT}|{EN_UNIT})"
        rf"(?P<more>\s+and a half|\s*(?P<minutes>{EN_NUMBER})\s*(?:minutes?|mins?|m))?",
        text,
    )
    if found is None or (count := _count(found["count"])) is None:
        return None
    unit = unit_seconds(found["unit"])
    more = (
        60.0 * (number(found["minutes"]) or 0.0)
        if found["minutes"]
        else (0.5 * unit if found["more"] else 0.0)
    )
    return (count + (0.5 if found["half"] else 0.0)) * unit + more


def _count(text: str) -> float | None:
    text = text.strip()
    if text == "半" or text.startswith("half"):
        return 0.5
    if "quarter" in text:
        return 0.25
    if "couple" in text:
        return 2.0
    if text in ("几", "数", "few", "a few", "several"):
        return FEW
    if text in ("a", "an"):
        return 1.0
    base = number(re.sub(r"\s+and a half$", "", text))
    return None if base is None else base + (0.5 if text.endswith("half") else 0.0)


def compact(duration_s: float) -> str:
    """A duration as parameters hold it, in its largest whole unit: 90s, 30m, 6h, 2d."""
    for unit in ("d", "h", "m"):
        if duration_s >= UNIT_SECONDS[unit] and duration_s % UNIT_SECONDS[unit] == 0:
            return f"{duration_s / UNIT_SECONDS[unit]:.0f}{unit}"
    return f"{duration_s:.0f}s"
