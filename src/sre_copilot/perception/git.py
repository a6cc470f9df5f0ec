"""A Git repository on this machine: commits and tags of a window that touch configured paths.

The repository is somebody else's data: `git` is run without a shell, without the user's or the system's configuration, and
with everything switched off by which a repository's own configuration could make it run a program or reach the network.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Change, Modality, Telemetry, Window
from sre_copilot.errors import SourceAnswerError, SourceError, SourceRefused, SourceUnreachable
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings

_SAFE = (
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.sshCommand=false", "core.askPass=false",
    "protocol.allow=never", "diff.external=", "log.showSignature=false", "gpg.program=false", "core.attributesFile=/dev/null",
)  # fmt: skip
_COMMIT = "/"  # before each commit: no path of a repository is that, and no author or title holds the NUL between fields
_FIELDS = f"%x00{_COMMIT}%x00%H%x00%ct%x00%an%x00%s%x00"
_TAGS = "%(refname:short)%00%(creatordate:unix)%00%(objectname)%00%(subject)"  # a tag is a line, and none of these holds an end of one


class GitSettings(SourceSettings):
    """What the source `git` can be told."""

    path: Path
    """Folder of the repository on this machine (a clone or a bare one); whoever keeps it up to date is somebody else."""
    branch: str = "HEAD"
    """Branch whose commits count, for example the one that is deployed."""
    paths: dict[str, str] = Field(default_factory=dict)
    """Service by path pattern, for example `services/cart/*: cart`; without any, all commits are changes of `service`."""
    service: str = ""
    """Service of commits that no pattern names; empty: the name of the folder when there are no patterns, else none."""
    tags: bool = True
    """Whether tags are changes (kind `release`)."""
    most_commits: int = Field(default=1000, ge=1)
    """Commits that are read at most; beyond it a gap says that some were left out."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.branch.startswith("-"):
            raise ValueError("branch: begins with '-'; give the name of a branch")
        if "://" in str(self.path):
            raise ValueError("path: is an address; clone the repository and give its folder")
        return self


@dataclass(frozen=True, slots=True)
class _Commit:
    sha: str
    ts: float
    author: str
    title: str
    paths: Sequence[str]


class GitSource:
    """Reads one repository."""

    Settings: ClassVar[type[GitSettings]] = GitSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("changes",)

    def __init__(self, settings: GitSettings) -> None:
        self._settings = settings
        self._masker = Masker(settings)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._settings.name or "git"

    def read(self, window: Window) -> Reading:
        """Return commits of the branch and tags by the time they were committed."""
        start = time.monotonic()
        arguments = self._log(window)
        commits = [each for each in _commits(self._run(arguments)) if window.start <= each.ts < window.end]
        kept = commits[: self._settings.most_commits]
        changes = [change for each in kept for change in self._changes(each)]
        if self._settings.tags:
            changes += self._tags(window)
        changes = [self._masker.change(each) for each in changes]
        gap = Gap(modality="changes", message=Message(key="git.gap.cut", params=(("count", len(kept)),)))
        asked = Asked(
            source=self.name, text="git " + " ".join(arguments), target=str(self._settings.path), window=window,
            rows=len(changes), seconds=time.monotonic() - start,
        )  # fmt: skip
        ordered = tuple(sorted(changes, key=lambda each: (each.ts, each.service, each.kind, each.text)))
        return Reading(
            telemetry=Telemetry(changes=ordered),
            gaps=(gap,) if len(commits) > len(kept) else (),
            asked=(asked,),
        )

    def _log(self, window: Window) -> list[str]:
        since = _stamp(max(0.0, window.start - 1))
        return [
            "log", f"--max-count={self._settings.most_commits + 1}", f"--since={since}", f"--until={_stamp(window.end)}",
            f"--format={_FIELDS}", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv",
            "--diff-merges=first-parent", "--end-of-options", self._settings.branch, "--",
        ]  # fmt: skip

    def _changes(self, commit: _Commit) -> Iterator[Change]:
        """One change for each service whose paths a commit touches."""
        known = {"sha": commit.sha, "by": commit.author, "paths_changed": str(len(commit.paths))}
        for service in self._services(commit.paths):
            touched = [each for each in commit.paths if service in self._services((each,))]
            yield Change(
                commit.ts, service, "commit", commit.title, known | {"paths": ", ".join(touched[:20])}
            )

    def _services(self, paths: Sequence[str]) -> list[str]:
        patterns = self._settings.paths
        rest = self._settings.service or (
            "" if patterns else self._settings.path.resolve().name.removesuffix(".git")
        )
        found = {
            next((service for pattern, service in patterns.items() if fnmatchcase(path, pattern)), rest)
            for path in paths
        }
        return sorted((found or {rest}) - {""})

    def _tags(self, window: Window) -> list[Change]:
        services = (
            [self._settings.service] if self._settings.service else sorted(set(self._settings.paths.values()))
        )
        output = self._run(["for-each-ref", f"--format={_TAGS}", "refs/tags"])
        found = []
        for record in output.split("\n"):
            parts = record.split("\0")
            if len(parts) == 4 and parts[1].isdigit() and window.start <= int(parts[1]) < window.end:
                name, ts, sha, title = parts
                text = f"tag {name}: {title}"[:1000]
                known = {"tag": name, "sha": sha}
                whose = services or self._services(())
                found += [Change(float(ts), service, "release", text, known) for service in whose]
        return found

    def _run(self, arguments: Sequence[str]) -> str:
        """Run `git` on the repository and return what it says; raises `SourceError`."""
        folder = str(self._settings.path)
        safe = [part for setting in _SAFE for part in ("-c", setting)]
        command = [
            "git",
            "-C",
            folder,
            "--no-pager",
            "--no-optional-locks",
            "--no-replace-objects",
            *safe,
            *arguments,
        ]
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program and arguments of our own; no shell
                command, env=_environment(folder), capture_output=True, timeout=self._settings.timeout_seconds,
                check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except FileNotFoundError:
            raise SourceUnreachable(self.name, "there is no `git` command", remedy="install git") from None
        except subprocess.TimeoutExpired:
            limit = self._settings.timeout_seconds
            raise SourceUnreachable(
                self.name,
                f"git did not end within {limit:g} s",
                remedy="ask for less, or raise timeout_seconds",
            ) from None
        if done.returncode:
            raise self._refused(done.stderr.decode("utf-8", "replace"))
        return done.stdout.decode("utf-8", "replace")

    def _refused(self, said: str) -> SourceError:
        said = " ".join(said.split())[:300]
        if "not a git repository" in said or "cannot change to" in said:
            return SourceRefused(self.name, f"{self._settings.path} is no repository", remedy="check path")
        if "unknown revision" in said or "bad revision" in said or "ambiguous argument" in said:
            return SourceRefused(
                self.name, f"there is no branch '{self._settings.branch}'", remedy="check branch"
            )
        return SourceAnswerError(self.name, f"git failed: {said}", remedy="run it by hand in that folder")

    def health(self) -> Health:
        """Say whether the repository and the branch are there, and of what version `git` is."""
        try:
            self._run(
                [
                    "rev-parse",
                    "--verify",
                    "--quiet",
                    "--end-of-options",
                    f"{self._settings.branch}^{{commit}}",
                ]
            )
            version = self._run(["--version"]).strip()
        except SourceAnswerError:
            problem = f"there is no commit on '{self._settings.branch}'"
            return Health(source=self.name, ok=False, problem=problem, remedy="check branch")
        except SourceError as error:
            return Health(source=self.name, ok=False, problem=error.problem, remedy=error.remedy)
        return Health(
            source=self.name, ok=True, version=version, permissions=(f"+read {self._settings.branch}",)
        )

    def close(self) -> None:
        """Nothing is held open."""


def _environment(folder: str) -> dict[str, str]:
    """Only what `git` needs; trust in the folder is the settings', whoever owns it."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": str(Path(folder).resolve()),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",  # goes before what the repository's own configuration allows
        "GIT_ATTR_NOSYSTEM": "1",
    }


def _stamp(ts: float) -> str:
    """A time as `git` reads it, between the years that it knows."""
    return datetime.fromtimestamp(min(ts, 4e9), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _commits(output: str) -> list[_Commit]:
    """Commits with the paths that they touch, out of fields with NULs between them."""
    found: list[_Commit] = []
    fields = iter(output.split("\0"))
    paths: list[str] = []
    for each in fields:
        if each == _COMMIT:
            sha, ts, author, title = (next(fields, "") for _ in range(4))
            paths = []
            found.append(
                _Commit(sha, float(ts), " ".join(author.split()), " ".join(title.split())[:1000], paths)
            )
        elif path := each.removeprefix("\n") if not paths else each:
            paths.append(path)
    return found
