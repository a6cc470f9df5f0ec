"""What the executor `ssh` can be told: hosts, and the commands that may be run there, each with its parameters."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from sre_copilot.action.executors.levels import Level
from sre_copilot.action.executors.parameters import CatalogueParameter, once_each, used
from sre_copilot.action.executors.shell.settings import SshAccess
from sre_copilot.settings.section import Section

KEY, BEFORE = "key", "before"
Words = tuple[str, ...]


class SshCommand(Section):
    """A command that may be run. Commands are lists of words; `{NAME}` stands for a parameter, `{key}` for the key of the effect, `{before}` for what `look` said before."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """How plans call it: `ssh.NAME`."""
    run: Words = Field(min_length=1)
    """What is run, such as `["sudo", "/usr/local/bin/flush-cache", "{region}"]`."""
    parameters: dict[str, CatalogueParameter] = Field(default_factory=dict)
    """Its parameters."""
    level: Level | Literal["read_only"] = "irreversible"
    """How bad it can be; `key` needs two people. A command is taken for irreversible unless somebody says otherwise, and `reversible` needs `undo`."""
    look: Words = ()
    """Prints the state that it changes, and changes nothing; plans made on another state are not carried out."""
    dry_run: Words = ()
    """Prints what would be done, and changes nothing."""
    check: Words = ()
    """Ends with 0 when the effect is there, with 1 when it is not. Without it, it is at-least-once, and never run without a person. Unless the command is idempotent, it must use `{key}` or `{before}`: a state that was like this before proves nothing."""
    undo: Words = ()
    """Takes it back."""
    idempotent: bool = False
    """Whether running it twice is the same as once."""
    nothing_done_codes: tuple[int, ...] = ()
    """Exit codes that say that nothing was changed; after others nobody knows."""
    show_output: bool = False
    """Keep the last of its output with the plan; off, for outputs hold secrets."""
    timeout_seconds: float = Field(default=60.0, ge=1, le=3600)
    """Time that it may take."""
    hosts: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Patterns of hosts on which it may be run."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if {KEY, BEFORE} & set(self.parameters):
            raise ValueError("parameters: key and before are taken; choose other names")
        for place in ("run", "look", "dry_run", "check", "undo"):
            unknown = set(used(getattr(self, place))) - set(self.parameters) - {KEY, BEFORE}
            if unknown:
                raise ValueError(
                    f"{place}: {', '.join(sorted(unknown))} is no parameter; add it to parameters"
                )
        if self._needs_before() and not self.look:
            raise ValueError("look: {before} is used, and nothing says what it is; give look")
        if self.level == "reversible" and not self.undo:
            raise ValueError("level: reversible needs undo")
        if self.check and not self.idempotent and not {KEY, BEFORE} & set(used(self.check)):
            raise ValueError("check: must use {key} or {before}, or the command must be idempotent")
        return self

    def _needs_before(self) -> bool:
        return any(BEFORE in set(used(words)) for words in (self.check, self.undo))


class SshExecutorSettings(SshAccess):
    """What the executor `ssh` can be told."""

    name: str = Field(default="ssh", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.COMMAND`."""
    commands: tuple[SshCommand, ...] = Field(min_length=1)
    """Commands that may be run; no other is."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        once_each((each.name for each in self.commands), "commands")
        return self
