"""Cards, reviews, labels and proposals, as commands below `sre-copilot knowledge`."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from sre_copilot.app.experience import open_experience
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.clock import rfc3339
from sre_copilot.domain.knowledge import Card
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.cards import parse_card, write_card
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.knowledge.labels import Labels, evaluation_cases
from sre_copilot.knowledge.learning import Decision, edit, review, waiting
from sre_copilot.knowledge.proposals import Proposals
from sre_copilot.settings.loading import load

cards_app = typer.Typer(
    help="Experience cards: what caused a fault, how it shows, what stops the loss.", no_args_is_help=True
)
review_app = typer.Typer(help="Drafts that wait for a person.", no_args_is_help=True)
proposals_app = typer.Typer(
    help="Changes that people's labels speak for; a person decides.", no_args_is_help=True
)

Key = Annotated[str, typer.Argument(metavar="ID", help="Id of it.", show_default=False)]
By = Annotated[
    str,
    typer.Option("--by", metavar="NAME", help="In whose name (default: the account).", show_default=False),
]
Revision = Annotated[
    int | None, typer.Option(min=1, help="Revision of the card that you have read.", show_default=False)
]
Note = Annotated[str, typer.Option("--note", help="Why.", show_default=False)]
Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE|DIR…", help="Markdown files, or folders of them.", show_default=False),
]


class Standing(StrEnum):
    """How a card stands."""

    DRAFT = "draft"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETIRED = "retired"


class Target(StrEnum):
    """What can be labelled."""

    FINDING = "finding"
    CLAIM = "claim"
    OUTPUT = "output"
    CARD = "card"


class Word(StrEnum):
    """What a person says of it."""

    RIGHT = "right"
    WRONG = "wrong"


@cards_app.command("list")
def list_cards(
    *,
    standing: Annotated[Standing | None, typer.Option(help="Only those that stand so.")] = None,
    service: Annotated[
        str, typer.Option(help="Only those that hold for this service.", show_default=False)
    ] = "",
    config: ConfigFile = None,
) -> None:
    """List cards, the last changed first."""
    chosen: Any = standing.value if standing else None
    _print(
        ("id", "title", "fault type", "standing", "trust", "rev."),
        map(_row, _shelf(config).cards(standing=chosen, service=service)),
    )


@cards_app.command("show")
def show_card(
    key: Key,
    *,
    revisions: Annotated[bool, typer.Option("--revisions", help="List its revisions instead.")] = False,
    config: ConfigFile = None,
) -> None:
    """Print a card as Markdown."""
    shelf = _shelf(config)
    if not revisions:
        print_document(write_card(shelf.card(key)).rstrip())
        return
    shelf.card(key)
    rows = (
        (str(row["revision"]), rfc3339(row["at"]) or "", row["by"], row["note"])
        for row in shelf.revisions(key)
    )
    _print(("rev.", "at", "by", "why"), rows)


@cards_app.command("add")
def add_cards(
    files: Files,
    *,
    accept: Annotated[bool, typer.Option("--accept", help="Accept them at once, in your name.")] = False,
    by: By = "",
    config: ConfigFile = None,
) -> None:
    """Add cards; those that are there and differ become a new revision. They wait for a review, unless accepted at once."""
    written = [
        parse_card(read_text(path), name=path.name) for path in _markdown(files)
    ]  # all are read before one is kept
    shelf, name = _shelf(config), by or who()
    for card in written:
        typer.echo(f"{card.id}: {_added(shelf, card, name, accept=accept)}")


@cards_app.command("edit")
def edit_card(
    key: Key,
    file: Annotated[Path, typer.Argument(help="The new text, as `card show` prints it.", show_default=False)],
    *,
    by: By = "",
    note: Note = "",
    config: ConfigFile = None,
) -> None:
    """Change a card; it then waits for a review again."""
    shelf = _shelf(config)
    before, card = shelf.card(key), parse_card(read_text(file), name=file.name)
    if card.id != key:
        raise UsageError(f"id: the text is of card {card.id!r}, not of {key!r}")
    if write_card(before) == write_card(card):
        typer.echo(f"{key}: not changed")
        return
    kept = edit(shelf, card, by=by or who(), note=note)
    typer.echo(f"{key}: revision {kept.revision}, waits for a review")


@cards_app.command("restore")
def restore_card(
    key: Key,
    revision: Annotated[int, typer.Argument(help="Number of the revision.", show_default=False)],
    *,
    by: By = "",
    config: ConfigFile = None,
) -> None:
    """Bring an earlier revision back; it waits for a review."""
    typer.echo(f"{key}: revision {_shelf(config).restore(key, revision, by=by or who()).revision}")


@cards_app.command("export")
def export_cards(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.", show_default=False)],
    *,
    standing: Annotated[Standing | None, typer.Option(help="Only those that stand so.")] = Standing.ACCEPTED,
    config: ConfigFile = None,
) -> None:
    """Write cards as Markdown files, one a card."""
    found = _shelf(config).cards(standing=standing.value if standing else None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for card in found:
            (folder / f"{card.id}.md").write_text(write_card(card), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
    typer.echo(f"{len(found)} cards written to {folder}")


@review_app.command("list")
def list_review(config: ConfigFile = None) -> None:
    """List what waits for a review."""
    found = waiting(_shelf(config))
    rows = [("card", each.id, each.title, each.fault_type, str(each.revision)) for each in found.cards]
    rows += [("past fault", each.id, each.summary, each.fault_type, "") for each in found.past]
    _print(("what", "id", "title", "fault type", "revision"), rows)


@review_app.command("accept")
def accept(
    key: Key, *, revision: Revision = None, by: By = "", note: Note = "", config: ConfigFile = None
) -> None:
    """Accept a draft in your name; of a card, the revision that is shown, or the one that you name."""
    _review(_shelf(config), key, "accept", revision=revision, by=by, note=note)


@review_app.command("reject")
def reject(
    key: Key, *, revision: Revision = None, by: By = "", note: Note = "", config: ConfigFile = None
) -> None:
    """Reject a draft in your name; of a card, the revision that is shown, or the one that you name."""
    _review(_shelf(config), key, "reject", revision=revision, by=by, note=note)


review_app.command("edit", help="Change the card of a draft; it goes on waiting.")(edit_card)


def label(
    investigation: Annotated[
        str, typer.Argument(metavar="INVESTIGATION", help="Its id.", show_default=False)
    ],
    target: Annotated[Target, typer.Argument(help="What is labelled.", show_default=False)],
    target_id: Annotated[str, typer.Argument(metavar="ID", help="Which one.", show_default=False)],
    word: Annotated[Word, typer.Argument(help="Whether it was right.", show_default=False)],
    *,
    subject: Annotated[
        str, typer.Option(help="Metric, prompt or card that may have to change.", show_default=False)
    ] = "",
    score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score of the finding.", show_default=False)
    ] = None,
    correct: Annotated[
        list[str] | None,
        typer.Option("--correct", metavar="FIELD=TEXT", help="What it should be; repeatable."),
    ] = None,
    by: By = "",
    note: Note = "",
    config: ConfigFile = None,
) -> None:
    """Say that a finding, a claim, an output or a card was right or wrong, and what it should have been."""
    shelf = _shelf(config)
    kept = Labels(shelf.database, shelf.clock).add(
        by=by or who(),
        role="responder",
        investigation_id=investigation,
        target=target.value,
        target_id=target_id,
        right=word is Word.RIGHT,
        subject=subject,
        score=score,
        correction=_corrections(correct or []),
        note=note,
    )
    typer.echo(f"label {kept.id}")


review_app.command("label")(label)


@proposals_app.command("list")
def list_proposals(config: ConfigFile = None) -> None:
    """List proposals, the latest first."""
    rows = (
        (
            each.id,
            each.kind,
            each.subject,
            json.dumps(dict(each.change), ensure_ascii=False),
            each.standing,
            each.decided_by,
        )
        for each in _proposals(config)[1].all()
    )
    _print(("id", "kind", "of", "change", "standing", "by"), rows)


@proposals_app.command("make")
def make_proposals(config: ConfigFile = None) -> None:
    """Look what the labels speak for now."""
    shelf, proposals = _proposals(config)
    threshold = load(config).anomaly_detection.threshold
    made = proposals.make(Labels(shelf.database, shelf.clock).all(), threshold=threshold)
    typer.echo(f"{len(made)} proposals wait; `sre-copilot knowledge proposals list` shows them")


@proposals_app.command("accept")
def accept_proposal(key: Key, *, by: By = "", note: Note = "", config: ConfigFile = None) -> None:
    """Accept a proposal in your name."""
    _settle(key, accept=True, by=by, note=note, config=config)


@proposals_app.command("reject")
def reject_proposal(key: Key, *, by: By = "", note: Note = "", config: ConfigFile = None) -> None:
    """Reject a proposal in your name."""
    _settle(key, accept=False, by=by, note=note, config=config)


@proposals_app.command("cases")
def cases(config: ConfigFile = None) -> None:
    """Print, as JSON, the truths on which enough people agree: for `truth.json` of recorded cases."""
    shelf = _shelf(config)
    print_document(
        json.dumps(evaluation_cases(Labels(shelf.database, shelf.clock).all()), ensure_ascii=False, indent=2)
    )


def who() -> str:
    """The account at the command line."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have it
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "the command line"


def _shelf(config: Path | None) -> Experience:
    return open_experience(load(config))


def _proposals(config: Path | None) -> tuple[Experience, Proposals]:
    shelf = _shelf(config)
    return shelf, Proposals(shelf.database, shelf.clock)


def _settle(key: str, *, accept: bool, by: str, note: str, config: Path | None) -> None:
    shelf, proposals = _proposals(config)
    decided = proposals.decide(key, accept=accept, by=by or who(), shelf=shelf, note=note)
    typer.echo(f"{decided.id}: {decided.standing}")
    if accept and decided.kind == "threshold":
        typer.echo(f"threshold of {decided.subject}: {decided.change['to']}")
    if accept and decided.kind == "prompt":
        typer.echo(f"now write the text: sre-copilot prompts edit {decided.subject} FILE")


def _added(shelf: Experience, card: Card, by: str, *, accept: bool) -> str:
    if not shelf.has_card(card.id):
        kept = shelf.save(card, by=by, note="added")
    elif write_card(shelf.card(card.id)) != write_card(card):
        kept = edit(shelf, card, by=by, note="added again")
    else:
        kept = shelf.card(card.id)
    if accept and kept.standing != "accepted":
        review(shelf, card.id, "accept", by=by)
    return f"revision {shelf.card(card.id).revision}, {shelf.card(card.id).standing}"


def _markdown(places: Sequence[Path]) -> list[Path]:
    found = [
        path for place in places for path in (sorted(place.rglob("*.md")) if place.is_dir() else [place])
    ]
    if not found:
        raise UsageError(f"{', '.join(map(str, places))}: no Markdown file (*.md) there")
    return found


def read_text(path: Path) -> str:
    """The text of a file that the user names.

    Raises
    ------
    UsageError : when it cannot be read
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise UsageError(f"{path}: cannot be read: {reason}") from None


def _corrections(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in given:
        field, sign, text = each.partition("=")
        if not sign:
            raise UsageError(f"--correct: {each!r} must be FIELD=TEXT, for example fault_type=resource/cpu")
        found[field.strip()] = text.strip()
    return found


def _row(card: Card) -> tuple[str, ...]:
    return card.id, card.title, card.fault_type, card.standing, f"{card.trust:.2f}", str(card.revision)


def _review(
    shelf: Experience, key: str, decision: Decision, *, revision: int | None, by: str, note: str
) -> None:
    if shelf.has_card(key):
        card = shelf.card(key)
        revision = revision or card.revision
        typer.echo(f"revision {card.revision}: {card.title}")
    decided = review(shelf, key, decision, by=by or who(), note=note, revision=revision)
    typer.echo(f"{decided.id}: {decided.standing}")


def _print(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table()
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*map(Text, row))
    table_console().print(table)
