"""What `serve` runs: settings in, a watch with its store and its interface's needs out; an argument replaces any part."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sre_copilot.app import open_configured, open_for_investigation, register_sentences
from sre_copilot.app.alerting import Alerting, make_alerting
from sre_copilot.app.callers import first_name
from sre_copilot.app.closing import investigating
from sre_copilot.app.methods import registered_methods
from sre_copilot.app.rulebook import rulebook_of
from sre_copilot.app.secrets import secrets_of
from sre_copilot.app.storing import open_database, token_file
from sre_copilot.clock import Clock, SystemClock
from sre_copilot.errors import MethodError, PluginError, SettingsError
from sre_copilot.incidents.watch.learning import holiday_dates
from sre_copilot.incidents.watch.loop import Watch
from sre_copilot.knowledge.proposals import Proposals
from sre_copilot.perception.http import is_loopback
from sre_copilot.perception.source import Source, SourceSettings
from sre_copilot.plugins import load_one, registered
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.database import Database
from sre_copilot.store.facts import Facts
from sre_copilot.store.profiles import ArrayStore
from sre_copilot.store.records import (
    Records,
    anomaly_records,
    breach_records,
    change_records,
    investigation_records,
)
from sre_copilot.store.rooms import RoomStore, SessionStore
from sre_copilot.store.tokens import TokenStore
from sre_copilot.telemetry import OwnMetrics, hide

DETECTORS = "sre_copilot.series_detectors"
Opener = Callable[[], Sequence[Source]]
LAST_TICK_S = 2.0  # so long a tick that is under way may take to its end: the whole shutdown has five seconds
TELL_S = 10.0  # until anomalies are durable in the inbox: as long as a store may keep a writer waiting, twice
LATE_TICKS = 3  # so many intervals without a tick: something holds it up


@dataclass(frozen=True, slots=True)
class SourceRoles:
    """Who may have a source queried, and who may see what it holds."""

    query: Role
    see: Role


@dataclass
class Service:
    """All that a running server consists of."""

    settings: Settings
    database: Database
    watch: Watch
    clock: Clock
    own: OwnMetrics
    tokens: TokenStore
    anomalies: Records
    breaches: Records
    changes: Records
    investigations: Records
    rooms: RoomStore
    sessions: SessionStore
    alerting: Alerting
    roles: Mapping[str, SourceRoles] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    examine: Callable[[], Sequence[Source]] | None = None
    """Opens the sources as a question looks at them."""
    closing: list[Callable[[], None]] = field(default_factory=list)
    """What else ends with it."""
    workflows: Any = None
    """`app.workflows.Workflows`, where this process works runs off."""

    def start(self) -> None:
        """Begin to watch, in a thread of its own."""
        self.thread = threading.Thread(target=self.watch.run, args=(self.stop,), name="watch", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Stop watching and keep all state; a source that does not answer is not waited for.

        A tick that is still at work keeps its state to itself: what was kept last is whole, and what came after it is read again.
        """
        self.stop.set()
        for close in self.closing:
            close()
        if self.thread:
            self.thread.join(LAST_TICK_S)
        self.watch.close(keep=self.thread is None or not self.thread.is_alive())
        self.alerting.close()
        self.database.close()

    def unready(self) -> list[str]:
        """Why it cannot do its work; nothing when it can."""
        problems = [] if self.database.healthy() else ["the store does not answer"]
        if self.thread is not None and not self.thread.is_alive():
            problems.append("the watch has ended; the log says why")
        runner = self.alerting.runner
        if runner is not None and not runner.alive:
            problems.append("nothing decides on alerts; the log says why")
        if runner is not None and runner.problem:
            problems.append(f"alerting: {runner.problem}")
        last = self.watch.status().last_tick_at
        if last is not None and self.clock.now() - last > LATE_TICKS * self.settings.check_interval_seconds:
            problems.append("no tick for three intervals")
        return problems


def make_service(
    settings: Settings,
    *,
    sources: Sequence[Source] | None = None,
    clock: Clock | None = None,
    own: OwnMetrics | None = None,
    telling: bool = False,
) -> Service:
    """Wire everything; nothing runs yet. With `telling`, what the watch finds becomes alerts, and incidents are investigated; else the watch does so itself.

    Raises
    ------
    SettingsError : when the configuration cannot be used
    StoreError : when the database or the folder cannot be used
    """
    register_sentences()
    clock = clock or SystemClock()
    own = own or OwnMetrics()
    check_methods(settings, now=clock.now())
    rulebook_of(settings)  # policies that fail their own tests stop the start
    coarse, fine = openers(settings, sources)
    opened = tuple(coarse())
    hide(secrets_of(settings))
    database = open_database(settings)
    settings = with_accepted_thresholds(settings, database, clock)
    changes = change_records(database)
    alerting = make_alerting(settings, database, clock)
    return Service(
        settings=settings,
        database=database,
        clock=clock,
        own=own,
        tokens=TokenStore(database),
        anomalies=anomaly_records(database),
        breaches=breach_records(database),
        changes=changes,
        investigations=investigation_records(database),
        rooms=RoomStore(database),
        sessions=SessionStore(database),
        alerting=alerting,
        roles={source.name: _roles(source) for source in opened},
        examine=fine,
        watch=Watch(
            opened,
            settings,
            reopen=coarse,
            examine=fine if sources is None else None,
            arrays=ArrayStore(settings.store.folder / "arrays"),
            anomalies=anomaly_records(database),
            breaches=breach_records(database),
            changes=changes,
            investigations=investigation_records(database),
            facts=Facts(database),
            methods=registered_methods,
            investigate=investigating(database, clock),
            tell=(lambda events: alerting.tell(events, source="watch").result(TELL_S)) if telling else None,
            saw=alerting.saw,
            make_detector=lambda name: load_one(DETECTORS, name)(),
            clock=clock,
            own=own,
        ),
    )


def openers(settings: Settings, sources: Sequence[Source] | None = None) -> tuple[Opener, Opener]:
    """How the sources are opened, to be watched and to be looked into; none where none is configured: alerts alone can be watched."""
    if sources is not None:
        given = tuple(sources)
        return (lambda: given), (lambda: given)
    if not settings.sources:
        return tuple, tuple
    return (lambda: open_configured(settings)), (lambda: open_for_investigation(settings))


def with_accepted_thresholds(settings: Settings, database: Database, clock: Clock) -> Settings:
    """The settings with the thresholds that people accepted from labels; what the configuration says itself goes before."""
    chosen = settings.anomaly_detection
    thresholds = {**Proposals(database, clock).thresholds(), **chosen.thresholds}
    return settings.model_copy(
        update={"anomaly_detection": chosen.model_copy(update={"thresholds": thresholds})}
    )


def check_methods(settings: Settings, *, now: float) -> None:
    """See whether the detectors and the calendar that the configuration names are there.

    Raises
    ------
    SettingsError : names the key, and what there is
    """
    holiday_dates(settings.baseline, now=now)
    known = [plugin.name for plugin in registered(DETECTORS)]
    for metric, names in settings.anomaly_detection.detectors.items():
        for name in names:
            key = f"anomaly_detection.detectors.{metric}"
            if name not in known:
                raise SettingsError(f"{key}: there is no detector {name!r}. There are: {', '.join(known)}.")
            try:
                load_one(DETECTORS, name)()
            except (PluginError, MethodError) as error:
                raise SettingsError(f"{key}: {error}") from None


def _roles(source: Source) -> SourceRoles:
    settings = getattr(source, "settings", None)
    chosen = settings if isinstance(settings, SourceSettings) else SourceSettings()
    return SourceRoles(chosen.query_role, chosen.see_role)


def exposure_problem(settings: Settings, *, has_tokens: bool) -> str:
    """Why the server must not listen where it is told to; '' when it may."""
    server = settings.server
    if problem := _certificate_problem(server.certificate_file, server.key_file):
        return problem
    if is_loopback(server.host):
        return ""
    token = "" if has_tokens else "there is no token; make one: sre-copilot token create NAME --role admin"
    secure = server.certificate_file or server.trusted_proxy
    tls = (
        ""
        if secure
        else (
            "give server.certificate_file and server.key_file, or name the proxy that ends TLS in server.trusted_proxy"
        )
    )
    missing = "; ".join(part for part in (token, tls) if part)
    return f"server.host {server.host}: is not loopback: {missing}" if missing else ""


def _certificate_problem(certificate: Path | None, key: Path | None) -> str:
    if certificate is None and key is None:
        return ""
    if certificate is None or key is None:
        return "server.certificate_file and server.key_file: each needs the other"
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        reason = error.strerror or getattr(error, "reason", "") if isinstance(error, OSError) else ""
        return (
            f"server.certificate_file ({certificate}), server.key_file ({key}): cannot be used"
            f" ({reason or 'the key has a passphrase'}). Give a certificate and its key, PEM, without a passphrase"
        )
    return ""


def check_exposure(service: Service) -> None:
    """Refuse to listen to others without tokens and TLS.

    Raises
    ------
    SettingsError : says what is missing
    """
    living = any(token.revoked_at is None for token in service.tokens.all())
    if problem := exposure_problem(service.settings, has_tokens=living):
        raise SettingsError(problem)


def first_token(service: Service) -> Path | None:
    """On loopback and at the first start, make a token of an admin and leave it in a file that only its owner reads."""
    if not is_loopback(service.settings.server.host) or service.tokens.all():
        return None
    name = first_name()
    _, plain = service.tokens.create(name, role="admin", now=service.clock.now(), by="the first start")
    path = token_file(service.settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)  # one that is there may be open to others
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(plain + "\n")
    return path
