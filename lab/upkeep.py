"""What people do by hand on the machines of the shop, as a command: make room on a volume, renew a certificate.

    python -m lab.upkeep FOLDER disk|certificate look|try|check|do|undo [KEY]

`look` prints the state that is changed, `try` what would be done, `check` ends with 0 when it is so and with 1 when it is not. KEY is that of the effect (PLAN/STEP/DIRECTION): what was
moved away lies below it, and `undo` brings it back.
"""  # fmt: skip

from __future__ import annotations

import hashlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab import certificates
from lab.layout import SECURE

VOLUME, QUARANTINE, DUMPS = "volume", "quarantine", "*.dump"
ENOUGH_S = 30 * 86_400  # a certificate is renewed in the last third of its life, as clients of authorities do
SERVED_S = 3.0  # until a service that is well has shown its certificate
YES, NO, UNKNOWN, NOTHING_DONE = 0, 1, 2, 4
"""How it ends; the last one says that nothing was changed."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The dumps on the volume: moved into a quarantine, and back."""

    folder: Path

    def look(self) -> str:
        """Names and sizes."""
        return json.dumps({each.name: each.stat().st_size for each in self._dumps()})

    def attempt(self) -> str:
        """What would be moved; '' when there is nothing."""
        return "\n".join(f"{each} -> {self.folder / QUARANTINE}" for each in self._dumps())

    def check(self) -> int:
        """Whether no dump is left."""
        return NO if self._dumps() else YES

    def do(self, key: str) -> None:
        """Move them away."""
        for each in self._dumps():
            moved(each, self._quarantine(key) / each.name)

    def undo(self, key: str) -> None:
        """Move them back; where there is no room for one any more, a link to it takes its place: what was written since stays."""
        for each in sorted(self._quarantine(key).glob(DUMPS)):
            place = self.folder / VOLUME / each.name
            if room(place.parent) >= each.stat().st_size:
                moved(each, place)
            else:
                place.symlink_to(each)

    def _dumps(self) -> list[Path]:
        return sorted((self.folder / VOLUME).glob(DUMPS))

    def _quarantine(self, key: str) -> Path:
        return self.folder / QUARANTINE / place_of(key)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of the one service that has one: issued anew by the shop's authority; the former one is kept."""

    folder: Path

    def look(self) -> str:
        """Which one it is, and when it ends (epoch s)."""
        name = hashlib.sha256(self._current.read_bytes()).hexdigest()[:16]
        return json.dumps({"certificate": name, "ends": certificates.valid_until(self._current)})

    def attempt(self) -> str:
        """What would be renewed; '' when it lasts long enough."""
        return f"{self._current.name}: would last {certificates.LIFE_S} s more" if self._ends_soon() else ""

    def check(self) -> int:
        """Whether one that lasts is there, and served."""
        if self._ends_soon():
            return NO
        try:
            served = ssl.get_server_certificate(("127.0.0.1", self._port()), timeout=SERVED_S)
        except OSError:
            return UNKNOWN
        current = ssl.PEM_cert_to_DER_cert(self._current.read_text(encoding="ascii"))
        return YES if ssl.PEM_cert_to_DER_cert(served) == current else NO

    def do(self, key: str) -> None:
        """Issue it anew; with the same key again the one that was kept first stays kept."""
        if not self._former(key).exists():
            copied(self._current, self._former(key))
        certificates.issue(self._tls, SECURE, valid_until=time.time() + certificates.LIFE_S)

    def undo(self, key: str) -> None:
        """Put the former one in its place."""
        copied(self._former(key), self._current)

    def _ends_soon(self) -> bool:
        return certificates.valid_until(self._current) - time.time() < ENOUGH_S

    def _port(self) -> int:
        known = json.loads((self.folder / "shop.json").read_text(encoding="utf-8"))
        return int(known["ports"][SECURE])

    @property
    def _tls(self) -> Path:
        return self.folder / "tls"

    @property
    def _current(self) -> Path:
        return self._tls / f"{SECURE}.pem"

    def _former(self, key: str) -> Path:
        return self.folder / QUARANTINE / place_of(key) / f"{SECURE}.pem"


def place_of(key: str) -> str:
    """Folder of an effect, the same for doing and undoing it."""
    return key.rpartition("/")[0].replace("/", "_") or "by-hand"


def room(folder: Path) -> int:
    """Bytes that may still be written there."""
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def copied(source: Path, target: Path) -> None:
    """Copy a file so that its place never holds half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    try:
        shutil.copyfile(source, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def moved(source: Path, target: Path) -> None:
    """Move a file, onto another file system too; interrupted it is in one of both places, or in both."""
    copied(source, target)
    source.unlink()


class Work(Protocol):
    """Something that is looked at, tried, checked, done and undone."""

    def look(self) -> str: ...
    def attempt(self) -> str: ...
    def check(self) -> int: ...
    def do(self, key: str) -> None: ...
    def undo(self, key: str) -> None: ...


def main(words: list[str]) -> int:
    """Do one thing, and say by the exit code what came of it."""
    folder, what, verb, *key = words
    kinds: dict[str, Callable[[Path], Work]] = {"disk": Disk, "certificate": Certificate}
    work = kinds[what](Path(folder))
    verbs: Mapping[str, Callable[[], int]] = {
        "look": lambda: _said(work.look()),
        "try": lambda: _said(work.attempt()),
        "check": work.check,
        "do": lambda: _after(work.do, key[0]),
        "undo": lambda: _after(work.undo, key[0]),
    }
    try:
        return verbs[verb]()
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"{what} {verb}: {error}", file=sys.stderr)
        return UNKNOWN


def _after(act: Callable[[str], None], key: str) -> int:
    act(key)
    return YES


def _said(text: str) -> int:
    print(text)
    return YES if text else NOTHING_DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
