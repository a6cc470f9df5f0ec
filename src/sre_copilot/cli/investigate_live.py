"""Investigating on the configured sources: an alert, or a service since a while ago, through the whole team."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from sre_copilot.app import investigate
from sre_copilot.app.asking import open_live_copilot
from sre_copilot.app.incidents import check_known, incident_of, incident_since
from sre_copilot.cli.times import duration
from sre_copilot.cli.working import Working
from sre_copilot.domain.incident import Diagnosis, Incident
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report import Report, build
from sre_copilot.perception.alert_files import read_alert
from sre_copilot.settings.document import Settings

STANDARD_INPUT = Path("-")


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
        return incident_of(read_alert(json.loads(text)), now=now)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise UsageError(f"--alert {alert}: {reason}. Name a file.") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"--alert {alert}: is no JSON: {error}.") from None
    except UsageError as error:
        raise UsageError(f"--alert {alert}: {error}") from None


def investigate_live(
    settings: Settings, incident: Incident, lang: Lang, *, model: bool
) -> tuple[Diagnosis, Report]:
    """Let the whole team look into an incident on the configured sources."""
    with open_live_copilot(settings, lang=lang, model=model, incident=incident) as opened:
        observation = opened.scene.incident_observation()
        if observation is None:
            raise UsageError("--since: leaves no time to look at; write for example 30m.")
        check_known(incident, opened.scene)
        answer = opened.copilot.investigate(observation, lang=lang, listen=Working(lang).hear)
    found = answer.investigated
    if found is None or answer.diagnosis is None:
        core = investigate(observation)  # what the team said could not be reproduced: the core answers alone
        return core.diagnosis, build(core.diagnosis, core.observation, core.observed)
    return answer.diagnosis, build(answer.diagnosis, found.observation, found.observed)
