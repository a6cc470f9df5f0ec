"""The texts that roles are instructed with: shipped as Markdown files, changed by the user as versions that can be compared and brought back."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel

from sre_copilot.clock import Clock
from sre_copilot.errors import StoreError, UsageError
from sre_copilot.llm.speaking import Question, Reply, Speaker

LONGEST = 20_000  # characters: more would leave a small model no room to answer
SHIPPED = "shipped"
_PLACE = re.compile(r"(?<!\{)\{([a-z_]+)\}(?!\})")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version that a user wrote."""

    number: int
    at: float
    by: str
    note: str = ""


class Spoken(BaseModel):
    """A free answer, for trying a prompt."""

    answer: str


def shipped_prompts() -> Mapping[str, str]:
    """The prompts that come with the product, by name: `ROLE.LANGUAGE`."""
    folder = files("sre_copilot.agents") / "prompts"
    if not folder.is_dir():
        return {}
    found = sorted(
        (each for each in folder.iterdir() if each.name.endswith(".md")), key=lambda each: each.name
    )
    return {each.name.removesuffix(".md"): each.read_text(encoding="utf-8") for each in found}


class Prompts:
    """Prompts with the user's changes, kept below a folder; the last version is in use, or the shipped one."""

    def __init__(self, folder: Path, clock: Clock, *, shipped: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._clock = clock
        self.shipped = shipped_prompts() if shipped is None else shipped

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self.shipped))

    def text(self, name: str, *, version: int | None = None) -> str:
        """The text in use, or that of a version (0: as shipped).

        Raises
        ------
        UsageError : when there is no such prompt or version
        """
        self._known(name)
        known = self.history(name)
        number = version if version is not None else known[0].number if known else 0
        if number == 0:
            return self.shipped[name]
        if number not in {each.number for each in known}:
            raise UsageError(f"version: prompt {name!r} has no version {number}")
        return self._file(name, number).read_text(encoding="utf-8")

    def own(self, name: str) -> str | None:
        """The user's text, or None where the shipped one is in use or nothing is known by that name."""
        known = self.history(name) if name in self.shipped else ()
        return self.text(name, version=known[0].number) if known else None

    def edit(self, name: str, text: str, *, by: str, note: str = "") -> Version:
        """Keep a new version and use it from now on.

        Raises
        ------
        UsageError : when it lacks what the product fills in, is empty or too long; names the way out
        """
        self.check(name, text)
        if not by.strip():
            raise UsageError("by: a change needs the name of a person")
        known = self.history(name)
        version = Version(
            number=(known[0].number if known else 0) + 1, at=self._clock.now(), by=by, note=note
        )
        try:
            _write(self._file(name, version.number), text)
            _write(
                self._record(name),
                json.dumps([asdict(each) for each in (version, *known)], ensure_ascii=False),
            )
        except OSError as error:
            raise StoreError(
                f"{self._folder}: cannot be written: {error.strerror}. Check space and rights."
            ) from None
        return version

    def check(self, name: str, text: str) -> None:
        """See whether a text can be used.

        Raises
        ------
        UsageError : says what is missing or too much
        """
        self._known(name)
        if not text.strip() or len(text) > LONGEST:
            raise UsageError(f"text: must have 1 to {LONGEST:,} characters, has {len(text):,}")
        wanted, found = set(_PLACE.findall(self.shipped[name])), set(_PLACE.findall(text))
        if wanted != found:
            missing = ", ".join(f"{{{each}}}" for each in sorted(wanted - found)) or "none"
            unknown = ", ".join(f"{{{each}}}" for each in sorted(found - wanted)) or "none"
            raise UsageError(
                f"text: places that are filled in: missing {missing}; unknown {unknown}. Keep those of the shipped text."
            )

    def history(self, name: str) -> tuple[Version, ...]:
        """The user's versions, the latest first."""
        self._known(name)
        try:
            document = json.loads(self._record(name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self._record(name)}: cannot be read: {error}. Bring it back from a backup, or delete it."
            ) from None
        return tuple(Version(**each) for each in document)

    def difference(self, name: str, *, old: int = 0, new: int | None = None) -> str:
        """How one version differs from another, line by line."""
        before, after = self.text(name, version=old), self.text(name, version=new)
        label = "in use" if new is None else f"version {new}"
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), f"version {old}", label, lineterm=""
        )
        return "\n".join(lines)

    def restore(self, name: str, version: int, *, by: str) -> Version:
        """Use an earlier version again (0: the shipped text), as a new version."""
        said = SHIPPED if version == 0 else f"version {version}"
        return self.edit(name, self.text(name, version=version), by=by, note=f"{said} brought back")

    def _known(self, name: str) -> None:
        if name not in self.shipped or not _NAME.fullmatch(name):
            raise UsageError(
                f"name: there is no prompt {name!r}; there are: {', '.join(self.names()) or 'none'}"
            )

    def _file(self, name: str, number: int) -> Path:
        return self._folder / name / f"{number}.md"

    def _record(self, name: str) -> Path:
        return self._folder / name / "history.json"


def tried(text: str, question: str, speaker: Speaker) -> Reply[Spoken]:
    """What the model answers when it is instructed with a text: to see its effect before it is used."""
    asked = Question(role="trial", instructions=text, text=question, result=Spoken)
    return speaker.ask(asked, ledger=speaker.ledger())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(".writing")
    with os.fdopen(
        os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    beside.replace(path)
