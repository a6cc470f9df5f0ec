"""The keys of `alerting.routing`."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class Routing(Section):
    """Whom alerts reach: the routing tree, inhibition, time intervals."""
