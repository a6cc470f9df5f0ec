"""What happens on the way to an answer, as it happens: on standard error, where someone is watching."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from sre_copilot.agents.answer import Event
from sre_copilot.agents.toolkit.inert import inert_line
from sre_copilot.domain.knowledge import Lang
from sre_copilot.incidents.report.words import word

SHOWN = ("intent", "plan", "finding", "hypothesis", "claim", "refuted")
TOOLS = ("tool_call", "tool_result")
LONGEST = 200  # characters of a line: two lines of a usual terminal
STYLES = {"finding": "cyan", "hypothesis": "magenta", "refuted": "yellow", "claim": "bold"}


class Working:
    """Prints events as they come; several agents may speak at once. Whoever asked to see the tools is told wherever it leads."""

    def __init__(self, lang: Lang, *, show_tools: bool = False, console: Console | None = None) -> None:
        self._lang = lang
        self._show_tools = show_tools
        self._console = console or Console(stderr=True, highlight=False)

    def hear(self, event: Event) -> None:
        """Print an event, where it is one to be seen."""
        if not (self._console.is_terminal or self._show_tools):
            return
        if said := self._said(event):
            style = STYLES.get(event.kind, "dim")
            self._console.print(Text(f"  {said}", style=style), soft_wrap=True)

    def _said(self, event: Event) -> str:
        text = inert_line(event.text, LONGEST)
        if event.kind == "note":
            state = str(event.data.get("state", ""))
            known = state in ("running", "done", "failed")
            return word(f"ask.working.{state}", self._lang, agent=event.agent, text=text) if known else ""
        if event.kind in SHOWN:
            return word(f"ask.working.{event.kind}", self._lang, agent=event.agent, text=text)
        if event.kind in TOOLS:
            outcome = word(f"ask.outcome.{event.data.get('outcome', 'success')}", self._lang)
            return word(
                f"ask.working.{event.kind}", self._lang, agent=event.agent, text=text, outcome=outcome
            )
        return ""
