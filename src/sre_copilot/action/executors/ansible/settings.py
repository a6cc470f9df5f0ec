"""What the executor `ansible` can be told: a folder, its inventory, and the playbooks that may be run."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from sre_copilot.action.executors.levels import Level
from sre_copilot.action.executors.parameters import CatalogueParameter, once_each
from sre_copilot.settings.section import Section

FILE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\.ya?ml$"


class Playbook(Section):
    """A playbook that may be run."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """How plans call it: `ansible.NAME`."""
    file: str = Field(pattern=FILE)
    """Its file, below the folder."""
    undo: str = Field(default="", pattern=rf"^$|{FILE}")
    """File of the playbook that takes it back; it gets the same variables."""
    variables: dict[str, CatalogueParameter] = Field(default_factory=dict)
    """Extra variables that a plan may give, with their types; no others."""
    level: Level = "irreversible"
    """How bad it can be; `key` needs two people, `reversible` needs `undo`."""
    convergent: bool = False
    """Whether it describes a state, so that `--check` tells whether that is reached: then its effect can be found out. Otherwise it is at-least-once, and never run without a person."""
    timeout_seconds: float = Field(default=600.0, ge=1, le=3600)
    """Time that it may take."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.level == "reversible" and not self.undo:
            raise ValueError("level: reversible needs undo")
        return self


class AnsibleExecutorSettings(Section):
    """What the executor `ansible` can be told."""

    name: str = Field(default="ansible", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """How plans call it; actions are `NAME.PLAYBOOK`."""
    folder: Path
    """Folder with the playbooks and their `ansible.cfg`."""
    inventory: str = Field(min_length=1)
    """Inventory, below the folder, such as `hosts.ini`."""
    playbooks: tuple[Playbook, ...] = Field(min_length=1)
    """Playbooks that may be run; no other is."""
    hosts: tuple[str, ...] = Field(min_length=1)
    """Patterns of hosts and groups that a target may name; what it names limits the run (`--limit`)."""
    command: tuple[str, ...] = Field(default=("ansible-playbook",), min_length=1)
    """How ansible-playbook is called."""
    vault_password_file: Path | None = None
    """File with the password of the vault."""
    show_diff: bool = False
    """Show what lines of files would change (`--diff`) in dry runs; off, for passwords lie in many of them."""
    check_seconds: float = Field(default=120.0, ge=1, le=900)
    """Longest time of a dry run."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        once_each((each.name for each in self.playbooks), "playbooks")
        return self
