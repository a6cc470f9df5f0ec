"""Routing of alerts as the configuration says it."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from sre_copilot.alerts.routing.configuration import Configuration
from sre_copilot.alerts.routing.reading import of_alertmanager, of_settings
from sre_copilot.errors import SettingsError
from sre_copilot.settings.document import Settings

LARGEST = 10_000_000  # bytes of a file; the largest real ones have some hundred thousand


def routing_of(settings: Settings) -> Configuration:
    """Routing from `alerting.routing`, held against the receivers and policies that are configured.

    Raises
    ------
    SettingsError : everything that is wrong, each with its place and the way out
    """
    alerting = settings.alerting
    file = alerting.routing.alertmanager_file
    return of_settings(
        alerting.routing,
        file_text=(lambda: _text(file)) if file else None,
        receivers=[each.name for each in alerting.notify.known()],
        policies=tuple(alerting.people.policies),
    )


def check_people(settings: Settings) -> None:
    """See whether every receiver that policies and the dead-man check name is there.

    Raises
    ------
    SettingsError : names the key, and what there is
    """
    known = [each.name for each in settings.alerting.notify.known()]
    for place, name in settings.alerting.people.receivers():
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"There are: {', '.join(known) or 'none'}."
            raise SettingsError(f"alerting.people.{place}: there is no receiver {name!r}; {meant}")


def routing_of_file(file: Path) -> Configuration:
    """Routing from an Alertmanager file alone, whoever its receivers are."""
    return of_alertmanager(_text(file), name=str(file))


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST:
            raise SettingsError(
                f"{file}: is larger than {LARGEST} bytes. Name an Alertmanager configuration."
            )
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}. Name another file.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: is no UTF-8 text. Save it as UTF-8.") from None
