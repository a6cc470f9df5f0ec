"""Tools that write, for responders, where the operator allows them: tell a change, label, draft a card. None of them acts on a system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sre_copilot.clock import Clock
from sre_copilot.errors import UsageError
from sre_copilot.incidents.watch.journal import change_row
from sre_copilot.knowledge.cards import parse_card
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.labels import Labels
from sre_copilot.mcp.offer import Caller, Offer, parameters, text
from sre_copilot.perception.changes import parse_change
from sre_copilot.store.database import Database
from sre_copilot.store.records import change_records


class Written:
    """Writes into a store in the name of an agent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def offers(self) -> dict[str, Offer]:
        """The tools."""
        made = (
            Offer(
                name="tell_change",
                title="tell a change",
                description="Tell that something was changed (a deployment, a configuration, a flag), so that it is looked at as a cause.",
                parameters=parameters(
                    ("service", "text"),
                    service=text("What was changed.", most=300),
                    text=text("What was done.", most=2000),
                    kind=text("deployment, configuration, flag …", most=100),
                    at={
                        "type": "string",
                        "format": "date-time",
                        "description": "When; now where it is left out.",
                    },
                ),
                run=self._change,
                needs="responder",
                writes=True,
            ),
            Offer(
                name="label",
                title="label a finding",
                description="Say whether a finding, claim, output or card of an investigation was right; a person reviews what follows from it.",
                parameters=parameters(
                    ("investigation_id", "target", "target_id", "right"),
                    investigation_id=text("Of which investigation.", most=100),
                    target={"type": "string", "enum": ["finding", "claim", "output", "card"]},
                    target_id=text("Its id.", most=100),
                    right={"type": "boolean"},
                    note=text("Why.", most=4000),
                ),
                run=self._label,
                needs="responder",
                writes=True,
            ),
            Offer(
                name="draft_card",
                title="draft an experience card",
                description="Write down an experience as a card in Markdown; it is used after a person has accepted it.",
                parameters=parameters(
                    ("markdown",), markdown=text("The card.", most=200_000), note=text("Why.", most=4000)
                ),
                run=self._card,
                needs="responder",
                writes=True,
            ),
        )
        return {each.name: each for each in made}

    def _change(self, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        told = {"kind": "change", **{key: value for key, value in arguments.items() if key != "at"}}
        if "at" in arguments:
            told["ts"] = arguments["at"]
        now = self._clock.now()
        rows = [change_row(each, at=now) for each in parse_change(told, received=now)]
        new = change_records(self._database).save(rows)
        return {"text": f"kept: {len(rows)}, new: {new}", "ids": [row["id"] for row in rows]}

    def _label(self, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        kept = Labels(self._database, self._clock).add(by=caller.name, role=caller.role, **arguments)
        return {"text": f"kept as {kept.id}", **asdict(kept)}

    def _card(self, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Keep a card that is not there yet: one that people accepted is theirs to change."""
        shelf = Experience(self._database, self._clock)
        card = parse_card(arguments["markdown"], name="markdown")
        if shelf.has_card(card.id):
            raise UsageError(
                f"markdown: there is a card {card.id!r} already; a person changes it. Use another id."
            )
        note = arguments.get("note", "") or "drafted"
        kept = shelf.save(replace(card, standing="draft"), by=caller.name, note=note)
        return {"text": f"card {kept.id} waits for a review", "id": kept.id, "standing": kept.standing}
