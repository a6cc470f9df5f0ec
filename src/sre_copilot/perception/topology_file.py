"""Files that describe the estate: YAML, JSON or CSV, kept by hand or exported by another system."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import orjson
import yaml
from pydantic import Field

from sre_copilot.domain.signals import Modality, Window
from sre_copilot.errors import SourceAnswerError, SourceError, SourceUnreachable
from sre_copilot.perception.estate.rows import Rows, reading_of, rows_of
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings

LARGEST = 64 * 1024 * 1024  # bytes; a larger file is an export gone wrong, and YAML would read it for minutes
KEYS = ("entities", "relations", "edges")


class TopologyFileSettings(SourceSettings):
    """Which files; they are read anew each time, so that an edit needs no restart."""

    files: tuple[Path, ...] = Field(min_length=1)
    """`.yaml`, `.yml` or `.json` with the keys `entities` and `relations`, `.csv` with the columns `caller,callee` or `name`."""


class TopologyFileSource:
    """Reads the files; of one entity in several the first counts where they differ."""

    Settings: ClassVar[type[SourceSettings]] = TopologyFileSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("topology",)

    def __init__(self, settings: TopologyFileSettings) -> None:
        self.settings = settings
        self._masker = Masker(settings)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.settings.name or "topology_file"

    def read(self, window: Window) -> Reading:
        """Return all that the files say; they know no times."""
        rows, asked = Rows(), []
        for file in self.settings.files:
            found = self._file(file)
            rows += found
            number = len(found.entities) + len(found.relations)
            asked.append(Asked(source=self.name, text=f"read {file.name}", target=file.name, rows=number))
        return reading_of(rows, masker=self._masker, asked=asked)

    def health(self) -> Health:
        """Say whether all files can be read."""
        try:
            for file in self.settings.files:
                self._file(file)
        except SourceError as error:
            return Health(source=self.name, ok=False, problem=error.problem, remedy=error.remedy)
        return Health(source=self.name, ok=True, permissions=("+read topology",))

    def close(self) -> None:
        """Nothing to close."""

    def _file(self, file: Path) -> Rows:
        content = self._content(file)
        try:
            if file.suffix.lower() == ".csv":
                return self._table(file, content)
            document = orjson.loads(content) if file.suffix.lower() == ".json" else yaml.safe_load(content)
        except (
            yaml.YAMLError,
            csv.Error,
            ValueError,
        ) as error:  # a date that there is not is a ValueError of YAML's
            raise self._wrong(file, f"cannot be read: {' '.join(str(error).split())}") from None
        except RecursionError:
            raise self._wrong(file, "is nested too deep") from None
        return self._document(file, {} if document is None else document)

    def _content(self, file: Path) -> str:
        try:
            if file.stat().st_size > LARGEST:
                raise self._wrong(file, f"is larger than {LARGEST >> 20} MB")
            return file.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise SourceUnreachable(
                self.name, f"{file} cannot be read: {error.strerror}", remedy="check files and its rights"
            ) from None
        except UnicodeDecodeError:
            raise self._wrong(file, "is not UTF-8") from None

    def _document(self, file: Path, document: Any) -> Rows:
        if not isinstance(document, Mapping):
            raise self._wrong(file, "holds no keys at its top")
        unknown = sorted(str(key) for key in document if key not in KEYS)
        if unknown:
            raise self._wrong(file, f"has the unknown key '{unknown[0]}'")
        relations = [*self._rows(file, document, "relations"), *self._rows(file, document, "edges")]
        entities = self._rows(file, document, "entities")
        return rows_of(entities, relations, source=self.name, what=file.name)

    def _rows(self, file: Path, document: Mapping[str, Any], key: str) -> Sequence[Any]:
        """The rows under a key; entities may be a map by name."""
        rows = document.get(key) or []
        if key == "entities" and isinstance(rows, Mapping):
            if not all(isinstance(about or {}, Mapping) for about in rows.values()):
                raise self._wrong(file, f"has '{key}' whose values are no keys and values")
            rows = [{"name": name, **(about or {})} for name, about in rows.items()]
        forms = (Mapping,) if key == "entities" else (Mapping, list)
        if not isinstance(rows, list) or not all(isinstance(row, forms) for row in rows):
            raise self._wrong(file, f"has '{key}' in another form than a list of rows")
        return rows

    def _table(self, file: Path, content: str) -> Rows:
        reader = csv.DictReader(io.StringIO(content))
        columns = {column.strip() for column in reader.fieldnames or ()}
        rows = [{(k or "").strip(): v for k, v in row.items() if isinstance(v, str)} for row in reader]
        if {"caller", "callee"} <= columns:
            return rows_of((), rows, source=self.name, what=file.name)
        if "name" in columns:
            return rows_of(rows, (), source=self.name, what=file.name)
        if not columns:
            return Rows()
        raise self._wrong(file, f"has the columns {', '.join(sorted(columns))}")

    def _wrong(self, file: Path, problem: str) -> SourceAnswerError:
        return SourceAnswerError(
            self.name,
            f"{file.name} {problem}",
            remedy="give YAML or JSON with entities and relations, or CSV with caller,callee or name",
        )
