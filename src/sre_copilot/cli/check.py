"""`sre-copilot check-config` and `sre-copilot doctor`: is the configuration right, and does the world agree with it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.app import open_configured
from sre_copilot.app.action_checks import check_actions
from sre_copilot.app.alert_checks import check_alerting
from sre_copilot.app.autonomy_checks import check_autonomy
from sre_copilot.app.rulebook import rulebook_of
from sre_copilot.app.serving import check_methods, exposure_problem
from sre_copilot.app.storing import open_database
from sre_copilot.cli.check_models import healths, knowledge_line, table_of
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import table_console
from sre_copilot.errors import SettingsError, SreCopilotError, StoreError
from sre_copilot.incidents.report.words import word
from sre_copilot.perception.source import Health, Source
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import find, load

FINDINGS = 1
SKEW_S = 5.0  # beyond it windows of sources no longer overlap as they should


def check_config(config: ConfigFile = None) -> None:
    """Read the configuration and say whether it can be used; nothing is asked of any system.

    Exit code 0: it can; 2: it cannot, and the message names the key.
    """
    settings = load(config)
    check_methods(settings, now=time.time())
    rulebook_of(settings)
    sources = _sources(settings)
    console = Console(highlight=False)
    console.print(
        f"configuration: {find(config) or 'defaults and environment (no file was found)'}", markup=False
    )
    if problem := exposure_problem(settings, has_tokens=True):
        raise SettingsError(problem)
    for source in sources:
        console.print(f"source {source.name}: {', '.join(source.modalities)}", markup=False)
        source.close()
    for remark in (*_acting(settings), *check_alerting(settings)):
        console.print(remark, markup=False, soft_wrap=True)
    console.print("it can be used")


def doctor(config: ConfigFile = None) -> None:
    """Ask every source and every model how it is, and say what to do about what is not right.

    Exit code 0: all is well; 1: something is not; 2: the configuration cannot be used.
    """
    settings = load(config)
    sources = _sources(settings)
    with ThreadPoolExecutor(max_workers=8) as pool:
        healths = list(pool.map(_health, sources))
    table = Table(show_lines=False)
    for column in ("source", "state", "version", "clock", "permissions", "problem and what to do"):
        table.add_column(column, overflow="fold")
    for health in healths:
        table.add_row(*map(Text, _row(health)))
    console = table_console()
    if sources:
        console.print(table)
    for remark in _acting(settings):
        console.print(Text(remark))
    problems = [*(health for health in healths if not well(health))]
    store = _store_problem(settings)
    console.print(Text(store or "store: can be used"))
    for source in sources:
        source.close()
    lame = _models(console, settings)
    known, usable = knowledge_line(settings) if not store else ("", True)
    if known:
        console.print(Text(known))
    if problems or store or lame or not usable:
        raise typer.Exit(FINDINGS)


def _sources(settings: Settings) -> tuple[Source, ...]:
    """What `serve` would open: none where none is configured."""
    return open_configured(settings) if settings.sources else ()


def _acting(settings: Settings) -> tuple[str, ...]:
    return (*_alone(settings), *check_actions(settings), *check_autonomy(settings))


def _alone(settings: Settings) -> tuple[str, ...]:
    return () if settings.sources else (word("serving.alerts_alone", settings.language),)


def _models(console: Console, settings: Settings) -> bool:
    """Say how the models are; whether one of them cannot be used."""
    models = healths(settings)
    if models:
        console.print(table_of(models))
    else:
        console.print(Text("models: none is configured; everything works by rules"))
    return not all(health.ok for health in models)


def well(health: Health) -> bool:
    """Whether there is nothing to do about a source."""
    return health.ok and abs(health.clock_skew_seconds or 0.0) <= SKEW_S


def _health(source: Source) -> Health:
    try:
        return source.health()
    except SreCopilotError as error:
        return Health(
            source=source.name, ok=False, problem=str(error), remedy="correct it in the configuration"
        )


def _row(health: Health) -> tuple[str, ...]:
    skew = health.clock_skew_seconds
    clock = "" if skew is None else f"{skew:+.1f} s"
    advice = [part for part in (health.problem, health.remedy) if part]
    if skew is not None and abs(skew) > SKEW_S:
        advice.append("its clock and this machine's differ: let both follow a time server")
    state = "ok" if well(health) else ("look" if health.ok else "down")
    return (health.source, state, health.version, clock, " ".join(health.permissions), "; ".join(advice))


def _store_problem(settings: Settings) -> str:
    try:
        database = open_database(settings)
    except StoreError as error:
        return str(error)
    database.close()
    return ""
