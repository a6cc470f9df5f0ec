"""Keys below `remediation`: how repairs are carried out, watched and limited."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class Remediation(Section):
    """How repairs are carried out."""
