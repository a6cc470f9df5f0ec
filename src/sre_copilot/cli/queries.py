"""`sre-copilot nl2query` and `explain-query`: words to queries, and queries, scripts and configuration to words."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.text import Text

from sre_copilot.agents.functions.code import risk_words
from sre_copilot.agents.queries.explaining.anything import explain
from sre_copilot.agents.queries.explaining.explained import Explained
from sre_copilot.agents.queries.running import discovered, run, source_for
from sre_copilot.agents.queries.schema import DIALECTS, Schema, schema_of
from sre_copilot.agents.queries.writing import write
from sre_copilot.agents.queries.written import LANGUAGES, QueryProblem, Written
from sre_copilot.app import open_configured
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document
from sre_copilot.domain.knowledge import Lang
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError, UsageError
from sre_copilot.perception.source import QuerySource, Source
from sre_copilot.settings.loading import find, load

NOT_WRITTEN = 1
MOST_ROWS = 50
LanguageOption = Annotated[
    Language | None, typer.Option(help="Language of the explanation (default: that of the words).")
]
Output = Annotated[str, typer.Option("--output", "-o", help="text or json.")]


def nl2query(
    words: Annotated[
        str,
        typer.Argument(metavar="WORDS", help="What to ask for, in English or Chinese.", show_default=False),
    ],
    *,
    language: Annotated[
        str | None, typer.Option(help="promql, logql, elasticsearch, sql or topology (default: what fits).")
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What there is to ask for, YAML or JSON (default: what the configured sources have).",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = None,
    run_it: Annotated[
        bool, typer.Option("--run", help="Run the query on the configured source, after its check.")
    ] = False,
    since: Annotated[
        float, typer.Option(min=1, max=10080, help="Minutes back from now that a run covers.")
    ] = 60.0,
    lang: LanguageOption = None,
    output: Output = "text",
) -> None:
    """Write a query for a request in words; it is checked, explained and, on demand, run.

    Exit code 0: written (and run, if asked for); 1: it could not be; 2: usage.
    """
    chosen = next((each for each in LANGUAGES if each == language), None)
    if language and chosen is None:
        raise typer.BadParameter(f"--language {language!r} is none of {', '.join(LANGUAGES)}")
    is_json = _is_json(output)
    said: Lang | None = None if lang is None else ("zh" if lang is Language.ZH else "en")
    with _sources(config, needed=schema is None or run_it) as sources:
        known = schema_of(_document(schema)) if schema is not None else discovered(sources)
        written = write(words, known, chosen, lang=said, now=time.time())
        if not is_json:
            _print(written, said or ("zh" if any("\u3400" <= c <= "\u9fff" for c in words) else "en"))
        rows = _run(written, known, sources, since, shown=not is_json) if run_it and written.query else None
    if is_json:
        print_document(
            json.dumps({**asdict(written), "rows": rows}, indent=2, ensure_ascii=False, default=str)
        )
    if not written.query:
        raise typer.Exit(NOT_WRITTEN)


def explain_query(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT]",
            help="Query, script, alert rule or configuration (default: standard input).",
            show_default=False,
        ),
    ] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", metavar="FILE", help="Read it from a file.", show_default=False),
    ] = None,
    dialect: Annotated[str, typer.Option(help="Of SQL: postgres, mysql or sqlite.")] = "postgres",
    lang: LanguageOption = None,
    output: Output = "text",
) -> None:
    """Explain a query, a script, an alert rule or a configuration in words, with its risk; nothing is run.

    Exit code 0: explained; 1: it is nothing that is known; 2: usage.
    """
    is_json = _is_json(output)
    if dialect not in DIALECTS:
        raise typer.BadParameter(f"--dialect {dialect!r} is none of {', '.join(DIALECTS)}")
    given = _read(file) if file is not None else text if text is not None else sys.stdin.read()
    said: Lang = "zh" if (lang or default_language()) is Language.ZH else "en"
    found = explain(given, said, dialect=dialect)
    if is_json:
        print_document(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    else:
        _print_explained(found, said)
    if found.kind == "unknown":
        raise typer.Exit(NOT_WRITTEN)


def _print(written: Written, lang: Lang) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if written.query:
        console.print(Text(written.query))
        console.print(
            Text(
                f"\n{written.language}{f' ({written.target})' if written.target else ''}. {written.explanation}"
            )
        )
        console.print(Text(risk_words(written.risk, lang)))
    for each in written.problems:
        console.print(Text(each))


def _print_explained(found: Explained, lang: Lang) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for line in (found.kind, *found.lines, risk_words(found.risk, lang), *found.problems):
        console.print(Text(line))


def _run(
    written: Written, schema: Schema, sources: Sequence[QuerySource], minutes: float, *, shown: bool
) -> list[dict[str, Any]]:
    now = time.time()
    try:
        source = source_for(sources, written.language)
        ran = run(written, source, schema, Window(now - 60.0 * minutes, now), limit=MOST_ROWS)
    except (QueryProblem, SourceError) as error:
        raise UsageError(f"The query was not run: {error}") from None
    if shown:
        console = Console(highlight=False, soft_wrap=True)
        cost = ran.written.cost
        console.print(
            Text(
                f"\n{ran.answer.asked.text}\nseries: {cost.series}, points: {cost.points}, rows: {ran.answer.rows.height}"
            )
        )
        for row in ran.answer.rows.iter_rows(named=True):
            console.print(Text("  ".join(f"{name}={value}" for name, value in row.items())))
    return ran.answer.rows.to_dicts()


@contextmanager
def _sources(config: Path | None, *, needed: bool) -> Iterator[list[QuerySource]]:
    if not needed:
        yield []
        return
    if find(config) is None:
        raise UsageError(
            "Nothing is known that could be asked. Give --schema FILE, or a configuration with --config FILE."
        )
    opened: tuple[Source, ...] = open_configured(load(config))
    try:
        yield [each for each in opened if isinstance(each, QuerySource)]
    finally:
        for each in opened:
            each.close()


def _document(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(_read(path))
    except yaml.YAMLError as error:
        raise UsageError(
            f"--schema {path}: is no YAML or JSON: {' '.join(str(error).split())[:160]}"
        ) from None
    if not isinstance(found, dict):
        raise UsageError(
            f"--schema {path}: holds no mapping; see the page “Queries, scripts and their explanations”"
        )
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _is_json(output: str) -> bool:
    if output not in ("text", "json"):
        raise typer.BadParameter(f"--output {output!r} is no form; write text or json")
    return output == "json"
