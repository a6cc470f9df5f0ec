"""Lines of a conversation: with history and completion at a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PROMPT = "» "
HISTORY = "sre-copilot/asked"  # below the user's state folder


def lines(commands: Sequence[str]) -> Iterator[str]:
    """What a person types, line by line, until the end of input; Ctrl-C forgets the line that is being typed."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        yield from _typed(commands)
    else:
        yield from sys.stdin


def history_file() -> Path | None:
    """Where questions are kept from one conversation to the next; None where nothing can be written."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    path = Path(state) / HISTORY
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError:
        return None
    return path


def _typed(commands: Sequence[str]) -> Iterator[str]:
    from prompt_toolkit import PromptSession  # noqa: PLC0415 - only a person at a terminal needs it
    from prompt_toolkit.completion import WordCompleter  # noqa: PLC0415
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory  # noqa: PLC0415
    from prompt_toolkit.patch_stdout import patch_stdout  # noqa: PLC0415

    path = history_file()
    history: History = FileHistory(str(path)) if path else InMemoryHistory()
    completer = WordCompleter([f"/{name}" for name in commands], sentence=True)
    session: PromptSession[str] = PromptSession(PROMPT, history=history, completer=completer)
    while True:
        try:
            with patch_stdout():
                line = session.prompt()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        yield line
