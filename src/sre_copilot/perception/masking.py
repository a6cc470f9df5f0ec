"""Masking: values that must not be seen are replaced by a keyed hash, before anything is kept or shown.

The same value under the same key gives the same word, so that masked lines can still be grouped and counted.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import polars as pl
import re2  # type: ignore[import-untyped]

from sre_copilot.errors import SettingsError

MARK = "masked-"
BYTES = 8  # 64 bits: among a million values the chance of one collision is below 1e-7


def random_key() -> bytes:
    """A key that dies with the process: hashes of two runs cannot be compared."""
    return secrets.token_bytes(32)


def masked(value: str, key: bytes) -> str:
    """The word that stands for a value; '' (unknown) stays ''."""
    if not value:
        return value
    return MARK + hashlib.blake2b(value.encode(), digest_size=BYTES, key=key[:64]).hexdigest()


def mask_labels(labels: Mapping[str, str], names: Sequence[str], key: bytes) -> dict[str, str]:
    """Mask the values of the labels that are named."""
    return {name: masked(value, key) if name in names else value for name, value in labels.items()}


def mask(table: pl.DataFrame, columns: Sequence[str], key: bytes) -> pl.DataFrame:
    """Mask columns of a table; a name that is no column is looked for as a field inside of `message`.

    Raises
    ------
    SettingsError : when a column holds numbers, which no word can replace
    """
    inside = [name for name in columns if name not in table.columns]
    for name in columns:
        if name in table.columns:
            table = table.with_columns(_column(table[name], key))
    if inside and "message" in table.columns:
        field = FieldMask(inside, key)
        table = table.with_columns(_mapped(table["message"], field))
    return table


class FieldMask:
    """Masks fields of JSON, logfmt and XML inside of a text; everything else in it stays as it is."""

    def __init__(self, names: Sequence[str], key: bytes) -> None:
        self._names = frozenset(names)
        self._key = key
        some = "|".join(re2.escape(name) for name in names)
        text, word = r'"(?:[^"\\]|\\.)*"', r"""[^\s"',;&}\])>]+"""
        self._pairs = re2.compile(
            rf"""((?:^|[^\w.])["']?(?:{some})["']?\s*[:=]\s*)({text}|'[^']*'|{word})|(<(?:{some})>)([^<]+)"""
        )

    def __call__(self, text: str) -> str:
        """Return the text with the values of the named fields masked."""
        if text.startswith("{") and (document := _parsed(text)) is not None:
            changed = self._within(document, "")
            return text if changed == document else orjson.dumps(changed).decode()
        return str(self._pairs.sub(self._replace, text))

    def _within(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {
                k: self._all(v) if {k, f"{path}{k}"} & self._names else self._within(v, f"{path}{k}.")
                for k, v in value.items()
            }
        return [self._within(each, path) for each in value] if isinstance(value, list) else value

    def _all(self, value: Any) -> Any:
        """Mask whatever a named field holds."""
        if value is None or value == "":
            return value
        return masked(value if isinstance(value, str) else orjson.dumps(value).decode(), self._key)

    def _replace(self, found: Any) -> str:
        head, value = (found.group(1), found.group(2)) if found.group(1) is not None else found.group(3, 4)
        quote = value[0] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else ""
        bare = value[1:-1] if quote else value
        return f"{head}{quote}{masked(bare, self._key)}{quote}"


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _column(values: pl.Series, key: bytes) -> pl.Series:
    if values.dtype != pl.String:
        raise SettingsError(f"mask: column '{values.name}' holds numbers; only text can be masked")
    return _mapped(values, lambda value: masked(value, key))


def _mapped(values: pl.Series, change: Any) -> pl.Series:
    """Change each distinct text once."""
    distinct = values.drop_nulls().unique()
    changed = pl.Series([change(each) for each in distinct.to_list()], dtype=pl.String)
    return values.replace_strict(distinct, changed, default=None, return_dtype=pl.String)
