"""How the watch is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sre_copilot import __version__
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.views import AcceptLanguage, Lang, Language, language, seconds
from sre_copilot.app.alerting import LEASE
from sre_copilot.app.precision import precision
from sre_copilot.app.serving import Service
from sre_copilot.clock import rfc3339
from sre_copilot.incidents.report.words import say
from sre_copilot.incidents.watch.outlook import outlook
from sre_copilot.incidents.watch.status import LearningStatus, SourceStatus
from sre_copilot.store.leases import Leases
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.telemetry import clean

routes = Routes(tag="status")


def down(sources: Sequence[SourceStatus]) -> list[str]:
    """The sources that cannot be read; one that has not been asked yet is none of them."""
    return [
        f"the source {each.name} cannot be read: {each.problem}"
        for each in sources
        if each.problem and not each.ok
    ]


@routes.get("/status", role="viewer")
def status(
    service: ServiceHere, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> dict[str, Any]:
    """State of the watch, of learning and of each source."""
    return document(service, language(lang, accept_language, service.settings.language))


def document(service: Service, lang: Language) -> dict[str, Any]:
    """How the watch is doing, as the interface answers it."""
    found = service.watch.status()
    now = service.clock.now()
    lag = None if found.last_tick_at is None else max(0.0, now - found.last_tick_at)
    problems = [*service.unready(), *down(found.sources), *service.alerting.roster.problems]
    state = "starting" if found.last_tick_at is None else ("degraded" if problems else "running")
    return {
        "version": __version__,
        "status": state,
        "problems": problems,
        "now": rfc3339(now),
        "lag_seconds": seconds(lag),
        **asdict(found),
        "started_at": rfc3339(found.started_at),
        "last_tick_at": rfc3339(found.last_tick_at),
        "last_tick_seconds": seconds(found.last_tick_seconds),
        "sources": [_source(each, lang) for each in found.sources],
        "learning": _learning(found.learning, lang),
        "alerting": alerting_status(service),
    }


def alerting_status(service: Service) -> dict[str, Any]:
    """How alerting is doing: what goes on, what waits, and who decides."""
    alerting = service.alerting
    runner = alerting.runner
    told = NotificationStore(service.database).counts()
    return {
        **alerting.records.counts(),
        "inbox_waiting": alerting.inbox.waiting(),
        "notifications_waiting": told.get("pending", 0) + told.get("started", 0),
        "notifications_failed": told.get("failed", 0),
        "warning_precision": precision(service.database, service.clock).document(),
        "leads": runner is not None and runner.leads,
        "leader": Leases(service.database).holder(LEASE),
        "problems": list(alerting.roster.problems),
    }


def _source(source: SourceStatus, lang: Language) -> dict[str, Any]:
    return {
        **asdict(source),
        "asked_at": rfc3339(source.asked_at),
        "answered_at": rfc3339(source.answered_at),
        "seconds": seconds(source.seconds),
        "gaps": [clean(say(gap, lang)) for gap in source.gaps],
    }


def _learning(learning: LearningStatus, lang: Language) -> dict[str, Any]:
    times = ("started_at", "finished_at", "warm_until")
    whole = asdict(learning)
    return {**whole, **{key: rfc3339(whole[key]) for key in times}, "outlook": outlook(learning, lang)}
