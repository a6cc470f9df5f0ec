"""`sre-copilot knowledge`: add documents, ask them, look after them."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.app.knowing import open_knowledge, open_shelf
from sre_copilot.app.storing import open_database
from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.knowledge_cards import cards_app, proposals_app, review_app
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.clock import rfc3339
from sre_copilot.domain.knowledge import Kind, Retrieved, Scope
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.knowledge.answering import Answered
from sre_copilot.knowledge.shelf import Added, Shelf
from sre_copilot.settings.loading import load

FAILED = 1
app = typer.Typer(help="Add documents, ask them, look after them.", no_args_is_help=True)
app.add_typer(cards_app, name="card")
app.add_typer(review_app, name="review")
app.add_typer(proposals_app, name="proposals")


class Output(StrEnum):
    """Form of a result."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Form of the result.")]
Services = Annotated[
    list[str] | None, typer.Option("--service", metavar="NAME", help="A service; repeatable.")
]
Severity = Annotated[str, typer.Option(metavar="NAME", help="A severity.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A label; repeatable.")
]


@app.command("add")
def add(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Files and folders.", show_default=False)
    ],
    *,
    service: Services = None,
    severity: Severity = "",
    label: Labels = None,
    kind: Annotated[
        str,
        typer.Option(metavar="KIND", help="document, sop, case or conversation; default: as the file says."),
    ] = "",
    output: OutputOption = Output.TABLE,
    config: ConfigFile = None,
) -> None:
    """Add documents, or renew those that changed; one that cannot be read stops no other.

    What looks like an advertisement, gives orders to a machine, or hides text is put aside until `knowledge accept`.
    Exit code 1: some could not be read.
    """
    scope = _scope(service, severity, label)
    shelf = _shelf(config)
    with shown() as progress:
        added = shelf.add_all(paths, kind=_kind(kind), scope=scope, progress=progress)
        encoded = shelf.encode(progress=progress)
    _print_added(added, encoded, output)
    if any(each.outcome == "failed" for each in added):
        raise typer.Exit(FAILED)


@app.command("search")
def search(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="In English or Chinese.", show_default=False)
    ],
    *,
    service: Services = None,
    severity: Severity = "",
    label: Labels = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only this kind; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Passages at most.")] = 5,
    output: OutputOption = Output.TABLE,
    config: ConfigFile = None,
) -> None:
    """Quote what answers a question, with document and page; else say that nothing was found and list what is nearest."""
    settings = load(config)
    knowledge = open_knowledge(settings, open_database(settings))
    kinds = tuple(filter(None, map(_kind, kind or ())))
    answered = knowledge.answer(question, scope=_scope(service, severity, label), kinds=kinds, limit=limit)
    origins = {row["id"]: (row["origin"], row["paging"]) for row in knowledge.shelf.store.documents()}
    if output is Output.JSON:
        print_document(json.dumps(_as_dict(answered, origins), ensure_ascii=False, indent=2))
        return
    console = table_console()
    console.print(_verdict(answered), markup=False, highlight=False)
    for each in answered.quotes or answered.nearest:
        console.print(Text(f"\n[{each.score:.2f}] {_place(each, origins)}", style="bold"))
        console.print(Text(_clean(each.passage.text)))


@app.command("list")
def list_documents(
    *,
    aside: Annotated[bool, typer.Option("--aside", help="Only those that were put aside.")] = False,
    output: OutputOption = Output.TABLE,
    config: ConfigFile = None,
) -> None:
    """List the documents: id, title, kind, pages, passages, and why one was put aside."""
    rows = _shelf(config).store.documents(standing="quarantined" if aside else "")
    if output is Output.JSON:
        print_document(json.dumps([_row(row) for row in rows], ensure_ascii=False, indent=2))
        return
    table = Table()
    for column in ("id", "title", "kind", "language", "pages", "passages", "changed", "standing", "from"):
        table.add_column(column)
    for row in rows:
        standing = "; ".join(
            [row["standing"], *row["reasons"]] if row["standing"] != "ready" else [row["standing"]]
        )
        cells = (
            row["title"],
            row["kind"],
            row["lang"],
            str(row["pages"] or ""),
            str(row["passages"]),
            rfc3339(row["updated_at"]) or "",
            standing,
            row["origin"],
        )
        table.add_row(row["id"], *(Text(one_line(cell)) for cell in cells))
    table_console().print(table)


@app.command("remove")
def remove(
    key: Annotated[str, typer.Argument(metavar="ID", help="Id of the document.", show_default=False)],
    config: ConfigFile = None,
) -> None:
    """Delete a document with its passages and vectors."""
    if not _shelf(config).remove(key):
        raise UsageError(f"{key}: there is no such document; `sre-copilot knowledge list` names them")
    typer.echo(f"{key} is removed")


@app.command("accept")
def accept(
    key: Annotated[str, typer.Argument(metavar="ID", help="Id of the document.", show_default=False)],
    config: ConfigFile = None,
) -> None:
    """Let a document be used that was put aside: you have read it."""
    shelf = _shelf(config)
    if not shelf.accept(key):
        raise UsageError(f"{key}: there is no such document; `sre-copilot knowledge list --aside` names them")
    shelf.encode()
    typer.echo(f"{key} is used from now on")


@app.command("reindex")
def reindex(config: ConfigFile = None) -> None:
    """Make the vectors that the configured encoder lacks, and forget those of others; go on where a stopped run ended."""
    with shown() as progress:
        count = _shelf(config).reindex(progress=progress)
    typer.echo(f"{count} passages were encoded")


def _shelf(config: Path | None) -> Shelf:
    settings = load(config)
    return open_shelf(settings, open_database(settings))


def _kind(name: str) -> Kind | None:
    if name and name not in get_args(Kind):
        raise UsageError(f"--kind {name}: is none of {', '.join(get_args(Kind))}")
    return cast(Kind, name) if name else None


def _scope(services: list[str] | None, severity: str, labels: list[str] | None) -> Scope | None:
    pairs = [tuple(each.split("=", 1)) for each in labels or ()]
    if any(len(pair) != 2 for pair in pairs):
        raise UsageError("--label: write KEY=VALUE")
    if not services and not severity and not pairs:
        return None
    return Scope(
        services=tuple(services or ()), severity=severity, labels=tuple((key, value) for key, value in pairs)
    )


def _print_added(added: tuple[Added, ...], encoded: int, output: Output) -> None:
    if output is Output.JSON:
        print_document(json.dumps([_added(each) for each in added], ensure_ascii=False, indent=2))
        return
    counts = {
        name: sum(each.outcome == name for each in added)
        for name in dict.fromkeys(each.outcome for each in added)
    }
    typer.echo(", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing to add")
    typer.echo(f"{encoded} passages were encoded")
    for each in added:
        if each.reasons:
            Console().print(
                Text(
                    one_line(
                        f"{each.outcome}: {each.document_id or '-'} {each.origin}: {'; '.join(each.reasons)}",
                        1000,
                    )
                ),
                soft_wrap=True,
            )


def _added(each: Added) -> dict[str, Any]:
    return {
        "origin": each.origin,
        "outcome": each.outcome,
        "id": each.document_id,
        "title": each.title,
        "passages": each.passages,
        "reasons": list(each.reasons),
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    times = {"added_at": rfc3339(row["added_at"]), "updated_at": rfc3339(row["updated_at"])}
    return {**row, **times}


def _verdict(answered: Answered) -> str:
    if answered.quotes:
        return "These passages answer; they are quoted word by word."
    about = f" Not spoken of: {', '.join(answered.missing)}." if answered.missing else ""
    return f"Nothing was found that answers.{about}" + (
        " Nearest, but no answer:" if answered.nearest else ""
    )


def _place(found: Retrieved, origins: dict[str, tuple[str, str]]) -> str:
    origin, paging = origins.get(found.passage.document_id, ("", "none"))
    known = {"rendered": " as Word last laid it out", "breaks": " by its page breaks"}.get(paging, "")
    page = f", page {found.passage.page}{known}" if found.passage.page is not None else ""
    headings = " > ".join(found.passage.headings)
    return one_line(f"{found.passage.title}{page} ({headings}) {origin}", 500)


def _clean(text: str) -> str:
    return "\n".join(one_line(line, 5000) for line in text.split("\n"))


def _as_dict(answered: Answered, origins: dict[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        "answered": bool(answered.quotes),
        "missing": list(answered.missing),
        "quotes": [_quoted(each, origins) for each in answered.quotes],
        "nearest": [_quoted(each, origins) for each in answered.nearest],
    }


def _quoted(found: Retrieved, origins: dict[str, tuple[str, str]]) -> dict[str, Any]:
    passage = found.passage
    origin, paging = origins.get(passage.document_id, ("", "none"))
    place = {
        "document": passage.document_id,
        "title": passage.title,
        "origin": origin,
        "page": passage.page,
        "page_known_by": paging,
    }
    return {**place, "headings": list(passage.headings), "text": passage.text, "score": round(found.score, 3)}
