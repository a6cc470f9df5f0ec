"""A conversation with the team: questions that go on from each other, and commands that begin with a slash."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from sre_copilot.agents.answer import Answer
from sre_copilot.agents.toolbox import schema_of
from sre_copilot.app.asking import OpenCopilot
from sre_copilot.cli.asking_line import lines
from sre_copilot.cli.files import write_file
from sre_copilot.cli.tools import by_schema, pairs
from sre_copilot.cli.working import Working
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.answers import terminal
from sre_copilot.incidents.answers.document import document
from sre_copilot.incidents.report import build, print_report, render
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.incidents.report.numbers import iso
from sre_copilot.incidents.report.words import word

ENDINGS = {".html": "html", ".htm": "html", ".md": "md", ".json": "json"}
NAMED = 12  # services that /context lists


@dataclass(frozen=True, slots=True)
class Shown:
    """What of an answer is shown besides its claims."""

    evidence: bool = False
    tools: bool = False


class Conversation:
    """One conversation: what was answered last, and in which language answers are given (None: the question's)."""

    def __init__(
        self, opened: OpenCopilot, lang: Lang | None, shown: Shown, *, console: Console | None = None
    ) -> None:
        self.opened = opened
        self.lang = lang
        self.shown = shown
        self.console = console or Console(highlight=False)
        self.last: Answer | None = None
        self.diagnosed: Answer | None = None
        self.ended = False

    @property
    def spoken(self) -> Lang:
        """The language of what is said around answers."""
        return self.lang or (self.last.lang if self.last else self.opened.copilot.context.lang)

    def take(self, line: str) -> None:
        """Answer a question, or carry out a command; what goes wrong is said, and the conversation goes on."""
        try:
            self._command(line) if line.startswith("/") else self.ask(line)
        except (SreCopilotError, typer.BadParameter) as error:
            self.say(one_line(str(error), 1000))
        except KeyboardInterrupt:
            self.tell("stopped")

    def ask(self, text: str) -> None:
        """Ask; the question before is what it may go on from."""
        listen = Working(self.spoken, show_tools=self.shown.tools).hear
        previous = self.last.understood if self.last else None
        self.last = self.opened.copilot.ask(text, lang=self.lang, previous=previous, listen=listen)
        self.diagnosed = self.last if self.last.investigated is not None else self.diagnosed
        self.show(evidence=self.shown.evidence, asked=self.shown.tools)

    def show(self, *, evidence: bool, asked: bool) -> None:
        """Print the last answer."""
        if self.last is None:
            return self.tell("nothing")
        return terminal.print_answer(document(self.last), self.console, evidence=evidence, asked=asked)

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(Text(text))

    def tell(self, key: str, **params: str | float) -> None:
        """Print a sentence."""
        self.say(word(f"ask.conversation.{key}", self.spoken, **params))

    def _command(self, line: str) -> None:
        name, _, rest = line[1:].strip().partition(" ")
        command = COMMANDS.get(name.lower())
        if command is None:
            return self.tell("unknown", name=f"/{name}")
        return command(self, rest.strip())


def converse(conversation: Conversation, *, first: str = "") -> None:
    """Take lines until they end."""
    place = conversation.opened.scene.name
    if sys.stdin.isatty():
        shown = word("ask.conversation.live", conversation.spoken) if place == "live" else place
        conversation.tell("begin", place=shown)
    if first:
        conversation.take(first)
    for line in lines(list(COMMANDS)):
        if line.strip():
            conversation.take(line.strip())
        if conversation.ended:
            return


def _help(conversation: Conversation, rest: str) -> None:
    for name in COMMANDS:
        conversation.say(word(f"ask.command.{name}", conversation.spoken))


def _clear(conversation: Conversation, rest: str) -> None:
    conversation.last = conversation.diagnosed = None
    conversation.tell("cleared")


def _tools(conversation: Conversation, rest: str) -> None:
    for spec in conversation.opened.toolbox.specs(conversation.spoken):
        arguments = ", ".join(spec.parameters.get("properties", {}))
        conversation.say(f"{spec.name}({arguments}): {spec.description}")


def _context(conversation: Conversation, rest: str) -> None:
    lang, scene = conversation.spoken, conversation.opened.scene
    for line in _context_lines(conversation, lang, scene.services()):
        conversation.say(line)


def _context_lines(conversation: Conversation, lang: Lang, services: tuple[str, ...]) -> Iterator[str]:
    scene = conversation.opened.scene
    bounds = scene.bounds()
    yield word("ask.context.place", lang, place=scene.name, start=iso(bounds.start), end=iso(bounds.end))
    named = ", ".join(services[:NAMED]) + (" …" if len(services) > NAMED else "")
    yield word("ask.context.services", lang, count=len(services), services=named)
    if conversation.last:
        understood = conversation.last.understood
        yield word("ask.context.previous", lang, text=one_line(understood.text), intent=understood.intent)
    state = "some" if conversation.opened.copilot.speaker.available else "none"
    yield word("ask.context.model", lang, said=word(f"ask.context.model.{state}", lang))


def _last(conversation: Conversation, rest: str) -> None:
    conversation.show(evidence=conversation.shown.evidence, asked=True)


def _show(conversation: Conversation, rest: str) -> None:
    if conversation.last is None:
        return conversation.tell("nothing")
    told = document(conversation.last)
    known = [each["id"] for each in told["findings"]]
    if rest and rest not in known:
        return conversation.tell("no_finding", id=one_line(rest, 40), known=", ".join(known))
    return terminal.print_evidence(told, conversation.console, only=rest)


def _run(conversation: Conversation, rest: str) -> None:
    name, *given = rest.split() or [""]
    if not name:
        return conversation.tell("usage", form="/run TOOL [KEY=VALUE]…")
    toolbox = conversation.opened.toolbox
    tool = toolbox.tool(name)
    arguments = pairs(given)
    result = toolbox.use(name, arguments if tool is None else by_schema(arguments, schema_of(tool)))
    outcome = word(f"ask.outcome.{result.outcome}", conversation.spoken)
    return conversation.say(f"{outcome}\n{result.digest}")


def _report(conversation: Conversation, rest: str) -> None:
    answer = conversation.diagnosed
    if answer is None or answer.diagnosis is None or answer.investigated is None:
        return conversation.tell("no_report")
    found = answer.investigated
    report = build(answer.diagnosis, found.observation, found.observed)
    if not rest:
        return print_report(report, conversation.console, lang=conversation.spoken)
    path = Path(rest)
    form = ENDINGS.get(path.suffix.lower(), "table")
    write_file(path, render(report, output=form, lang=conversation.spoken), option="/report")  # type: ignore[arg-type]
    return conversation.tell("written", path=str(path))


def _lang(conversation: Conversation, rest: str) -> None:
    if rest not in ("en", "zh"):
        return conversation.tell("usage", form="/lang en|zh")
    conversation.lang = rest  # type: ignore[assignment]
    return conversation.tell("lang")


def _exit(conversation: Conversation, rest: str) -> None:
    conversation.ended = True


COMMANDS: Mapping[str, Callable[[Conversation, str], None]] = {
    "help": _help,
    "clear": _clear,
    "tools": _tools,
    "context": _context,
    "last": _last,
    "show": _show,
    "run": _run,
    "report": _report,
    "lang": _lang,
    "exit": _exit,
}
