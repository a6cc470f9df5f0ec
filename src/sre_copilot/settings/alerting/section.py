"""From alerts to people: intake, routing, correlation, people, notifiers."""

from __future__ import annotations

from sre_copilot.settings.alerting.correlation import Correlation
from sre_copilot.settings.alerting.intake import Intake
from sre_copilot.settings.alerting.investigations import Investigations
from sre_copilot.settings.alerting.lifecycle import Lifecycle
from sre_copilot.settings.alerting.notify import Notify
from sre_copilot.settings.alerting.people import People
from sre_copilot.settings.alerting.routing import Routing
from sre_copilot.settings.section import Section


class Alerting(Section):
    """What happens with alerts."""

    intake: Intake = Intake()
    routing: Routing = Routing()
    correlation: Correlation = Correlation()
    lifecycle: Lifecycle = Lifecycle()
    investigations: Investigations = Investigations()
    people: People = People()
    notify: Notify = Notify()
