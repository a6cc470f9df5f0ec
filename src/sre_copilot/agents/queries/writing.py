"""From words to a query that passed its validator: rules first; where they are not sure a model proposes, and the same validator decides."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, Field

from sre_copilot.agents.prompts import prompt
from sre_copilot.agents.queries import topology
from sre_copilot.agents.queries.judging import accept, explain
from sre_copilot.agents.queries.logql.write import write as write_logql
from sre_copilot.agents.queries.promql.write import write as write_promql
from sre_copilot.agents.queries.request import Request, read
from sre_copilot.agents.queries.schema import Schema
from sre_copilot.agents.queries.search.write import write as write_search
from sre_copilot.agents.queries.sql.write import write as write_sql
from sre_copilot.agents.queries.telling import describe
from sre_copilot.agents.queries.text import parts
from sre_copilot.agents.queries.written import Language, QueryProblem, Source, Written
from sre_copilot.agents.understanding.wording import language as language_of
from sre_copilot.agents.understanding.wording import pattern
from sre_copilot.domain.knowledge import Lang
from sre_copilot.llm.speaking import Ledger, Material, Question, Silent, Speaker

REPAIRS = 2  # a model that is told twice what is wrong and errs again does not know it
LONGEST_WORDS = 1000  # characters of a request; more is a document
_NAMED: tuple[tuple[Language, str], ...] = (
    ("promql", r"\bpromql\b|\bprometheus\b|\bmetricsql\b"),
    ("logql", r"\blogql\b|\bloki\b"),
    ("elasticsearch", r"\belasticsearch\b|\bopensearch\b|\bes\b|\bdsl\b|\bkibana\b"),
    ("sql", r"\bsql\b|\bmysql\b|\bpostgres(?:ql)?\b|\bsqlite\b"),
    (
        "topology",
        r"\btopology\b|\bupstream\b|\bdownstream\b|\bdepend(?:s|enc\w+)\b|\bwho\s+calls\b|拓扑|上游|下游|依赖|调用关系|谁调用",
    ),
)
_PREAMBLE = pattern(
    r"^(?:(?:please|can\s+you|could\s+you|help\s+me|i\s+need|i\s+want|give\s+me|show\s+me|write|generate|create|build|translate|turn)\b[\s,]*|(?:请|帮我|帮忙|麻烦|给我|写|生成|来|用)(?:一[条个段句])?)*\s*(?:me\s+)?(?:an?\s+|the\s+)?(?:promql|logql|prometheus|loki|elasticsearch|opensearch|es|sql|mysql|postgres(?:ql)?|dsl)?\s*(?:的)?(?:dsl)?\s*(?:quer(?:y|ies)|expression|statement|语句|查询语句|查询|表达式)?\s*(?:(?:for|to|that|which|of|returning)\b|[:：,，]|用来|来)?\s*"
)


class Proposed(BaseModel):
    """A query that a model proposes."""

    query: str = Field(description="the query alone, one line, without a remark")


def write(
    words: str, schema: Schema, language: Language | None = None, *, lang: Lang | None = None, now: float | None = None,
    speaker: Speaker | None = None, ledger: Ledger | None = None,
) -> Written:  # fmt: skip
    """Write a query for a request in Chinese or English.

    Parameters
    ----------
    schema : what there is to ask for
    language : which query language; where None the words or the schema decide
    now : epoch seconds; for `today` and its like
    speaker : a model, asked where the rules are not sure; what it proposes is judged like any other query
    """
    words = words[:LONGEST_WORDS]
    said = lang or language_of(words)
    chosen = language or choose(words, schema)
    request = read(_PREAMBLE.sub("", words, count=1) or words)
    written = _by_rules(request, schema, chosen, said, time.time() if now is None else now)
    if written.query and written.sure:
        return written
    asked = _by_model(words, schema, chosen, said, speaker or Silent(), ledger)
    return asked or written


def choose(words: str, schema: Schema) -> Language:
    """The language that the words name, else the one in which most of them can be said."""
    plain = words.lower()
    for language, form in _NAMED:
        if pattern(form).search(plain) and (language in schema.languages):
            return language
    known = [language for language in schema.languages if language != "topology"]
    if len(known) < 2:
        return known[0] if known else "topology"
    scored = []
    for language in known:
        written = _by_rules(read(words), schema, language, "en", 0.0)
        scored.append((not written.query, len(written.unused), known.index(language), language))
    return min(scored)[3]


def _by_rules(request: Request, schema: Schema, language: Language, lang: Lang, now: float) -> Written:
    try:
        query = _written(request, schema, language, now)
        return finished(
            query, language, schema, lang, by="rules", unused=_unused(request, names(schema, language), query)
        )
    except QueryProblem as problem:
        return Written(query="", language=language, problems=(problem.said(lang),), sure=False)


def _written(request: Request, schema: Schema, language: Language, now: float) -> str:
    if language == "promql" and schema.metrics is not None:
        return write_promql(request, schema.metrics)
    if language == "logql" and schema.logs is not None:
        return write_logql(request, schema.logs)
    if language == "elasticsearch" and schema.index is not None:
        return write_search(request, schema.index, now=now)
    if language == "sql" and schema.sql is not None:
        return write_sql(request, schema.sql, now=now)
    if language == "topology":
        return topology.write(request, schema.services)
    raise QueryProblem(
        f"Nothing is known that could be asked in {language}; give a schema, or configure a source.",
        f"没有可用 {language} 查询的数据源；请提供 schema 或配置数据源。",
    )


def finished(
    query: str, language: Language, schema: Schema, lang: Lang, *, by: Source, unused: Sequence[str] = ()
) -> Written:  # fmt: skip
    """A query judged, explained and weighed.

    Raises
    ------
    QueryProblem : when it may not be sent
    """
    accepted = accept(query, language, schema)
    dialect = schema.sql.dialect if schema.sql is not None and language == "sql" else "postgres"
    explained = explain(accepted.query, language, lang, dialect=dialect)
    target = (
        schema.index.index
        if language == "elasticsearch" and schema.index is not None
        else dialect
        if language == "sql"
        else ""
    )
    left = ", ".join(unused)
    doubt = (f"文字中未用到：{left}" if lang == "zh" else f"Not used of the text: {left}.",) if unused else ()
    return Written(
        query=accepted.query, language=language, explanation="\n".join(explained.lines), risk=explained.risk, cost=accepted.cost,
        problems=(*doubt, *explained.problems), unused=tuple(unused), sure=not unused, by=by, target=target,
    )  # fmt: skip


def _by_model(  # noqa: PLR0917 - a private step with its whole context
    words: str, schema: Schema, language: Language, lang: Lang, speaker: Speaker, ledger: Ledger | None
) -> Written | None:
    """What a model proposes, if the validator accepts it; told what was wrong, it may try twice again."""
    if not speaker.available:
        return None
    budget = ledger or speaker.ledger()
    wrong = ""
    for _ in range(REPAIRS + 1):
        if budget.exhausted():
            return None
        reply = speaker.ask(_question(words, schema, language, lang, wrong), ledger=budget)
        if reply.value is None:
            return None
        try:
            return finished(reply.value.query, language, schema, lang, by="model")
        except QueryProblem as problem:
            wrong = f"{reply.value.query}\n{problem}"
    return None


def _question(words: str, schema: Schema, language: Language, lang: Lang, wrong: str) -> Question[Proposed]:
    material = [
        Material(text=words, provenance="request"),
        Material(text=describe(schema, language), provenance="schema"),
    ]
    if wrong:
        material.append(Material(text=wrong, provenance="refused query and why"))
    return Question(
        role="query", instructions=prompt("query", lang).replace("{language}", language), text=f"Write one query in {language} for the request.",
        result=Proposed, material=tuple(material), max_calls=1,
    )  # fmt: skip


def repaired(
    written: Written,
    server_said: str,
    words: str,
    schema: Schema,
    lang: Lang,
    *,
    speaker: Speaker,
    ledger: Ledger | None = None,
) -> Written | None:
    """Another try after a server refused a query, from its own words; None where nobody knows better."""
    if not speaker.available:
        return None
    wrong = f"{written.query}\n{server_said}"
    reply = speaker.ask(
        _question(words, schema, written.language, lang, wrong), ledger=ledger or speaker.ledger()
    )
    if reply.value is None or reply.value.query.strip() == written.query:
        return None
    try:
        return finished(reply.value.query, written.language, schema, lang, by="model")
    except QueryProblem as problem:
        return replace(written, problems=(*written.problems, problem.said(lang)))


_SUBJECTS = frozenset(
    {
        "instance",
        "host",
        "service",
        "app",
        "job",
        "container",
        "pod",
        "namespace",
        "idc",
        "trace",
        "message",
        "msg",
    }
)
_STOP = pattern(
    r"\b(?:the|a|an|of|in|on|at|for|to|from|by|with|and|or|that|which|what|who|is|are|was|were|be|been|has|have|had|do|does|did|it|its|this|these|those|there|then|as|all|any|some|me|us|we|our|their|they|"
    r"show|list|give|find|get|tell|display|see|look|please|how|many|much|where|when|whose|each|per|every|across|among|over|under|during|within|between|last|past|previous|line|lines|log|logs|entries|entry|"
    r"record|records|row|rows|document|documents|value|values|number|count|rate|total|made|through|via|anywhere|everything|anything|only|just|now|currently|right|moment|window|time|times|interval|compared?|same|"
    r"answers?|responses?|requests?|occurs?|occurred|happen(?:ed|s)?|using|used|have|not|no|but|than|more|less|most|least|first|second|seconds|minutes?|hours?|days?|weeks?|bytes|so|far|been|their|out|off|up|down|average|sorted|ordered|grouped|order|s|write|wrote|written|machines?|servers?|hosts?|transactions?|payments?|fields?|answers?|each|most|frequent|calls?|id)\b"
)
_ZH_STOP = pattern(
    r"字段|交易|[的了在有是和与及或个条次笔台名家位行种项件单每各按看查下上中内里过去近最前后从到对把被给请我们你他它这那些哪什么怎多少几以为于之其并且但不没也都就还要能会可用出来去再又让使其当时刻间分秒小天周月年日量数据情况信息统计列显示展示日志请求记录窗口目前现所全部一二三四五六七八九十两:：,，。？?!！、（）()%]"
)


def names(schema: Schema, language: Language) -> tuple[str, ...]:
    """All names that a query of a language may hold."""
    if language == "promql" and schema.metrics is not None:
        return (
            *schema.metrics.metrics,
            *(label for each in schema.metrics.metrics.values() for label in each.labels),
        )
    if language == "logql" and schema.logs is not None:
        return (*schema.logs.labels, *schema.logs.fields)
    if language == "elasticsearch" and schema.index is not None:
        return tuple(schema.index.fields)
    if language == "sql" and schema.sql is not None:
        return (*schema.sql.tables, *(column for each in schema.sql.tables.values() for column in each))
    return ()


def _unused(request: Request, known: Sequence[str], query: str) -> tuple[str, ...]:
    """Words that are in no part of the query; what names a part of it, or what is measured or counted, is used."""
    text = request.text
    for name in dict.fromkeys(known):
        for word in parts(name):
            if name in query or word in _SUBJECTS:
                for span in text.called(word):
                    text.use(span)
    return tuple(word for word in text.unused([_STOP, _ZH_STOP]) if not word.replace(".", "").isdigit())
