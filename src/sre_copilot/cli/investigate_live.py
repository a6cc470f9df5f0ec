"""Investigating on the configured sources: an alert, or a service since a while ago, through the whole team."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sre_copilot.agents.tool import Investigated
from sre_copilot.app import investigate, open_for_investigation
from sre_copilot.app.asking import existing_database, open_live_copilot
from sre_copilot.app.incidents import check_known, incident_since
from sre_copilot.app.incidents import incident_of as incident_of_alert
from sre_copilot.cli.server import Server, server
from sre_copilot.cli.times import duration
from sre_copilot.cli.working import Working
from sre_copilot.domain.incident import Diagnosis, Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import UsageError
from sre_copilot.incidents.casework.alert_context import Alert
from sre_copilot.incidents.casework.alert_processor import AlertProcessor
from sre_copilot.incidents.casework.apart import concerns, within_reach
from sre_copilot.incidents.casework.looking import OF_STORE, incident_of
from sre_copilot.incidents.casework.own_query import Concluded, own_alerts, with_own_queries
from sre_copilot.incidents.casework.picture import picture_of, reading
from sre_copilot.incidents.report import Report, build
from sre_copilot.perception.alert_files import read_alert
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.states import AlertRecords

STANDARD_INPUT = Path("-")
PAGE = 1000  # alerts: the most that a page holds


def incident_from(alert: Path | None, service: str, since: str) -> Incident:
    """The incident of an alert in a file, or of a service since a while ago.

    Raises
    ------
    UsageError : names the option and what is wrong
    """
    now = time.time()
    if alert is None:
        return incident_since(service, seconds=duration(since, option="--since"), now=now)
    try:
        text = sys.stdin.read() if alert == STANDARD_INPUT else alert.read_text(encoding="utf-8")
        return incident_of_alert(read_alert(json.loads(text)), now=now)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise UsageError(f"--alert {alert}: {reason}. Name a file.") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"--alert {alert}: is no JSON: {error}.") from None
    except UsageError as error:
        raise UsageError(f"--alert {alert}: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is investigated, with the alerts whose own queries are looked at, too."""

    incident: Incident
    alerts: tuple[Alert, ...] = ()


def kept(settings: Settings, key: str) -> Chosen:
    """An incident of the store, as it is investigated.

    Raises
    ------
    UsageError : when there is no store, or no such incident in it
    """
    database = existing_database(settings)
    if database is None:
        raise UsageError(
            f"--incident {key}: there is no store in {settings.store.folder} yet. "
            "Run sre-copilot serve, or name the configuration whose store has it: --config FILE."
        )
    try:
        picture = reading(AlertRecords(database))(key)
    finally:
        database.close()
    if picture is None:
        raise UsageError(
            f"--incident {key}: there is none of this id or number. `sre-copilot incident list` names them."
        )
    return Chosen(incident=incident_of(picture, now=time.time()), alerts=own_alerts(picture))


def asked(config: Path | None, key: str, *, url: str, token: str) -> Chosen:
    """An incident of a running server, as it is investigated."""
    with server(config, url=url, token=token) as found:
        place = f"/api/v1/incidents/{quote(key, safe='')}"
        picture = picture_of(found.get(place), _all_alerts(found, f"{place}/alerts"))
    return Chosen(incident=incident_of(picture, now=time.time()), alerts=own_alerts(picture))


def _all_alerts(found: Server, path: str) -> list[dict[str, Any]]:
    """Every alert of an incident: the first ones, which say most, come last."""
    alerts: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = found.get(path, limit=PAGE, cursor=cursor)
        alerts += page["items"]
        cursor = page.get("next")
        if cursor is None:
            return alerts


def investigate_live(
    settings: Settings, chosen: Chosen, lang: Lang, *, model: bool
) -> tuple[Diagnosis, Report]:
    """Let the whole team look into an incident on the configured sources, and add what the queries of its alerts show."""
    found = _concluded(settings, chosen.incident, lang, model=model)
    processor = AlertProcessor(lambda: open_for_investigation(settings), lang=lang)
    found = with_own_queries(found, chosen.alerts, processor.process)
    return found.diagnosis, build(found.diagnosis, found.observation, found.observed)


def _concluded(settings: Settings, incident: Incident, lang: Lang, *, model: bool) -> Concluded:
    with open_live_copilot(settings, lang=lang, model=model, incident=incident) as opened:
        observation = opened.scene.incident_observation()
        if observation is None:
            raise UsageError("--since: leaves no time to look at; write for example 30m.")
        check_known(incident, opened.scene)
        answer = opened.copilot.investigate(observation, lang=lang, listen=Working(lang).hear)
    found = answer.investigated
    if found is None or answer.diagnosis is None:
        core = investigate(observation)  # what the team said could not be reproduced: the core answers alone
        return _of(core)
    if incident.id.startswith(OF_STORE) and not concerns(found):  # the strongest fault may be that of another
        near = investigate(within_reach(found.observation))
        if near.diagnosis.culprit is not None and concerns(near):
            return _of(near)
    return replace(_of(found), diagnosis=answer.diagnosis)


def _of(found: Investigated) -> Concluded:
    return Concluded(diagnosis=found.diagnosis, observation=found.observation, observed=found.observed)
