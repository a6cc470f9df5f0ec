"""`sre-copilot tools`: what there is to ask with, and asking one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.agents.tool import ToolResult
from sre_copilot.agents.toolbox import Toolbox, schema_of
from sre_copilot.app.tools import all_tools, case_toolbox, live_toolbox
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.clock import rfc3339
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.words import say
from sre_copilot.perception.case_format.reading import one_case
from sre_copilot.settings.document import Settings
from sre_copilot.settings.loading import find, load

FAILED = 1
app = typer.Typer(help="Tools that agents read telemetry and knowledge with.", no_args_is_help=True)
LanguageOption = Annotated[Language | None, typer.Option(help="Language (default: the locale's).")]
Output = Annotated[str, typer.Option("--output", "-o", help="table or json.")]


@app.command("list")
def list_tools(lang: LanguageOption = None, output: Output = "table", config: ConfigFile = None) -> None:
    """List every tool with its arguments, those of your own checks and servers included.

    Exit code 0: listed; 2: the configuration cannot be used.
    """
    language = _language(lang)
    tools = all_tools(_settings(config))
    try:
        rows: list[dict[str, Any]] = [
            {"name": name, "role": tool.needs, "description": tool.description(language), "parameters": schema_of(tool)}
            for name, tool in sorted(tools.tools.items())
        ]  # fmt: skip
    finally:
        tools.close()
    if _is_json(output):
        document = {"tools": rows, "left_out": dict(tools.left_out)}
        return print_document(json.dumps(document, indent=2, ensure_ascii=False))
    table = Table()
    for column in ("tool", "role", "what it answers", "arguments"):
        table.add_column(column, overflow="fold")
    for row in rows:
        arguments = ", ".join(row["parameters"].get("properties", {}))
        table.add_row(*map(Text, (row["name"], row["role"], row["description"], arguments)))
    console = table_console()
    console.print(table)
    for name, why in tools.left_out.items():
        console.print(Text(f"left out: {name}: {why}"))
    return None


@app.command("run")
def run_tool(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the tool.", show_default=False)],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Its arguments.", show_default=False)
    ] = None,
    *,
    case: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Recorded case to look at (default: the configured sources).",
            show_default=False,
        ),
    ] = None,
    lang: LanguageOption = None,
    output: Output = "table",
    config: ConfigFile = None,
) -> None:
    """Ask one tool about a recorded case, or about the configured sources.

    Exit code 0: answered, also that there is no data; 1: the tool could not answer; 2: usage.
    """
    language = _language(lang)
    is_json = _is_json(output)
    given = pairs(arguments or [])
    with _toolbox(case, language, config) as toolbox:
        tool = toolbox.tool(name)
        typed = given if tool is None else by_schema(given, schema_of(tool))
        result = toolbox.use(name, typed)
    _print(name, typed, result, language, is_json=is_json)
    if result.outcome in ("error", "approval_required"):
        raise typer.Exit(FAILED)


def _print(name: str, typed: dict[str, Any], result: ToolResult, language: Lang, *, is_json: bool) -> None:
    if is_json:
        print_document(
            json.dumps(as_document(name, typed, result, language), indent=2, ensure_ascii=False, default=str)
        )
    else:
        console = Console(highlight=False, soft_wrap=True)
        console.print(Text(f"{result.outcome}\n{result.digest}"))


def pairs(arguments: list[str]) -> dict[str, str]:
    """`key=value` as a mapping.

    Raises
    ------
    typer.BadParameter : names what is none
    """
    found = {}
    for each in arguments:
        key, sign, value = each.partition("=")
        if not sign or not key.isidentifier():
            raise typer.BadParameter(f"{each!r} is no argument; write KEY=VALUE")
        found[key] = value
    return found


def by_schema(given: dict[str, str], schema: dict[str, Any]) -> dict[str, Any]:
    """Values in the types that the schema names; what does not fit stays a text, and the tool says so."""
    typed: dict[str, Any] = {}
    for key, value in given.items():
        about = schema.get("properties", {}).get(key, {})
        kinds = {about.get("type"), *(each.get("type") for each in about.get("anyOf", []))}
        typed[key] = _value(value) if kinds & {"integer", "number", "boolean", "array", "object"} else value
    return typed


def as_document(name: str, arguments: dict[str, Any], result: ToolResult, lang: Lang) -> dict[str, Any]:
    """A result for machines."""
    return {
        "tool": name,
        "arguments": arguments,
        "outcome": result.outcome,
        "digest": result.digest,
        "problem": result.problem,
        "findings": [
            {"id": each.id, "kind": each.kind, "entity": each.entity, "said": say(each.message, lang)}
            for each in result.findings
        ],
        "gaps": [say(gap.message, lang) for gap in result.gaps],
        "asked": [
            {"source": each.source, "query": each.text, "start": rfc3339(each.window.start if each.window else None)}
            for each in result.asked
        ],
        "rows": 0 if result.rows is None else result.rows.height,
    }  # fmt: skip


@contextmanager
def _toolbox(case: Path | None, language: Lang, config: Path | None) -> Iterator[Toolbox]:
    """Whoever has the command line has the machine: their role is that of an admin."""
    settings = _settings(config)
    if case is not None:
        one_case(case)
        with case_toolbox(case, settings, lang=language, role="admin") as toolbox:
            yield toolbox
        return
    if find(config) is None and not settings.sources:
        raise UsageError(
            "Nothing to look at. Name a recorded case with --case DIR, or a configuration with --config FILE."
        )
    with live_toolbox(settings, lang=language, role="admin") as toolbox:
        yield toolbox


def _language(chosen: Language | None) -> Lang:
    return "zh" if (chosen or default_language()) is Language.ZH else "en"


def _settings(config: Path | None) -> Settings:
    return load(config)


def _is_json(output: str) -> bool:
    if output not in ("table", "json"):
        raise typer.BadParameter(f"--output {output!r} is no form; write table or json")
    return output == "json"


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
