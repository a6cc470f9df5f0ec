"""Kubernetes: events, the state of the objects that analysers read, and what was rolled out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Change, Modality, Telemetry, Window
from sre_copilot.errors import SourceRefused, SreCopilotError
from sre_copilot.perception.cluster.access import KubernetesSettings
from sre_copilot.perception.cluster.api import METADATA_ONLY, Kind, KubernetesApi, Listing, Object
from sre_copilot.perception.cluster.events import Owners, latest, log_table, occurrences
from sre_copilot.perception.cluster.rollouts import rollouts, users_of, writings
from sre_copilot.perception.cluster.state import EVENTS, KINDS, Cluster, state
from sre_copilot.perception.cluster.watch import Follower
from sre_copilot.perception.columns import LOGS
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Health, Reading
from sre_copilot.perception.windows import within

SECRETS = Kind("secrets", "Secret")
_WORKLOADS = ("deployments", "statefulsets", "daemonsets")
_WRITTEN = (("config map", "configmaps", "configMap"), ("service", "services", ""), ("ingress", "ingresses", ""),
            ("quota", "resourcequotas", ""))  # fmt: skip
_REFUSED_REMEDY = "give its account a role with get, list and watch; the page “Kubernetes” has one"


@dataclass(slots=True)
class _Answers:
    """What the API server answered in one reading."""

    objects: dict[str, tuple[Object, ...] | None]
    gaps: list[Gap]
    asked: list[Asked]


class KubernetesSource:
    """Reads one cluster, or some of its namespaces."""

    Settings: ClassVar[type[KubernetesSettings]] = KubernetesSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("logs", "state", "changes")

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._api = KubernetesApi(settings, name=self.name)
        self._followers: dict[str, Follower] = {}
        self._masker = Masker(settings)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._settings.name or "kubernetes"

    def read(self, window: Window) -> Reading:
        """Return events of the window as lines of a log, the state of now as outputs of `kubectl`, and changes of the window."""
        answers = _Answers({}, [], [])
        events = self._events(answers, window)
        for kind in KINDS:
            self._ask(answers, kind)
        if events is None and not any(items is not None for items in answers.objects.values()):
            said = answers.gaps[0].message.params if answers.gaps else ()
            raise SourceRefused(
                self.name, f"nothing may be read: {dict(said).get('said')}", remedy=_REFUSED_REMEDY
            )
        return Reading(
            telemetry=self._masker.telemetry(within(self._telemetry(answers, events), window)),
            gaps=tuple(answers.gaps),
            asked=tuple(answers.asked),
        )

    def _telemetry(self, answers: _Answers, events: list[Object] | None) -> Telemetry:
        objects = answers.objects
        seen = occurrences(events or ())
        owners = Owners(objects["pods"] or (), objects["replicasets"] or ())
        logs = None if events is None else log_table(seen, owners)
        cluster = Cluster(
            objects=objects,
            events=tuple(latest(seen)),
            now=time.time(),
            config_values=self._settings.config_values,
            namespaces=self._settings.namespaces,
        )
        return Telemetry(
            logs=logs if logs is None else logs.sort(LOGS.order),
            state=state(cluster),
            changes=tuple(self._changes(answers)),
        )

    def _changes(self, answers: _Answers) -> list[Change]:
        objects = answers.objects
        workloads = [each for plural in _WORKLOADS for each in objects[plural] or ()]
        found = rollouts(objects["replicasets"] or ())
        for words, plural, reference in _WRITTEN:
            users = users_of(workloads, reference) if reference else {}
            found += writings(words, objects[plural] or (), users)
        if self._settings.secret_changes:
            self._ask(answers, SECRETS, accept=METADATA_ONLY)
            found += writings("secret", answers.objects["secrets"] or (), users_of(workloads, "secret"))
        return sorted(found, key=lambda change: (change.ts, change.service, change.text))

    def _ask(self, answers: _Answers, kind: Kind, *, accept: str = "application/json") -> None:
        """List a kind in every namespace that is read; what may not be read is a gap and None."""
        labels = self._settings.label_selector if kind.selected else ""
        listings = []
        for namespace in self._places(kind):
            start = time.monotonic()
            found = self._api.list(kind.path(namespace), labels=labels, accept=accept)
            listings.append(found)
            answers.asked.append(self._asked(kind, namespace, labels, found, time.monotonic() - start))
            answers.gaps += self._gaps(kind, found)
        if all(each.refusal for each in listings):
            answers.objects[kind.plural] = None
        else:
            answers.objects[kind.plural] = tuple(item for each in listings for item in each.items)

    def _places(self, kind: Kind) -> tuple[str, ...]:
        return (self._settings.namespaces or ("",)) if kind.namespaced else ("",)

    def _asked(self, kind: Kind, namespace: str, labels: str, found: Listing, seconds: float) -> Asked:
        place = f" -n {namespace}" if namespace else " -A" if kind.namespaced else ""
        selector = f" -l '{labels}'" if labels else ""
        return Asked(
            source=self.name,
            text=f"kubectl get {kind.plural}{place}{selector} -o json",
            target=self._api.address,
            rows=len(found.items),
            seconds=seconds,
        )

    def _gaps(self, kind: Kind, found: Listing) -> Iterator[Gap]:
        modality: Modality = "logs" if kind is EVENTS else "state"
        if found.refusal:
            params = (("kind", kind.plural), ("said", found.refusal))
            yield Gap(modality=modality, message=Message(key="kubernetes.gap.refused", params=params))
        elif not found.complete:
            params = (("kind", kind.plural), ("count", str(len(found.items))))
            yield Gap(modality=modality, message=Message(key="kubernetes.gap.cut", params=params))

    def _events(self, answers: _Answers, window: Window) -> list[Object] | None:
        """Events by namespace: listed at first, then as the watch saw them; None where none may be read."""
        found: list[Object] = []
        refused = 0
        for namespace in self._places(EVENTS):
            follower = self._followers.get(namespace)
            if follower is not None and follower.running and follower.problem is None:
                found += follower.seen()
                if follower.full:
                    answers.gaps += self._gaps(EVENTS, Listing(follower.seen(), complete=False))
                answers.asked.append(self._watched(namespace, window, len(found)))
                continue
            start = time.monotonic()
            listing = self._api.list(EVENTS.path(namespace))
            answers.asked.append(self._asked(EVENTS, namespace, "", listing, time.monotonic() - start))
            answers.gaps += self._gaps(EVENTS, listing)
            refused += bool(listing.refusal)
            found += (*(follower.seen() if follower else ()), *listing.items)
            ended = follower is None or not follower.running
            if ended and self._settings.watch and not listing.refusal:
                self._follow(namespace, listing)
        return None if refused == len(self._places(EVENTS)) else found

    def _watched(self, namespace: str, window: Window, rows: int) -> Asked:
        place = f" -n {namespace}" if namespace else " -A"
        text = f"kubectl get events{place} --watch -o json"
        return Asked(source=self.name, text=text, target=self._api.address, window=window, rows=rows)

    def _follow(self, namespace: str, listing: Listing) -> None:
        """Follow events with a connection of its own, for one is used by one thread at a time."""
        api = KubernetesApi(self._settings, name=self.name)
        self._followers[namespace] = Follower(api, EVENTS.path(namespace))
        self._followers[namespace].start(listing)

    def health(self) -> Health:
        """Ask for version, clock and permissions."""
        try:
            version, skew = self._api.version()
            kinds = (EVENTS, *KINDS, *((SECRETS,) if self._settings.secret_changes else ()))
            permissions = tuple(self._permission(kind) for kind in kinds)
        except SreCopilotError as error:
            problem, remedy = getattr(error, "problem", str(error)), getattr(error, "remedy", "")
            return Health(
                source=self.name,
                ok=False,
                problem=problem,
                remedy=remedy or "correct the settings named above",
            )
        lacking = [each for each in permissions if each.startswith("-")]
        return Health(
            source=self.name,
            ok=len(lacking) < len(permissions),
            version=version,
            clock_skew_seconds=skew,
            permissions=permissions,
            problem=f"may not read: {', '.join(each.split()[-1] for each in lacking)}" if lacking else "",
            remedy=_REFUSED_REMEDY if lacking else "",
        )

    def _permission(self, kind: Kind) -> str:
        """`+list pods` or `-list pods`: whether every namespace that is read may be listed."""
        verbs = ("list", "watch") if kind is EVENTS and self._settings.watch else ("list",)
        may = all(self._api.may(verb, kind, place) for verb in verbs for place in self._places(kind))
        return f"{'+' if may else '-'}{' '.join(verbs)} {kind.plural}"

    def close(self) -> None:
        """Close connections and end watches."""
        for follower in self._followers.values():
            follower.close()
        self._api.close()

    def __repr__(self) -> str:
        return f"KubernetesSource({self.name})"
