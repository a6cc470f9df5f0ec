"""What a store knows, as tools and documents: open anomalies, expected breaches, recent investigations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sre_copilot.agents.toolkit.inert import inert_value
from sre_copilot.clock import Clock, rfc3339
from sre_copilot.mcp.offer import Document, Offer, parameters
from sre_copilot.settings.section import Role
from sre_copilot.store.database import Database
from sre_copilot.store.records import Records, anomaly_records, breach_records, investigation_records

ANOMALIES, INVESTIGATIONS = "sre-copilot://anomalies/open", "sre-copilot://investigations/recent"
RECENT_S = 7 * 86_400.0  # a week, so that what happened last Friday is found
MOST = 50  # rows of a list: what an agent reads
HOURS = {"type": "number", "minimum": 0.1, "maximum": 720, "description": "So many hours back (default 24)."}
SERVICE = {"type": "string", "maxLength": 300, "description": "Only of this service."}
MaySee = Callable[[Role, str], bool]
"""Whether a role may see what a source holds ('' asks for all sources)."""


class Watched:
    """Reads what the watch keeps, for somebody with a role."""

    def __init__(self, database: Database, clock: Clock, may_see: MaySee) -> None:
        self._clock = clock
        self._may_see = may_see
        self._anomalies = anomaly_records(database)
        self._breaches = breach_records(database)
        self._investigations = investigation_records(database)

    def offers(self) -> dict[str, Offer]:
        """Tools that list."""
        anomalies = Offer(
            name="list_anomalies",
            title="list anomalies",
            description="Anomalies that the watch told in the last hours and those that still go on: what, where, since when, how far from normal.",
            parameters=parameters((), hours=HOURS, service=SERVICE),
            run=lambda arguments, caller: _listed("anomalies", self.anomalies(arguments, caller.role)),
        )
        breaches = Offer(
            name="list_breaches",
            title="list expected breaches",
            description="Limits that will be crossed in the coming hours: which metric, about when, how likely.",
            parameters=parameters((), hours=HOURS, service=SERVICE),
            run=lambda arguments, caller: _listed("breaches", self.breaches(arguments, caller.role)),
        )
        return {each.name: each for each in (anomalies, breaches)}

    def documents(self) -> dict[str, Document]:
        """Documents that are read by their address."""
        return {
            each.uri: each
            for each in (
                Document(
                    uri=ANOMALIES,
                    name="open anomalies",
                    description="What is abnormal now.",
                    read=lambda caller: {"items": self._going_on(caller.role)},
                ),
                Document(
                    uri=INVESTIGATIONS,
                    name="recent investigations",
                    description="What was investigated in the last week: outcome, cause, confidence, evidence.",
                    read=lambda caller: {"items": self.investigations(caller.role)},
                ),
            )
        }

    def anomalies(self, arguments: Mapping[str, Any], role: Role) -> list[dict[str, Any]]:
        """Anomalies of the last hours, the latest first."""
        return [self._anomaly(row, role) for row in self._rows(self._anomalies, arguments)]

    def breaches(self, arguments: Mapping[str, Any], role: Role) -> list[dict[str, Any]]:
        """Breaches that are expected."""
        return [self._breach(row, role) for row in self._rows(self._breaches, arguments)]

    def investigations(self, role: Role) -> list[dict[str, Any]]:
        """Investigations of the last week; whoever may not see all sources is not told the evidence."""
        whole = self._may_see(role, "")
        rows = self._investigations.page(since=self._clock.now() - RECENT_S, limit=MOST).rows
        return [
            {
                "id": row["id"],
                "finished_at": rfc3339(row["finished_at"]),
                "outcome": row["outcome"],
                "cause": row["cause"],
                "fault_type": row["fault_type"],
                "confidence": row["confidence"],
                "evidence": list(row["report"]["evidence"].get("en", [])) if whole else [],
                "hidden": not whole,
            }
            for row in rows
        ]

    def _going_on(self, role: Role) -> list[dict[str, Any]]:
        rows = sorted(self._anomalies.open(), key=lambda row: (-row["score"], -row["since"]))
        return [self._anomaly(row, role) for row in rows[:MOST]]

    def _rows(self, records: Records, arguments: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        chosen = {"entity": arguments["service"]} if arguments.get("service") else {}
        since = self._clock.now() - float(arguments.get("hours", 24)) * 3600
        return records.page(since=since, limit=MOST, **chosen).rows

    def _anomaly(self, row: Mapping[str, Any], role: Role) -> dict[str, Any]:
        shown = self._may_see(role, row["source"])
        return {
            "id": row["id"],
            "entity": row["entity"],
            "metric": row["metric"],
            "severity": row["severity"],
            "score": row["score"],
            "since": rfc3339(row["since"]),
            "closed_at": rfc3339(row["closed_at"]),
            "sentence": row["finding"]["sentences"].get("en", "") if shown else "",
            "hidden": not shown,
        }

    def _breach(self, row: Mapping[str, Any], role: Role) -> dict[str, Any]:
        shown = self._may_see(role, row["source"])
        return {
            "id": row["id"],
            "entity": row["entity"],
            "metric": row["metric"],
            "at": rfc3339(row["at"]),
            "earliest": rfc3339(row["earliest"]),
            "latest": rfc3339(row["latest"]),
            "probability": row["probability"],
            "limit": row["limit_value"] if shown else None,
            "direction": row["direction"],
            "hidden": not shown,
        }


def _listed(name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    safe: list[dict[str, Any]] = inert_value(items)
    lines = [
        ", ".join(f"{key} {value}" for key, value in each.items() if value not in ("", None, False))
        for each in safe
    ]
    return {"text": "\n".join(lines) or f"no {name}", "items": safe}
