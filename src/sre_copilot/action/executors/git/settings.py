"""What the executor `git` can be told: a repository, the files and keys in it that may be changed, and its feature flags."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from sre_copilot.action.executors.levels import Level
from sre_copilot.action.notify.settings import is_loopback
from sre_copilot.settings.secret import Secret
from sre_copilot.settings.section import Section

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
SCP_FORM = re.compile(r"^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!//).+$")


def _inside(path: str) -> str:
    parts = PurePosixPath(path)
    if (
        not path
        or parts.is_absolute()
        or {"..", ".git"} & set(parts.parts)
        or any(ord(each) < 32 for each in path)
    ):
        raise ValueError("is no path inside the repository; write it as config/shop.yaml")
    return str(parts)


InsidePath = Annotated[str, AfterValidator(_inside)]


class GitFile(Section):
    """A file in which values may be set."""

    path: InsidePath
    """Where it lies in the repository: `config/shop.yaml`."""
    format: Literal["yaml", "json", "properties"]
    """How it is written. Comments and order stay as they are; only the one value is replaced."""
    keys: tuple[str, ...] = Field(min_length=1)
    """Patterns of keys that may be set: `pool.*`; nothing else in the file can be changed."""
    level: Level = "irreversible"
    """How bad a wrong value can be; `key` needs two people. Whoever knows that a former value takes everything back says `reversible`."""
    show_values: bool = False
    """Show former values in plans and differences; off, for files hold secrets, and then a digest is shown."""


class GitFlag(Section):
    """A feature flag: one key of one file, under a name."""

    path: InsidePath
    """File that holds it."""
    format: Literal["yaml", "json", "properties"]
    """How the file is written."""
    key: str = Field(min_length=1)
    """Key of the flag in it."""
    choices: tuple[bool | int | float | str, ...] = (True, False)
    """All that it may be."""
    level: Level = "irreversible"
    """How bad a wrong setting can be; `key` needs two people."""


class GitExecutorSettings(Section):
    """What the executor `git` can be told."""

    name: str = Field(default="git", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.set_value` and so on. Give each of several repositories its own."""
    url: str
    """The repository: `https://HOST/PATH`, `ssh://USER@HOST/PATH`, `USER@HOST:PATH`, or an absolute path on this machine."""
    branch: str = Field(default="main", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")
    """Branch that is read and pushed to; never by force."""
    username: str = "git"
    """Name that goes with the token."""
    token: Secret | None = None
    """Token or password for https."""
    ssh_key_file: Path | None = None
    """Private key for ssh."""
    known_hosts: Path | None = None
    """Keys of the ssh server, as OpenSSH writes them; required for ssh, an unknown server gets nothing."""
    files: dict[Annotated[str, Field(pattern=NAME)], GitFile] = Field(default_factory=dict)
    """Files in which values may be set, by the name that plans use."""
    flags: dict[Annotated[str, Field(pattern=NAME)], GitFlag] = Field(default_factory=dict)
    """Feature flags, by the name that plans use."""
    revert_paths: tuple[str, ...] = ()
    """Patterns of paths: a commit that touches only these may be reverted; none by default, and then no commit can be."""
    revert_level: Level = "irreversible"
    """How bad it can be to revert a commit."""
    author_name: str = "SRE Copilot"
    """Name in the commits."""
    author_email: str = "sre-copilot@localhost"
    """Address in the commits."""
    folder: Path | None = None
    """Folder for the copy of the repository, emptied at the end; the system's folder for such things when absent."""
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    """Longest wait for one exchange with the server; half a minute, for a first copy of a large repository takes that long."""
    action_timeout_seconds: float = Field(default=60.0, ge=1, le=600)
    """Time-out of an action: a copy, and a push with the hooks of the server."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        scheme = scheme_of(self.url)
        parts = urlsplit(self.url) if "://" in self.url else None
        if not scheme:
            raise ValueError("url: is no repository; write https://HOST/PATH, ssh://USER@HOST/PATH or an absolute path")  # fmt: skip
        if parts and parts.password:
            raise ValueError("url: holds a password; use token")
        if scheme == "http" and not is_loopback((parts and parts.hostname) or ""):
            raise ValueError("url: everything would travel in clear; use https")
        if self.token and scheme not in {"http", "https"}:
            raise ValueError("token: goes with https; use ssh_key_file for ssh")
        if scheme == "ssh" and self.known_hosts is None:
            raise ValueError("known_hosts: is missing; write the server's keys there (ssh-keyscan, compared by a person)")  # fmt: skip
        if not (self.files or self.flags or self.revert_paths):
            raise ValueError("files, flags, revert_paths: name at least one thing that may be changed")
        if ".." in self.branch or self.branch.endswith((".lock", "/")):
            raise ValueError("branch: is no name of a branch; write it as main")
        return self


def scheme_of(url: str) -> str:
    """How a repository is reached: `https`, `http` (only to this machine), `ssh`, `file`; '' when by nothing that is allowed."""
    if url.startswith("/"):
        return "file"
    if SCP_FORM.match(url):
        return "ssh"
    parts = urlsplit(url)
    host = parts.hostname or ""
    known = parts.scheme in {"https", "http", "ssh"} and bool(host) and not host.startswith("-")
    return parts.scheme if known else ""
