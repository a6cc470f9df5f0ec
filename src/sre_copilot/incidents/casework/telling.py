"""What an investigation concluded, as data that is kept, posted and told: the same for the room, the timeline and the notice to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from sre_copilot.agents.tool import Investigated
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Observation
from sre_copilot.incidents.report.words import LANGUAGES, say

TABLES = ("metrics", "logs", "traces", "transactions")
TOLD = 3  # sentences of evidence in a message of the room; the investigation has all


def concluded(row: Mapping[str, Any], found: Investigated, *, key: str, number: int) -> dict[str, Any]:
    """What a finished investigation says, from its row in `investigations`.

    `headline` and each of `evidence` are sentences by language; `rows` is how many rows of telemetry were read; `outcome` is `fault`, `no_fault`,
    `inconclusive` or, without the rest, `failed`.
    """
    said = row["report"]["evidence"]
    told = {
        "key": key,
        "round": number,
        "investigation_id": row["id"],
        "outcome": row["outcome"],
        "cause": row["cause"],
        "fault_type": row["fault_type"],
        "confidence": row["confidence"],
        "at": row["finished_at"],
        "seconds": row["finished_at"] - row["started_at"],
        "evidence": [
            {lang: said[lang][place] for lang in LANGUAGES} for place in range(len(said[LANGUAGES[0]]))
        ],
        "rows": rows_of(found.observation),
        "unseen": len(found.diagnosis.gaps),
        "problem": "",
    }
    return {**told, "headline": headline(told)}


def failed(problem: str, *, key: str, number: int, at: float) -> dict[str, Any]:
    """What an investigation says that could not be made."""
    told = {
        "key": key,
        "round": number,
        "investigation_id": "",
        "outcome": "failed",
        "cause": "",
        "fault_type": "",
        "confidence": 0.0,
        "at": at,
        "seconds": 0.0,
        "evidence": [],
        "rows": 0,
        "unseen": 0,
        "problem": problem,
    }
    return {**told, "headline": headline(told)}


def headline(told: Mapping[str, Any]) -> dict[str, str]:
    """The conclusion in one line, by language: the cause with its probability, or that there is none, or that it cannot be told."""
    return {lang: say(headline_message(told), lang) for lang in LANGUAGES}


def headline_message(told: Mapping[str, Any]) -> Message:
    """The sentence of the conclusion."""
    outcome = told["outcome"]
    percent = round(100 * told["confidence"])
    if outcome == "fault":
        params = (("cause", told["cause"]), ("fault_type", told["fault_type"]), ("percent", percent))
        key = "casework.ready.fault" if told["fault_type"] else "casework.ready.fault.unknown"
        return Message(key=key, params=params)
    if outcome == "failed":
        return Message(key="casework.ready.failed", params=(("problem", told["problem"]),))
    return Message(key=f"casework.ready.{outcome}", params=(("unseen", told["unseen"]),))


def command(incident_id: str, told: Mapping[str, Any], *, room_id: str) -> dict[str, Any]:
    """The arguments of the command `incident.diagnosis`; telling it twice under one `key` tells nothing new."""
    said = {name: value for name, value in told.items() if name not in ("helpless", "resting")}
    return {"incident_id": incident_id, "room_id": room_id, **said}


def in_the_room(told: Mapping[str, Any], lang: str) -> str:
    """The conclusion as it is said in the room: one line, and what it rests on."""
    evidence = [f"- {each[lang]}" for each in told["evidence"][:TOLD]]
    return "\n".join([told["headline"][lang], *evidence])


def rows_of(observation: Observation) -> int:
    """How many rows of telemetry were looked at."""
    tables = (getattr(observation.current, name) for name in TABLES)
    return sum(table.height for table in tables if isinstance(table, pl.DataFrame))
