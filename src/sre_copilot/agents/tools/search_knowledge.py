"""Search knowledge: passages of documents that fit a question, word for word."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import Arguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.quoting import Quotes
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.domain.knowledge import Retrieved, Scope

QUOTED = 220  # characters of one quote: a sentence or two; the handle has all
KINDS = ("card", "sop", "case", "document", "conversation")


class SearchKnowledgeArguments(Arguments):
    """What is asked, and where to look."""

    question: str = Field(min_length=2, max_length=500, description="The question, in words")
    service: str = Field(default="", max_length=200, description="Only what is said of this service")
    kind: str = Field(
        default="", max_length=30, description="card, sop, case, document or conversation; empty: all"
    )
    limit: int = Field(default=5, ge=1, le=20, description="How many passages at most")


class SearchKnowledge(ReadingTool):
    """Quotes passages with document, heading and page; that nothing fits is said."""

    name = "search_knowledge"
    Arguments = SearchKnowledgeArguments
    said: ClassVar = {
        "en": "Finds passages of runbooks, cards and documents that fit a question, quoted with their place.",
        "zh": "查找与问题相符的手册、经验卡片和文档段落，并注明出处。",
    }

    def answer(self, arguments: SearchKnowledgeArguments, context: ToolContext) -> ToolResult:
        """Retrieve and quote."""
        if context.library is None:
            raise Trouble("no_data", "tool.none.library")
        if arguments.kind and arguments.kind not in KINDS:
            raise Trouble("error", "tool.problem.kind", name=arguments.kind, near=", ".join(KINDS))
        scope = Scope(services=(arguments.service,)) if arguments.service else None
        found = context.library.search(
            arguments.question,
            scope=scope,
            kinds=(arguments.kind,) if arguments.kind else (),
            limit=arguments.limit,
        )
        if not found:
            raise Trouble("no_data", "tool.none.passages")
        quotes, digest = Quotes(), Digest(context)
        for each in found:
            quotes.add(_place(each), [_quote(each)])
        digest.remark("tool.asked.knowledge", count=len(found))
        for each in found:
            if (
                finding := quotes.finding("tool.passage", _place(each), _quote(each), match=each.score)
            ) is not None:
                digest.state(finding)
        table = pl.DataFrame(
            [(_place(each), each.passage.kind, each.score, each.passage.text) for each in found],
            schema=["place", "kind", "score", "text"],
            orient="row",
        )
        return digest.result(quotes.observation, rows=table, quotes=found)


def _place(found: Retrieved) -> str:
    """Document, headings and page."""
    passage = found.passage
    page = f", p. {passage.page}" if passage.page is not None else ""
    return " › ".join([passage.title, *passage.headings]) + page + f" [{passage.id}]"


def _quote(found: Retrieved) -> str:
    text = " ".join(found.passage.text.split())
    return text if len(text) <= QUOTED else text[:QUOTED].rsplit(" ", 1)[0]
