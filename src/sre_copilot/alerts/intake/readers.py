"""The reader of each provider."""

from __future__ import annotations

from collections.abc import Mapping

from sre_copilot.alerts.intake import (
    alertmanager,
    alertmanager_api,
    anomalies,
    cloudevents,
    generic,
    grafana,
    pagerduty,
    zabbix,
)
from sre_copilot.alerts.intake.reader import Reader
from sre_copilot.settings.alerting.intake import Provider

READERS: Mapping[Provider, Reader] = {
    "alertmanager": alertmanager.read,
    "alertmanager_api": alertmanager_api.read,
    "grafana": grafana.read,
    "pagerduty": pagerduty.read,
    "zabbix": zabbix.read,
    "cloudevents": cloudevents.read,
    "generic": generic.read,
    "anomalies": anomalies.read,
}
