"""Masking: values that must not be seen are replaced by a keyed hash, before anything is kept or shown.

The same value under the same key gives the same word, so that masked lines can still be grouped and counted.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import polars as pl
import re2  # type: ignore[import-untyped]

from sre_copilot.domain.cmdb import Entity, Relation
from sre_copilot.domain.signals import Alert, Change, Telemetry
from sre_copilot.errors import SettingsError
from sre_copilot.perception.source import SourceSettings

MARK = "masked-"
BYTES = 8  # 64 bits: among a million values the chance of one collision is below 1e-7


def random_key() -> bytes:
    """A key that dies with the process: hashes of two runs cannot be compared."""
    return secrets.token_bytes(32)


def mask_key(settings: SourceSettings) -> bytes:
    """The key that is set, else one of this source alone."""
    return settings.mask_key.get_secret_value().encode() if settings.mask_key else random_key()


def masked(value: str, key: bytes) -> str:
    """The word that stands for a value; '' (unknown) stays ''."""
    if not value:
        return value
    return MARK + hashlib.blake2b(value.encode(), digest_size=BYTES, key=key[:64]).hexdigest()


def mask_labels(labels: Mapping[str, str], names: Sequence[str], key: bytes) -> dict[str, str]:
    """Mask the values of the labels that are named."""
    return {name: masked(value, key) if name in names else value for name, value in labels.items()}


def mask(
    table: pl.DataFrame, columns: Sequence[str], key: bytes, *, inside_of: str = "message"
) -> pl.DataFrame:
    """Mask columns of a table; a name that is no column is looked for as a field inside of a text column.

    Raises
    ------
    SettingsError : when a column holds numbers, which no word can replace
    """
    inside = [name for name in columns if name not in table.columns]
    for name in columns:
        if name in table.columns:
            table = table.with_columns(_column(table[name], key))
    if inside and inside_of in table.columns:
        table = table.with_columns(_mapped(table[inside_of], FieldMask(inside, key)))
    return table


class Masker:
    """Masks what the settings of a source name, in all that it reads, with one key for the life of the source."""

    def __init__(self, settings: SourceSettings) -> None:
        self.names = frozenset(settings.mask)
        self._key = mask_key(settings)
        self._field = FieldMask(settings.mask, self._key) if settings.mask else None

    def __call__(self, table: pl.DataFrame, *, inside_of: str = "message") -> pl.DataFrame:
        """The table with the named columns masked, and the named fields inside of a text column."""
        return mask(table, sorted(self.names), self._key, inside_of=inside_of) if self.names else table

    def labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels with the values of those masked that are named."""
        return mask_labels(labels, tuple(self.names), self._key)

    def text(self, text: str) -> str:
        """The text with the values of the named fields in it masked."""
        return self._field(text) if self._field else text

    def change(self, change: Change) -> Change:
        """The change with its service, its details and the fields in its words masked."""
        detail = {name: self.text(value) for name, value in self.labels(change.detail).items()}
        return replace(
            change, service=self._named(change.service, "service"), text=self.text(change.text), detail=detail
        )

    def alert(self, alert: Alert) -> Alert:
        """The alert with its entity and the labels that it tells masked."""
        entity = self._named(alert.entity, "entity", "service")
        return replace(alert, entity=entity, text=tuple(map(self.text, alert.text)))

    def entity(self, entity: Entity) -> Entity:
        """The entity with its attributes masked, and where `name` or `service` is named its names."""
        return replace(
            entity,
            name=self.name(entity.name),
            aliases=tuple(map(self.name, entity.aliases)),
            attributes=self.labels(entity.attributes),
        )

    def relation(self, relation: Relation) -> Relation:
        """The relation between the names that `entity` gives to its ends."""
        return replace(relation, caller=self.name(relation.caller), callee=self.name(relation.callee))

    def name(self, name: str) -> str:
        """The name of an entity, masked where `name` or `service` is named."""
        return self._named(name, "name", "service")

    def telemetry(self, given: Telemetry) -> Telemetry:
        """All of it masked."""
        if not self.names:
            return given
        return Telemetry(
            metrics=None if given.metrics is None else self(given.metrics, inside_of="metric"),
            logs=None if given.logs is None else self(given.logs),
            traces=None if given.traces is None else self(given.traces),
            transactions=None if given.transactions is None else self(given.transactions),
            state=None
            if given.state is None
            else {key: self.text(said) for key, said in given.state.items()},
            alerts=None if given.alerts is None else tuple(map(self.alert, given.alerts)),
            changes=None if given.changes is None else tuple(map(self.change, given.changes)),
        )

    def _named(self, value: str, *names: str) -> str:
        return masked(value, self._key) if self.names.intersection(names) else value


class FieldMask:
    """Masks fields of JSON, logfmt and XML inside of a text; everything else in it stays as it is."""

    def __init__(self, names: Sequence[str], key: bytes) -> None:
        self._names = frozenset(names)
        self._key = key
        some = "|".join(re2.escape(name) for name in names)
        text, word = r'"(?:[^"\\]|\\.)*"', r"""\[[^\]]*\]|[^\s"',;&}\])>]+"""
        self._pairs = re2.compile(
            rf"""((?:^|[^\w.])["']?(?:{some})["']?\s*[:=]\s*)({text}|'[^']*'|{word})|(<(?:\w+:)?(?:{some})(?:\s[^>]*)?>(?:<!\[CDATA\[)?)([^<\]]+)"""
        )

    def __call__(self, text: str) -> str:
        """Return the text with the values of the named fields masked."""
        if text.startswith("{") and (document := _parsed(text)) is not None:
            try:
                changed = self._within(document, "")
                return text if changed == document else orjson.dumps(changed).decode()
            except (
                RecursionError,
                TypeError,
            ):  # nested deeper than can be walked or written: searched as a text
                pass
        return str(self._pairs.sub(self._replace, text))

    def _within(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {
                k: self._all(v) if {k, f"{path}{k}"} & self._names else self._within(v, f"{path}{k}.")
                for k, v in value.items()
            }
        if isinstance(value, str):  # a container's log holds the lines of the program as texts
            return self(value)
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
