"""Similar incidents: known faults that fit what is found now."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.quoting import Quotes
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.tools.localise import LocaliseArguments, investigated
from sre_copilot.domain.knowledge import Recalled


class SimilarIncidentsArguments(LocaliseArguments):
    """Of which incident, and how many."""

    fault_type: str = Field(default="", max_length=100, description="Type of fault, where it is known")
    limit: int = Field(default=5, ge=1, le=20, description="How many at most")


class SimilarIncidents(ReadingTool):
    """Recalls known faults by the findings of the present one; it tells them, it does not judge by them."""

    name = "similar_incidents"
    Arguments = SimilarIncidentsArguments
    said: ClassVar = {
        "en": "Recalls known faults that fit what is found now, with what helped then.",
        "zh": "回忆与当前发现相符的历史故障，以及当时有效的措施。",
    }

    def answer(self, arguments: SimilarIncidentsArguments, context: ToolContext) -> ToolResult:
        """Recall by what the core considers."""
        if context.library is None:
            raise Trouble("no_data", "tool.none.library")
        found = investigated(arguments, context)
        recalled = context.library.recall(
            found.considered,
            observation=found.observation,
            fault_type=arguments.fault_type,
            limit=arguments.limit,
        )
        if not recalled:
            raise Trouble("no_data", "tool.none.recalled")
        digest = Digest(context)
        digest.remark("tool.asked.recalled", count=len(recalled))
        quotes = Quotes(found.observation)
        for each in recalled:
            quotes.add(_key(each), _lines(each))
        for each in recalled:
            for number, line in enumerate(_lines(each)):
                kind = "tool.recalled" if number == 0 else "tool.quoted"
                params = {"match": each.match, "margin": each.margin} if number == 0 else {}
                if (finding := quotes.finding(kind, _key(each), line, **params)) is not None:
                    digest.state(finding)
        table = pl.DataFrame(
            [(_key(each), each.match, each.margin, each.confirmed, each.certain) for each in recalled],
            schema=["known", "match", "margin", "confirmed", "certain"],
            orient="row",
        )
        return digest.result(quotes.observation, rows=table, recalled=recalled)


def _key(recalled: Recalled) -> str:
    card, past = recalled.card, recalled.past
    return f"card {card.id}" if card else f"past fault {past.id}" if past else "known fault"


def _lines(recalled: Recalled) -> list[str]:
    """What is known of it, as it was written."""
    card, past = recalled.card, recalled.past
    if card:
        texts = [card.title, card.root_cause, card.measure]
    elif past:
        texts = [past.summary, past.fault_type, past.measure]
    else:
        texts = []
    return [" ".join(text.split()) for text in texts if text.strip()]
