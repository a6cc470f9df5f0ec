"""Log lines whose variable parts are redrawn, so that hardly any line comes twice."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

KEEP, DIGIT, HEX, LOWER, UPPER = range(5)

_CATALOGUE = (
    ("Accepted password for {} from {} port {}", ("mira", "10.20.30.40", "50122")),
    ("session opened for user {} by (uid={})", ("mira", "1000")),
    ("order {} of customer {} accepted in {} ms", ("8812", "c-4711", "37")),
    ("order {} of customer {} refused: stock of {} is {}", ("8812", "c-4711", "sku19x", "0")),
    ("Receiving block {} src: {} dest: {}", ("blk_7712008123", "/10.2.3.4:50010", "/10.2.3.5:50010")),
    ("GET {} 200 took {}", ("/cart/77/items", "12ms")),
    ("connection to {} reset by peer after {} s", ("db7.internal:5432", "31")),
    ("cache miss for key {}", ("a81f77c2",)),
    ("checkpoint {} written to {}", ("77", "/var/data/c77")),
    ("retrying {} of {} in {} s", ("2", "5", "8")),
    ("heartbeat of worker {} is late by {} ms", ("w-17", "840")),
    ("shutting down", ()),
)
"""Stand-ins for a data set: statement and values."""


def sample() -> list[tuple[str, list[tuple[int, int]]]]:
    """Lines with the places of their values: of the data set that the environment names, else of the catalogue."""
    folder = os.environ.get("SRE_COPILOT_DATA")
    file = Path(folder) / "timeseries" / "loghub2k.parquet" if folder else None
    if file is None or not file.exists():
        return [_filled(text, values) for text, values in _CATALOGUE]
    rows = pl.read_parquet(file, columns=["content", "template"]).rows()
    return [(content, _places(content, template)) for content, template in rows]


def redrawn(count: int, *, seed: int = 7) -> bytes:
    """That many lines as one buffer: digits, hexadecimal digits and one-word values are drawn anew for each line."""
    rng = np.random.default_rng(seed)
    lines = sample()
    encoded = [f"{text}\n".encode() for text, _ in lines]
    classes = [_classes(text, places) for text, places in lines]
    parts = []
    while count > 0:
        order = rng.permutation(len(lines))[:count]
        block = np.frombuffer(b"".join(encoded[i] for i in order), dtype=np.uint8).copy()
        _draw(block, np.concatenate([classes[i] for i in order]), rng)
        parts.append(block.tobytes())
        count -= len(order)
    return b"".join(parts)


def _draw(block: NDArray[np.uint8], classes: NDArray[np.uint8], rng: np.random.Generator) -> None:
    alphabets = {
        DIGIT: b"0123456789",
        HEX: b"0123456789abcdef",
        LOWER: bytes(range(97, 123)),
        UPPER: bytes(range(65, 91)),
    }
    for kind, alphabet in alphabets.items():
        where = np.flatnonzero(classes == kind)
        letters = np.frombuffer(alphabet, dtype=np.uint8)
        block[where] = letters[rng.integers(0, len(letters), len(where), dtype=np.uint8)]


def _classes(text: str, places: list[tuple[int, int]]) -> NDArray[np.uint8]:
    """For each byte of a line how it is drawn."""
    kinds = np.zeros(len(text) + 1, dtype=np.uint8)
    for begin, end in places:
        value = text[begin:end]
        one_word = value.isalpha()
        for word in re.finditer(r"[A-Za-z0-9]+", value):
            if one_word or any(each.isdigit() for each in word.group()):
                kinds[begin + word.start() : begin + word.end()] = _word(word.group())
    widths = [len(character.encode()) for character in text] + [1]
    return np.repeat(kinds, widths)


def _word(word: str) -> list[int]:
    """Digits are drawn as digits; letters of a number in hexadecimal stay so, as others keep their case."""
    head = 2 if word.startswith("0x") else 0
    lower_hex = re.fullmatch(r"[0-9a-f]+", word[head:]) is not None and not word[head:].isdigit()
    kinds = [HEX if lower_hex and not word.isalpha() else _kind(each) for each in word]
    return [KEEP] * head + kinds[head:]


def _kind(character: str) -> int:
    if character.isdigit():
        return DIGIT
    return LOWER if character.islower() else UPPER


def _filled(text: str, values: tuple[str, ...]) -> tuple[str, list[tuple[int, int]]]:
    places, line = [], ""
    for part, value in zip(text.split("{}"), [*values, ""], strict=True):
        line += part
        places.append((len(line), len(line) + len(value)))
        line += value
    return line, places


def _places(content: str, template: str) -> list[tuple[int, int]]:
    constants = [r"\s+".join(map(re.escape, part.split(" "))) for part in template.strip().split("<*>")]
    found = re.fullmatch(r"\s*" + "(.*?)".join(constants) + r"\s*", content, re.DOTALL)
    return [found.span(group) for group in range(1, len(constants))] if found else []
