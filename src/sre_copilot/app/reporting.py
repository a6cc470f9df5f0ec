"""Reports of incidents, wired: records out of the store, what is known beside them, and every form in which a report is given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sre_copilot.action.notify.notifier import Attachment
from sre_copilot.action.notify.registry import attaches
from sre_copilot.clock import Clock
from sre_copilot.domain.notification import Notification
from sre_copilot.errors import UsageError
from sre_copilot.incidents.postmortem import markdown, page
from sre_copilot.incidents.postmortem.build import build
from sre_copilot.incidents.postmortem.document import document
from sre_copilot.incidents.postmortem.model import Postmortem, Section, SectionName, line
from sre_copilot.incidents.postmortem.pdf import PdfError, pdf_of, printer
from sre_copilot.incidents.postmortem.records import read
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import word
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.labels import Label, Labels
from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.telemetry import log

Form = Literal["json", "md", "html", "pdf"]
FORMS: tuple[Form, ...] = ("json", "md", "html", "pdf")
MEDIA: Mapping[Form, str] = {
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}
NAMED = ("postmortem.cause.fault", "postmortem.cause.fault_untyped")
"""Headlines that name a cause; of a disputed one a message does not speak as of one."""
MOST_ATTACHED = 10 * 1024 * 1024  # bytes: with its base64 within the 14 MB and more that mail servers take
MOST_PRINTED = 100
"""Lines of each section in a PDF, the earliest: several pages, and a few seconds of work; every other form has all."""
MOST_LINES = 5  # of each section in a message: the report itself has all
IN_A_MESSAGE: tuple[SectionName, ...] = ("impact", "bad", "follow_ups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A report in one form; `missing` are characters that no font of this system has (PDF)."""

    content: bytes
    media: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """Makes reports; each is made anew of what is kept now, and none is kept itself."""

    settings: Settings
    database: Database
    clock: Clock

    def report(self, key: str, *, hidden: bool = False) -> Postmortem | None:
        """The report of an incident, by id or number; None where there is none. `hidden`: without what was concluded from the sources."""
        records = read(
            self.database, key, now=self.clock.now(), hidden=hidden, covering=self._covering, judged=self._judged
        )  # fmt: skip
        return build(records) if records is not None else None

    def send(self, report: Postmortem, receivers: Sequence[str], *, lang: Language, who: str) -> list[str]:
        """Tell receivers of a report, each once for each call; the keys of the notifications.

        Raises
        ------
        UsageError : when a receiver is not configured
        """
        known = {each.name for each in self.settings.alerting.notify.known()}
        for receiver in receivers:
            if receiver not in known:
                raise UsageError(f"receivers: {receiver!r} is not configured. There are: {', '.join(sorted(known)) or 'none'}.")  # fmt: skip
        told = [self._notification(report, each, lang=lang, who=who) for each in dict.fromkeys(receivers)]
        with self.database.write() as connection:
            NotificationStore(self.database).insert(connection, told)
        return [each.key for each in told]

    def _notification(self, report: Postmortem, receiver: str, *, lang: Language, who: str) -> Notification:
        now = self.clock.now()
        return Notification(
            key=f"report/{report.incident_id}/{receiver}/{now:.3f}",
            group=report.incident_id,
            receiver=receiver,
            state="updated",
            sequence=1,
            created_at=now,
            content={
                **content_of(report, lang),
                "links": self._links(report, lang),
                "sent_by": who,
                "attach": {"report": report.incident_id, "lang": lang},
            },
        )

    def carried(self, receivers: Sequence[str]) -> tuple[list[str], list[str]]:
        """Services (`RECEIVER: TYPE`) to which the report goes as a file, and those that carry none."""
        known = {each.name: each for each in self.settings.alerting.notify.known()}
        chosen = [known[name] for name in dict.fromkeys(receivers) if name in known]
        services = [(each.name, str(entry["type"])) for each in chosen for entry in each.notifiers]
        with_file = [f"{name}: {kind}" for name, kind in services if attaches(kind)]
        without = [f"{name}: {kind}" for name, kind in services if not attaches(kind)]
        return list(dict.fromkeys(with_file)), list(dict.fromkeys(without))

    def attached(self, wanted: Mapping[str, Any]) -> tuple[Attachment, ...]:
        """The file that goes along with a message about a report: a PDF, or the page where none can be made here; none where it would be larger than mail servers take."""
        report = self.report(str(wanted["report"]))
        if report is None:
            return ()
        lang: Language = "zh" if wanted.get("lang") == "zh" else "en"
        form, found = _readable(report, lang)
        if len(found.content) > MOST_ATTACHED:
            log(__name__).error("a report is too large to be attached", incident=report.incident_id, bytes=len(found.content))  # fmt: skip
            return ()
        return (Attachment(name=f"{report.incident_id}.{form}", media=found.media, content=found.content),)

    def _links(self, report: Postmortem, lang: Language) -> list[list[str]]:
        base = self.settings.alerting.notify.external_url.rstrip("/")
        address = f"{base}/api/v1/incidents/{report.incident_id}/report?format=html&lang={lang}"
        return [[address, word("postmortem.link", lang)]] if base else []

    def _covering(self, fault_type: str, service: str) -> list[str]:
        if not fault_type:
            return []
        kept = Experience(self.database, self.clock).cards(standing="accepted", fault_type=fault_type)
        fitting = [each for each in kept if not each.scope.services or service in each.scope.services]
        return [each.id for each in fitting]

    def _judged(self, incident_id: str, investigation_id: str) -> list[dict[str, Any]]:
        labels = Labels(self.database, self.clock)
        found = [*labels.all(target="incident", target_id=incident_id)]
        if investigation_id:
            found += labels.all(target="output", investigation_id=investigation_id)
        return [asdict(each) | {"note": each.note or _corrected(each)} for each in found]


def _corrected(label: Label) -> str:
    """What a person says that it was in truth."""
    return "; ".join(str(value) for value in label.correction.values() if value)


def _readable(report: Postmortem, lang: Language) -> tuple[Form, Written]:
    """As people read it from a file."""
    try:
        return "pdf", written(report, "pdf", lang)
    except PdfError:
        return "html", written(report, "html", lang)


def content_of(report: Postmortem, lang: Language) -> dict[str, Any]:
    """What a message about a report says: the conclusion, the impact, what went badly, and what to do next; the sentences are those of the report."""
    said = [
        report.headline,
        *(each for name in IN_A_MESSAGE for each in report.section(name).lines[:MOST_LINES]),
    ]
    known = dict(report.headline.sentence.params) if report.headline.sentence.key in NAMED else {}
    return {
        **({"cause": known["cause"], "confidence": float(known["percent"]) / 100} if known else {}),
        "incident_id": report.incident_id,
        "title": word("postmortem.sent", lang, incident=report.incident_id, title=report.title),
        "severity": report.severity,
        "priority": report.priority,
        "service": report.services[0] if report.services else "",
        "services": list(report.services),
        "started_at": report.began_at,
        "resolved_at": report.resolved_at,
        "summary": [{"key": each.sentence.key, "params": dict(each.sentence.params)} for each in said],
    }


def printed(report: Postmortem, *, most: int = MOST_PRINTED) -> Postmortem:
    """A report as it is printed: of long sections the first lines, and how many more there are."""
    return replace(report, sections=tuple(_cut(each, most) for each in report.sections))


def _cut(section: Section, most: int) -> Section:
    if len(section.lines) <= most:
        return section
    rest = line("pdf.cut", count=len(section.lines) - most)
    return replace(section, lines=(*section.lines[:most], rest))


def written(report: Postmortem, form: Form, lang: Language, *, wait: bool = True) -> Written:
    """A report in a form; a PDF waits for the one before it.

    Raises
    ------
    PdfError : when a PDF cannot be made here
    PrinterBusyError : when another PDF is being made, and this one shall not `wait`
    """
    if form == "pdf":
        with printer(wait=wait):
            found = pdf_of(page.render(printed(report), lang))
        return Written(content=found.content, media=MEDIA[form], missing=found.missing)
    if form == "json":
        text = json.dumps(document(report, lang), ensure_ascii=False, indent=2, allow_nan=False)
    elif form == "md":
        text = markdown.render(report, lang)
    else:
        text = page.render(report, lang)
    return Written(content=text.encode("utf-8", errors="replace"), media=MEDIA[form])
