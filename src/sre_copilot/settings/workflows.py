"""Keys below `workflows`: where workflows of the user's own lie, and their limits."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from sre_copilot.settings.section import Role, Section


class Workflows(Section):
    """Workflows of the user's own."""

    enabled: bool = True
    """Whether triggers start workflows; a person can start one all the same."""
    folders: list[Path] = Field(default_factory=list)
    """Folders whose `*.yaml` are applied at the start when they are another text than the newest version; none by default, for workflows are applied by people."""
    role: Role = "viewer"
    """With which role a workflow asks its tools when no person started it; the lowest, so that a trigger sees no more than anybody may."""
    keep_days: float = Field(default=30, gt=0, le=3650)
    """Days that runs are kept after their end; a month, as long as their steps are."""
